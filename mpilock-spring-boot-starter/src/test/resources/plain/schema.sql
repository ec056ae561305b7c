create table town (name varchar(40));

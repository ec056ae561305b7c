-- The tables of io.mpilock.spring.batch.JdbcWorkJournal, for H2, PostgreSQL, MySQL and MariaDB.

-- Each start of a job that had units left to do, from 0; with the plan where it made one.
CREATE TABLE MPILOCK_WORK (
  WORK_KEY VARCHAR(64) NOT NULL,
  START_NUMBER INTEGER NOT NULL,
  ATTEMPT BIGINT NOT NULL,
  WORK_NAME VARCHAR(250) NOT NULL,
  PLAN VARCHAR(2000),
  PRIMARY KEY (WORK_KEY, START_NUMBER)
);

-- Each run of units: the start that it was last open in, and how many of its items are done.
CREATE TABLE MPILOCK_WORK_RUN (
  WORK_KEY VARCHAR(64) NOT NULL,
  RUN INTEGER NOT NULL,
  ATTEMPT BIGINT NOT NULL,
  ITEMS BIGINT NOT NULL,
  COMPLETE SMALLINT NOT NULL,
  FIRST_BYTE BIGINT,
  END_BYTE BIGINT,
  PRIMARY KEY (WORK_KEY, RUN)
);

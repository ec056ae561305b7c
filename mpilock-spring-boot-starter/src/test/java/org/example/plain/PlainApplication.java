/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.plain;

import jakarta.persistence.EntityManager;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcUtils;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * Runs a job once, over JPA and {@code schema.sql}, and says what it finds: lines that begin with
 * {@code FACT}, and one {@code BEAN} for each bean.
 */
@SpringBootApplication(proxyBeanMethods = false)
class PlainApplication {

  public static void main(String[] arguments) throws Exception {
    try (ConfigurableApplicationContext context =
        SpringApplication.run(PlainApplication.class, arguments)) {
      tell(context);
    }
  }

  @Bean
  Job nightly(
      JobRepository repository,
      PlatformTransactionManager transactions,
      EntityManager entities,
      JdbcTemplate jdbc) {
    return new JobBuilder("nightly", repository)
        .start(
            new StepBuilder("people", repository)
                .tasklet(
                    (contribution, chunk) -> {
                      entities.persist(new Person("Ada"));
                      jdbc.update("insert into town (name) values ('Turin')");
                      return RepeatStatus.FINISHED;
                    },
                    transactions)
                .build())
        .build();
  }

  private static void tell(ConfigurableApplicationContext context) throws Exception {
    Map<String, Object> facts = new TreeMap<>();
    ConfigurableEnvironment environment = context.getEnvironment();
    JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
    DataSource dataSource = context.getBean(DataSource.class);
    facts.put("data source", dataSource.getClass());
    facts.put("url", JdbcUtils.extractDatabaseMetaData(dataSource, data -> data.getURL()));
    facts.put("data sources", Arrays.toString(context.getBeanNamesForType(DataSource.class)));
    facts.put(
        "transaction managers",
        Arrays.toString(context.getBeanNamesForType(PlatformTransactionManager.class)));
    facts.put(
        "job repository",
        Arrays.toString(context.getBean(JobRepository.class).getClass().getInterfaces()));
    facts.put(
        "tables",
        jdbc.queryForList(
            "select table_name from information_schema.tables where table_schema = 'PUBLIC' order by 1"));
    facts.put("people", jdbc.queryForList("select name from person"));
    facts.put("towns", jdbc.queryForList("select name from town"));
    facts.put("instances", jdbc.queryForList("select * from batch_job_instance"));
    facts.put("executions", jdbc.queryForList("select status, exit_code from batch_job_execution"));
    facts.put(
        "parameters",
        jdbc.queryForList("select parameter_name from batch_job_execution_params order by 1"));
    facts.put("active profiles", Arrays.toString(environment.getActiveProfiles()));
    facts.put("default profiles", Arrays.toString(environment.getDefaultProfiles()));
    facts.put("configuration reads", CountedConfig.READS);
    facts.put(
        "property sources",
        environment.getPropertySources().stream()
            .map(PropertySource::getName)
            .filter(name -> !name.equals("mpilock launcher"))
            .toList());
    facts.forEach((key, value) -> System.out.println("FACT " + key + ": " + value));
    for (String bean : context.getBeanDefinitionNames()) {
      System.out.println("BEAN " + bean);
    }
  }
}

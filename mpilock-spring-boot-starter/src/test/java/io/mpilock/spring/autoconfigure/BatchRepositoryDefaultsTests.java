package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration;
import org.springframework.boot.context.logging.LoggingApplicationListener;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** The repository that a rank has if the application names none. */
@Timeout(120)
class BatchRepositoryDefaultsTests {
  private static final String URL = "spring.datasource.url";
  private static final String SCHEMA = "spring.batch.jdbc.initialize-schema";
  private static final String ISOLATION = "spring.batch.jdbc.isolation-level-for-create";
  private static final String RECOVER = "mpilock.batch.recover";

  @TempDir private Path folder;

  @Configuration(proxyBeanMethods = false)
  static class Nothing {}

  /** Two steps; the second fails if it is told to. */
  @Configuration(proxyBeanMethods = false)
  @ImportAutoConfiguration({
    DataSourceAutoConfiguration.class,
    DataSourceTransactionManagerAutoConfiguration.class,
    TransactionAutoConfiguration.class,
    BatchJdbcAutoConfiguration.class,
    BatchAutoConfiguration.class,
    MpilockAutoConfiguration.class
  })
  static class TwoSteps {
    @Bean
    Job job(JobRepository repository, @Value("${fails:false}") boolean fails) {
      return new JobBuilder("two", repository)
          .start(
              new StepBuilder("first", repository)
                  .tasklet((contribution, chunk) -> RepeatStatus.FINISHED)
                  .build())
          .next(
              new StepBuilder("second", repository)
                  .tasklet((contribution, chunk) -> {
                    if (fails) {
                      throw new IllegalStateException("disk full");
                    }
                    return RepeatStatus.FINISHED;
                  })
                  .build())
          .build();
    }
  }

  private static ConfigurableEnvironment run(Map<String, String> variables, String... arguments) {
    try (ConfigurableApplicationContext context =
        application(Nothing.class, variables).run(arguments)) {
      return context.getEnvironment();
    }
  }

  private static SpringApplication application(Class<?> source, Map<String, String> variables) {
    SpringApplication application = new SpringApplication(source);
    application.setEnvironment(FakeEnvironments.of(variables));
    application.setRegisterShutdownHook(false);
    // The JVM's log is not to be what the environment says: other tests read it.
    application.setListeners(
        application.getListeners().stream()
            .filter(listener -> !(listener instanceof LoggingApplicationListener))
            .toList());
    return application;
  }

  @Test
  void eachRankHasADatabaseOfItsOwn() {
    ConfigurableEnvironment environment =
        run(FakeEnvironments.openMpi(2, 8), "--spring.config.name=none"); // not that of the tests
    assertThat(environment.getProperty(URL))
        .isEqualTo("jdbc:h2:file:./batch-repository/rank-2;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE");
    assertThat(environment.getProperty(SCHEMA)).isEqualTo("always");
    assertThat(environment.getProperty(ISOLATION)).isEqualTo("repeatable-read");
    assertThat(environment.getProperty(RECOVER)).isEqualTo("true");
  }

  @Test
  void soHasARankThatIsAlone() {
    ConfigurableEnvironment environment =
        run(FakeEnvironments.NO_LAUNCHER, "--mpilock.batch.repository-directory=" + folder);
    assertThat(environment.getProperty(URL)).startsWith("jdbc:h2:file:" + folder + "/rank-0;");
    assertThat(environment.containsProperty(ISOLATION)).isFalse();
  }

  @Test
  void aDataSourceOfTheApplicationsGoesBefore() {
    for (String own :
        new String[] {
          "spring.datasource.url=jdbc:postgresql:batch",
          "spring.datasource.jndi-name=batch",
          "spring.datasource.embedded-database-connection=none",
          "spring.datasource.hikari.jdbc-url=jdbc:postgresql:batch",
          "mpilock.batch.repository-directory="
        }) {
      ConfigurableEnvironment environment = run(FakeEnvironments.openMpi(2, 8), "--" + own);
      assertThat(environment.getProperty(URL, ""))
          .isEqualTo(own.startsWith(URL) ? "jdbc:postgresql:batch" : "");
      assertThat(environment.containsProperty(SCHEMA)).isFalse();
      assertThat(environment.containsProperty(RECOVER)).isFalse();
      assertThat(environment.getProperty(ISOLATION)).isEqualTo("repeatable-read");
    }
  }

  @Test
  void whatTheApplicationSetsItselfStays() {
    ConfigurableEnvironment environment =
        run(
            FakeEnvironments.openMpi(2, 8),
            "--" + SCHEMA + "=never",
            "--" + ISOLATION + "=serializable",
            "--" + RECOVER + "=false");
    assertThat(environment.getProperty(SCHEMA)).isEqualTo("never");
    assertThat(environment.getProperty(ISOLATION)).isEqualTo("serializable");
    assertThat(environment.getProperty(RECOVER)).isEqualTo("false");
  }

  @Test
  void aDirectoryThatH2WouldMisreadIsRefused() {
    assertThatThrownBy(() ->
            run(FakeEnvironments.NO_LAUNCHER, "--mpilock.batch.repository-directory=a;INIT=b"))
        .isInstanceOf(InvalidConfigurationPropertyValueException.class)
        .hasMessageContaining("mpilock.batch.repository-directory");
  }

  @Test
  void aJobThatFailedIsStartedAgainByTheNextProcess() throws Exception {
    JobExecution failed = runJob("--fails=true");
    assertThat(failed.getStatus()).isEqualTo(BatchStatus.FAILED);
    assertThat(failed.getStepExecutions()).hasSize(2);

    JobExecution again = runJob("--fails=false");
    assertThat(again.getStatus()).isEqualTo(BatchStatus.COMPLETED);
    assertThat(again.getJobInstance().getId()).isEqualTo(failed.getJobInstance().getId());
    assertThat(again.getStepExecutions())
        .singleElement()
        .satisfies(step -> assertThat(step.getStepName()).isEqualTo("second"));
    assertThat(folder.resolve("rank-0.mv.db")).exists();
  }

  private JobExecution runJob(String argument) throws Exception {
    try (ConfigurableApplicationContext context =
        application(TwoSteps.class, FakeEnvironments.NO_LAUNCHER)
            .run("--mpilock.batch.repository-directory=" + folder, argument)) {
      return context
          .getBean(JobOperator.class)
          .start(context.getBean(Job.class), new JobParameters());
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.batch.RankRepositoryPostProcessor;
import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.spring.test.TestRank;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchDataSource;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcProperties;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceInitializationAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.Isolation;

/** Where each of several ranks has its job repository, if the application names no database. */
@Timeout(120)
class RankRepositoryTests {
  private static final String OWN = RankRepositoryConfiguration.DATA_SOURCE;

  @TempDir private Path folder;

  /** Two steps; the second fails if it is told to. */
  @Configuration(proxyBeanMethods = false)
  static class TwoSteps {
    @Bean
    Job job(JobRepository repository, AtomicBoolean fails) {
      return new JobBuilder("two", repository)
          .start(
              new StepBuilder("first", repository)
                  .tasklet((contribution, chunk) -> RepeatStatus.FINISHED)
                  .build())
          .next(
              new StepBuilder("second", repository)
                  .tasklet((contribution, chunk) -> {
                    if (fails.get()) {
                      throw new IllegalStateException("disk full");
                    }
                    return RepeatStatus.FINISHED;
                  })
                  .build())
          .build();
    }
  }

  private RankContextRunner runner(AtomicBoolean fails) {
    return new RankContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                DataSourceAutoConfiguration.class,
                DataSourceInitializationAutoConfiguration.class,
                DataSourceTransactionManagerAutoConfiguration.class,
                TransactionAutoConfiguration.class,
                BatchJdbcAutoConfiguration.class,
                BatchAutoConfiguration.class))
        .withUserConfiguration(TwoSteps.class)
        .withBean(AtomicBoolean.class, () -> fails)
        .withPropertyValues(
            "mpilock.batch.repository-directory=" + folder,
            "spring.sql.init.schema-locations=classpath:plain/schema.sql");
  }

  /** One after the other: in one JVM Spring Batch takes executions of equal ids for the same. */
  private static JobExecution start(TestRank rank) throws Exception {
    ApplicationContext context = rank.context();
    return rank.locks()
        .write(() ->
            context
                .getBean(JobOperator.class)
                .start(context.getBean(Job.class), new JobParameters()));
  }

  private static boolean has(DataSource dataSource, String table) {
    Integer count =
        new JdbcTemplate(dataSource)
            .queryForObject(
                "select count(*) from information_schema.tables where table_name = ?",
                Integer.class,
                table);
    return count != null && count > 0;
  }

  @Test
  void eachRankHasADatabaseForItAndTheApplicationKeepsItsOwn() {
    runner(new AtomicBoolean())
        .run(rank -> {
          assertThat(rank.context()).hasNotFailed();
          DataSource application = rank.context().getBean(DataSource.class); // the only one by type
          DataSource own = rank.context().getBean(OWN, DataSource.class);
          assertThat(application).isNotSameAs(own);
          assertThat(has(application, "TOWN")).isTrue();
          assertThat(has(application, "BATCH_JOB_INSTANCE")).isFalse();
          assertThat(has(own, "BATCH_JOB_INSTANCE")).isTrue();
          assertThat(has(own, "TOWN")).isFalse();
          assertThat(rank.context().getBean(PlatformTransactionManager.class))
              .isInstanceOfSatisfying(
                  JdbcTransactionManager.class,
                  manager -> assertThat(manager.getDataSource()).isSameAs(application));
          assertThat(start(rank).getStatus()).isEqualTo(BatchStatus.COMPLETED);
        });
    assertThat(folder.resolve("rank-0.mv.db")).exists();
    assertThat(folder.resolve("rank-1.mv.db")).exists();
  }

  @Test
  void aJobThatFailedIsStartedAgainByTheNextProcess() {
    AtomicBoolean fails = new AtomicBoolean(true);
    runner(fails).run(rank -> assertThat(start(rank).getStatus()).isEqualTo(BatchStatus.FAILED));
    fails.set(false);
    runner(fails)
        .run(rank -> {
          JobExecution again = start(rank);
          assertThat(again.getStatus()).isEqualTo(BatchStatus.COMPLETED);
          assertThat(again.getStepExecutions())
              .singleElement()
              .satisfies(step -> assertThat(step.getStepName()).isEqualTo("second"));
        });
  }

  @Test
  void anExecutionThatWasCutOffIsRecovered() {
    AtomicBoolean fails = new AtomicBoolean(true);
    runner(fails).run(rank -> cutOff(rank.context(), start(rank)));
    fails.set(false);
    runner(fails).run(rank -> assertThat(start(rank).getStatus()).isEqualTo(BatchStatus.COMPLETED));
  }

  /** As a killed process leaves it. */
  @SuppressWarnings("NullAway") // there is no end time before the end
  private static void cutOff(ApplicationContext context, JobExecution job) {
    job.setStatus(BatchStatus.STARTED);
    job.setEndTime(null);
    context.getBean(JobRepository.class).update(job);
  }

  /** How an application may say where its database is. */
  enum Named {
    BY_A_BEAN,
    BY_CONNECTION_DETAILS,
    BY_THE_URL,
    BY_THE_POOLS_URL
  }

  private RankContextRunner named(Named how, String url, RankContextRunner runner) {
    return switch (how) {
      case BY_A_BEAN -> runner.withBean(DataSource.class, () -> dataSource(url));
      case BY_CONNECTION_DETAILS ->
          runner.withBean(JdbcConnectionDetails.class, () -> new Details(url));
      case BY_THE_URL -> runner.withPropertyValues("spring.datasource.url=" + url);
      case BY_THE_POOLS_URL ->
          runner.withPropertyValues("spring.datasource.hikari.jdbc-url=" + url);
    };
  }

  private record Details(String url) implements JdbcConnectionDetails {
    @Override
    public String getUsername() {
      return "sa";
    }

    @Override
    public String getPassword() {
      return "";
    }

    @Override
    public String getJdbcUrl() {
      return url;
    }
  }

  private static DataSource dataSource(String url) {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setUrl(url);
    dataSource.setUser("sa");
    return dataSource;
  }

  private static String shared() {
    return "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
  }

  /** Perhaps another application's job of the same name runs there, as the same rank. */
  @ParameterizedTest
  @EnumSource
  void aDatabaseThatTheApplicationNamesIsNeitherReplacedNorRecovered(Named how) {
    String url = shared();
    RankContextRunner runner =
        named(
            how, url, runner(new AtomicBoolean()).withPropertyValues("spring.sql.init.mode=never"));
    runner.run(rank -> {
      assertThat(rank.context()).hasNotFailed();
      DataSource application = rank.context().getBean(DataSource.class);
      assertThat(has(application, "BATCH_JOB_INSTANCE")).isTrue();
      assertThat(rank.context().getBeanProvider(RankRepositoryPostProcessor.class)).isNotEmpty();
      JobExecution job = start(rank);
      assertThat(job.getJobParameters().getLong(RankRepositoryPostProcessor.RANK))
          .isEqualTo(rank.rank());
      cutOff(rank.context(), job);
    });
    runner.run(rank -> assertThat(rank.context()).hasNotFailed());
    assertThat(
            new JdbcTemplate(dataSource(url))
                .queryForList("select status from batch_job_execution", String.class))
        .containsExactly("STARTED", "STARTED");
    assertThat(folder).isEmptyDirectory();
  }

  /** Only an initialize-schema of the application's makes tables in a database that it names. */
  @Test
  void noTablesAreMadeInADatabaseThatTheApplicationNames() {
    Path file = folder.resolve("foreign");
    runner(new AtomicBoolean())
        .withPropertyValues("spring.datasource.url=jdbc:h2:file:" + file + ";AUTO_SERVER=FALSE")
        .run(rank ->
            assertThat(has(rank.context().getBean(DataSource.class), "BATCH_JOB_INSTANCE"))
                .isFalse());
  }

  @Configuration(proxyBeanMethods = false)
  static class ForBatch {
    @Bean(defaultCandidate = false)
    @BatchDataSource
    DataSource forBatch() {
      return dataSource(shared());
    }
  }

  @Test
  void aDatabaseOfTheApplicationsForBatchStays() {
    runner(new AtomicBoolean())
        .withUserConfiguration(ForBatch.class)
        .run(rank -> {
          assertThat(rank.context()).hasNotFailed().doesNotHaveBean(OWN);
          assertThat(
                  has(rank.context().getBean("forBatch", DataSource.class), "BATCH_JOB_INSTANCE"))
              .isTrue();
        });
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void withoutADirectoryThereIsNone() {
    runner(new AtomicBoolean())
        .withPropertyValues("mpilock.batch.repository-directory=")
        .run(rank -> {
          assertThat(rank.context()).hasNotFailed();
          assertThat(has(rank.context().getBean(DataSource.class), "BATCH_JOB_INSTANCE")).isTrue();
        });
  }

  @Test
  void aDirectoryThatH2WouldMisreadIsRefused() {
    runner(new AtomicBoolean())
        .withRanks(2)
        .withPropertyValues("mpilock.batch.repository-directory=a;INIT=b")
        .run(rank ->
            assertThat(rank.context())
                .getFailure()
                .rootCause()
                .hasMessageContaining("mpilock.batch.repository-directory"));
  }

  /** Read committed is what all databases have; repeatable read is refused by Oracle's. */
  @Test
  void instancesAreMadeWithAnIsolationThatAllHaveUnlessTheApplicationSaysWhich() {
    runner(new AtomicBoolean())
        .run(rank ->
            assertThat(
                    rank.context().getBean(BatchJdbcProperties.class).getIsolationLevelForCreate())
                .isEqualTo(Isolation.READ_COMMITTED));
    runner(new AtomicBoolean())
        .withPropertyValues("spring.batch.jdbc.isolation-level-for-create=serializable")
        .run(rank ->
            assertThat(
                    rank.context().getBean(BatchJdbcProperties.class).getIsolationLevelForCreate())
                .isEqualTo(Isolation.SERIALIZABLE));
  }

  @Test
  void aRankThatIsAloneHasNoneOfThis() {
    runner(new AtomicBoolean())
        .withRanks(1)
        .run(rank -> {
          assertThat(rank.context()).hasNotFailed().doesNotHaveBean(OWN);
          JobExecution job = start(rank);
          assertThat(job.getJobParameters().isEmpty()).isTrue();
          assertThat(rank.context().getBean(BatchJdbcProperties.class).getIsolationLevelForCreate())
              .isNull();
        });
    assertThat(folder).isEmptyDirectory();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.WindowController;
import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.flight.Airports;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightReader;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.Output;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.report.LockReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.h2.jdbcx.JdbcConnectionPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.Step;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;

/**
 * The job of one rank. Every rank runs the same steps in the same order, as the collective calls in
 * them need; also in a run that goes on, whatever the repository says of a rank's steps: what is
 * done is in the journal.
 */
@Configuration(proxyBeanMethods = false)
class FlightJobConfiguration {
  private static final Logger LOG = LoggerFactory.getLogger(FlightJobConfiguration.class);
  private static final int EVENTS = 10_000;

  @Bean
  Job flights(
      JobRepository repository,
      DemoProperties properties,
      RankRun run,
      FlightSteps steps,
      LoadStep load,
      RankAgreement agreement,
      Airports airports,
      FlightReader reader) {
    Step loading =
        new StepBuilder("load", repository)
            .<Flight, FlightRow>chunk(Math.max(1, properties.chunkSize()))
            .reader(reader)
            .processor(flight -> airports.join(flight, run.rank()))
            .writer(load::write)
            .faultTolerant()
            .skipPolicy(load::shouldSkip)
            .skipListener(load)
            .listener(load)
            .allowStartIfComplete(true)
            .build();
    return new JobBuilder("flights", repository)
        .listener(agreement)
        .start(step("prepare", repository, agreement, steps::prepare))
        .next(loading)
        .next(step("verify", repository, agreement, steps::verify))
        .next(step("publish", repository, agreement, steps::publish))
        .build();
  }

  @FunctionalInterface
  private interface Action {
    void run() throws IOException;
  }

  /** A step of one action, which begins and ends on all ranks alike. */
  private static Step step(
      String name, JobRepository repository, RankAgreement agreement, Action action) {
    return new StepBuilder(name, repository)
        .tasklet((contribution, context) -> {
          agreement.begin();
          action.run();
          return RepeatStatus.FINISHED;
        })
        .listener(agreement)
        .allowStartIfComplete(true)
        .build();
  }

  @Bean
  FlightReader flightReader(DemoProperties properties, RankRun run) {
    return new FlightReader(
        run.rank(),
        run.size(),
        () ->
            new FlightReader.Input(
                properties.inputFile(), run.plan().rows(), run.plan().start().done()));
  }

  @Bean
  Airports airports() {
    return new Airports();
  }

  /** Its annotated method runs under the read lock. */
  @Bean
  FlightFile flightFile(DemoProperties properties, Output output, Airports airports) {
    return new FlightFile(
        output.partial(FlightFile.RESOURCE), properties.chunkSize(), airports.longestName());
  }

  /** Closed with the context, so that a job that is ended from outside cleans up, too. */
  @Bean(destroyMethod = "close")
  Output output(DemoProperties properties) {
    return new Output(properties.outputDirectory());
  }

  /** For the page. The starter's own report is made later, at the very end. */
  @Bean
  @Nullable LockReport lockReport(ObjectProvider<WindowController> controller) {
    return controller.stream().findFirst().map(c -> LockReport.record(c, EVENTS)).orElse(null);
  }

  /**
   * Where Spring Batch keeps what it knows of its jobs: for each rank a database of its own, in a
   * file beside the results. A database that cannot be opened is replaced by one in memory: what is
   * done is in the journal, so the job only forgets its history. If it is the directory that is
   * wrong, the job's first step says so.
   */
  @Bean(destroyMethod = "dispose")
  @Profile("!postgres")
  JdbcConnectionPool dataSource(DemoProperties properties, LockTemplate locks) {
    try {
      Path directory = properties.outputDirectory().resolve(".batch/rank-" + locks.rank());
      Files.createDirectories(directory);
      JdbcConnectionPool pool =
          // the context closes it; the database's own shutdown hook would be too early
          JdbcConnectionPool.create(
              "jdbc:h2:file:%s/repository;DB_CLOSE_ON_EXIT=FALSE".formatted(directory), "", "");
      try {
        pool.getConnection().close(); // which stays open in the pool
        return pool;
      } catch (SQLException e) {
        pool.dispose();
        throw e;
      }
    } catch (IOException | SQLException | DemoException e) {
      LOG.debug("The repository of rank {} is in memory", locks.rank(), e);
    }
    return JdbcConnectionPool.create("jdbc:h2:mem:repository;DB_CLOSE_DELAY=-1", "", "");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.springframework.batch.core.configuration.annotation.StepScope;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.item.ItemStreamReader;
import org.springframework.batch.infrastructure.item.ItemWriter;
import org.springframework.batch.infrastructure.item.support.ListItemReader;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchJobLauncherAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * A job whose ranks share numbers and write them into one file. With {@code --kill=RANK:MILLIS} a
 * rank is killed so long after it has begun.
 */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration({
  DataSourceAutoConfiguration.class,
  DataSourceTransactionManagerAutoConfiguration.class,
  TransactionAutoConfiguration.class,
  BatchJdbcAutoConfiguration.class,
  BatchAutoConfiguration.class,
  BatchJobLauncherAutoConfiguration.class,
  MpilockAutoConfiguration.class
})
class SharingApplication {
  static final int UNITS = 3_000;
  private static final int CHUNK = 10;
  private static final long NANOS_PER_UNIT = 200_000;

  public static void main(String[] arguments) {
    System.exit(SpringApplication.exit(SpringApplication.run(SharingApplication.class, arguments)));
  }

  @Bean
  FileWorkJournal journal(@Value("${folder}") Path folder, LockTemplate locks) {
    return new FileWorkJournal(folder.resolve("journal"), locks);
  }

  @Bean
  ItemWriter<Long> writer(FileWorkJournal journal, @Value("${folder}") Path folder) {
    return journal.writer("numbers", WorkOutput.lines(folder.resolve("out"), String::valueOf));
  }

  @Bean
  @StepScope
  ItemStreamReader<Long> reader(RankWork work) {
    return work.items(
        UNITS,
        run -> new ListItemReader<>(LongStream.range(run.first(), run.end()).boxed().toList()));
  }

  @Bean
  Job job(
      JobRepository repository,
      PlatformTransactionManager transactions,
      ItemStreamReader<Long> reader,
      ItemWriter<Long> writer,
      LockTemplate locks,
      @Value("${kill:-1:0}") String kill) {
    AtomicBoolean begun = new AtomicBoolean();
    return new JobBuilder("sharing", repository)
        .start(
            new StepBuilder("share", repository)
                .<Long, Long>chunk(CHUNK)
                .transactionManager(transactions)
                .reader(reader)
                .processor(unit -> {
                  if (begun.compareAndSet(false, true) && kill.startsWith(locks.rank() + ":")) {
                    killAfter(Long.parseLong(kill.substring(kill.indexOf(':') + 1)));
                  }
                  LockSupport.parkNanos(NANOS_PER_UNIT);
                  return unit;
                })
                .writer(writer)
                .allowStartIfComplete(true)
                .build())
        .build();
  }

  private static void killAfter(long millis) {
    try {
      Process _ =
          new ProcessBuilder(
                  "sh",
                  "-c",
                  "sleep %d.%03d; kill -KILL %d"
                      .formatted(millis / 1000, millis % 1000, ProcessHandle.current().pid()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.spring.test.TestRank;
import io.mpilock.testing.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.configuration.annotation.StepScope;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.item.ItemReader;
import org.springframework.batch.infrastructure.item.file.FlatFileItemReader;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.batch.infrastructure.item.file.mapping.PassThroughLineMapper;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Jobs that are started again, in repositories in a database. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RepositoryTests {
  private static final int LINES = 60;

  private PostgresServer postgres;
  @TempDir private Path folder;

  /** Where the repository is. */
  enum Database {
    H2_SHARED,
    POSTGRES_SHARED
  }

  @BeforeAll
  void startServer() throws Exception {
    postgres = PostgresServer.start();
  }

  @AfterAll
  void stopServer() throws Exception {
    postgres.close();
  }

  /** What the ranks wrote, and where they fail. */
  static final class Sink {
    private final Collection<String> lines = new ConcurrentLinkedQueue<>();
    private final Set<String> bad = ConcurrentHashMap.newKeySet();

    void write(List<? extends String> chunk) {
      for (String line : chunk) {
        if (bad.contains(line)) {
          throw new IllegalStateException("cannot write " + line);
        }
      }
      lines.addAll(chunk);
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Copying {
    @Bean
    @StepScope
    FlatFileItemReader<String> reader(
        RankSlices slices, @Value("#{jobParameters['input']}") String input) throws IOException {
      return new FlatFileItemReaderBuilder<String>()
          .name("lines")
          .resource(slices.lines(Path.of(input), 0))
          .lineMapper(new PassThroughLineMapper())
          .build();
    }

    @Bean
    Job copy(JobRepository repository, ItemReader<String> reader, Sink sink) {
      return new JobBuilder("copy", repository)
          .start(
              new StepBuilder("read", repository)
                  .<String, String>chunk(3)
                  .reader(reader)
                  .writer(chunk -> sink.write(chunk.getItems()))
                  .build())
          .build();
    }
  }

  private RankContextRunner runner(int ranks, Database database, Sink sink) {
    return new RankContextRunner()
        .withRanks(ranks)
        .withConfiguration(SharedRepository.AUTO_CONFIGURATIONS)
        .withUserConfiguration(Copying.class)
        .withBean(Sink.class, () -> sink)
        .withPropertyValues("mpilock.batch.combine-outcomes=true")
        .withPropertyValues(
            SharedRepository.at(
                database == Database.POSTGRES_SHARED
                    ? "%s?user=%s&password=%s"
                        .formatted(postgres.url(), PostgresServer.USER, postgres.password())
                    : "jdbc:h2:file:%s/shared;AUTO_SERVER=FALSE".formatted(folder)));
  }

  private Path input() throws IOException {
    return Files.write(
        Files.createTempFile(folder, "in", ".txt"),
        IntStream.range(0, LINES).mapToObj(i -> "line " + i).toList());
  }

  private static JobExecution start(TestRank rank, Path input) throws Exception {
    return rank.context()
        .getBean(JobOperator.class)
        .start(
            rank.context().getBean(Job.class),
            new JobParametersBuilder().addString("input", input.toString()).toJobParameters());
  }

  @ParameterizedTest
  @EnumSource
  void aJobThatFailedGoesOnWhereEachRankWas(Database database) throws IOException {
    Path input = input();
    Sink sink = new Sink();
    sink.bad.addAll(List.of("line 7", "line 50")); // of ranks 0 and 2 of 3; rank 1 is done
    RankContextRunner runner = runner(3, database, sink);
    runner.run(rank -> assertThat(start(rank, input).getStatus()).isEqualTo(BatchStatus.FAILED));
    assertThat(sink.lines).hasSize(6 + 20 + 9).doesNotHaveDuplicates();

    sink.bad.clear();
    Map<Integer, Long> read = new ConcurrentHashMap<>();
    runner.run(rank -> {
      JobExecution job = start(rank, input);
      assertThat(job.getStatus()).isEqualTo(BatchStatus.COMPLETED);
      read.put(
          rank.rank(), job.getStepExecutions().stream().mapToLong(s -> s.getReadCount()).sum());
    });

    assertThat(read).isEqualTo(Map.of(0, 14L, 1, 0L, 2, 11L));
    assertThat(sink.lines).containsExactlyInAnyOrderElementsOf(Files.readAllLines(input));
  }

  @Test
  void onAnotherNumberOfRanksItIsToldClearly() throws IOException {
    Path input = input();
    Sink sink = new Sink();
    sink.bad.add("line 7");
    runner(3, Database.POSTGRES_SHARED, sink)
        .run(rank -> assertThat(start(rank, input).getStatus()).isEqualTo(BatchStatus.FAILED));
    runner(2, Database.POSTGRES_SHARED, sink)
        .run(rank -> {
          JobExecution job = start(rank, input);
          assertThat(job.getStatus()).isEqualTo(BatchStatus.FAILED);
          if (rank.rank() == 0) {
            assertThat(job.getAllFailureExceptions().toString())
                .contains("Step 'read' began on 3 rank(s) and is started again on 2");
          }
        });
  }

  @Test
  void anotherInputIsToldClearly() throws IOException {
    Path input = input();
    Sink sink = new Sink();
    sink.bad.add("line 7");
    RankContextRunner runner = runner(2, Database.POSTGRES_SHARED, sink);
    runner.run(rank -> assertThat(start(rank, input).getStatus()).isEqualTo(BatchStatus.FAILED));
    Files.writeString(input, "another");
    runner.run(rank -> {
      JobExecution job = start(rank, input);
      assertThat(job.getStatus()).isEqualTo(BatchStatus.FAILED);
      if (rank.rank() == 0) {
        assertThat(job.getAllFailureExceptions().toString())
            .contains("with different input: rank 0 sees 7 bytes instead of");
      }
    });
  }

  /** All at once make the tables, the instances and the executions in the same database. */
  @Test
  void manyRanksShareOneRepository() throws IOException {
    Path input = input();
    Sink sink = new Sink();
    Set<Long> instances = ConcurrentHashMap.newKeySet();
    runner(8, Database.POSTGRES_SHARED, sink)
        .withPropertyValues("spring.batch.jdbc.table-prefix=BATCH_")
        .run(rank -> {
          JobExecution job = start(rank, input);
          assertThat(job.getStatus()).isEqualTo(BatchStatus.COMPLETED);
          assertThat(job.getJobParameters().getLong(RankRepositoryPostProcessor.RANK))
              .isEqualTo(rank.rank());
          assertThat(job.getJobParameters().getLong(RankRepositoryPostProcessor.SIZE)).isEqualTo(8);
          assertThat(instances.add(job.getJobInstance().getId())).isTrue();
        });
    assertThat(sink.lines).containsExactlyInAnyOrderElementsOf(Files.readAllLines(input));
  }

  @Test
  @SuppressWarnings("NullAway") // there is no end time before the end
  void anExecutionThatWasCutOffIsRecovered() throws IOException {
    Path input = input();
    Sink sink = new Sink();
    sink.bad.add("line 7");
    RankContextRunner runner = runner(2, Database.POSTGRES_SHARED, sink);
    runner.run(rank -> {
      JobExecution job = start(rank, input);
      // as a killed process leaves it
      job.setStatus(BatchStatus.STARTED);
      job.setEndTime(null);
      rank.context().getBean(JobRepository.class).update(job);
    });
    sink.bad.clear();
    runner
        .withPropertyValues("mpilock.batch.recover=true")
        .run(rank -> assertThat(start(rank, input).getStatus()).isEqualTo(BatchStatus.COMPLETED));
    assertThat(sink.lines).containsExactlyInAnyOrderElementsOf(Files.readAllLines(input));
  }
}

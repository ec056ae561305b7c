/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoJob.Launcher;
import io.mpilock.demo.DemoJob.Result;
import io.mpilock.testing.PostgresServer;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Spring Batch remembers of runs that were killed and went on. */
class RepositoryUnderMpirunTest {
  @TempDir Path directory;

  private Path output;

  @BeforeEach
  void name() {
    output = directory.resolve("output");
  }

  private DemoJob start(Map<String, String> environment, String... more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(more));
    arguments.add("--demo.input=" + RealRows.FILE);
    arguments.add("--demo.output=" + output);
    return DemoJob.start(
        directory, Launcher.OPEN_MPI, 3, environment, arguments.toArray(String[]::new));
  }

  private void interrupt(Map<String, String> environment, Consumer<ProcessHandle> end)
      throws IOException, InterruptedException {
    try (DemoJob job = start(environment, "--demo.chunk-size=100", "--demo.chunk-pause=100ms")) {
      job.awaitOutput("Writing: ");
      job.ranks().forEach(end);
      job.await();
    }
  }

  private void run(Map<String, String> environment) throws IOException, InterruptedException {
    try (DemoJob job = start(environment)) {
      Result result = job.await();
      assertThat(result.status()).as(result.out() + result.err()).isZero();
    }
  }

  /** The executions, oldest first for each instance. */
  private static List<String> executions(Connection connection) throws SQLException {
    List<String> found = new ArrayList<>();
    try (ResultSet rows =
        connection
            .createStatement()
            .executeQuery(
                """
                SELECT rank.parameter_value, size.parameter_value, e.status
                FROM BATCH_JOB_EXECUTION e
                JOIN BATCH_JOB_EXECUTION_PARAMS rank
                  ON rank.job_execution_id = e.job_execution_id AND rank.parameter_name = 'rank'
                JOIN BATCH_JOB_EXECUTION_PARAMS size
                  ON size.job_execution_id = e.job_execution_id AND size.parameter_name = 'size'
                ORDER BY e.job_instance_id, e.job_execution_id\
                """)) {
      while (rows.next()) {
        found.add(
            "rank %s of %s: %s".formatted(rows.getString(1), rows.getString(2), rows.getString(3)));
      }
    }
    return found;
  }

  private static long instances(Connection connection) throws SQLException {
    try (ResultSet count =
        connection.createStatement().executeQuery("SELECT COUNT(*) FROM BATCH_JOB_INSTANCE")) {
      count.next();
      return count.getLong(1);
    }
  }

  private Connection repositoryOf(int rank) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:h2:file:" + output.resolve(".batch/rank-" + rank + "/repository"), "", "");
  }

  @Test
  void eachRankHasARepositoryInWhichARunThatGoesOnIsARestart()
      throws IOException, InterruptedException, SQLException {
    interrupt(Map.of(), ProcessHandle::destroyForcibly);
    interrupt(Map.of(), ProcessHandle::destroy);
    run(Map.of());

    RealRows.assertIn(output.resolve("flights.h5"), RealRows.expected());
    try (Connection repository = repositoryOf(1)) {
      assertThat(executions(repository))
          .containsExactly("rank 1 of 3: FAILED", "rank 1 of 3: STOPPED", "rank 1 of 3: COMPLETED");
      assertThat(instances(repository)).isEqualTo(1);
    }
  }

  @Test
  void allRanksShareOnePostgres() throws IOException, InterruptedException, SQLException {
    try (PostgresServer server = PostgresServer.start()) {
      Map<String, String> environment =
          Map.of(
              "SPRING_PROFILES_ACTIVE",
              "postgres",
              "SPRING_DATASOURCE_URL",
              server.url(),
              "SPRING_DATASOURCE_USERNAME",
              PostgresServer.USER,
              "SPRING_DATASOURCE_PASSWORD",
              server.password());
      interrupt(environment, ProcessHandle::destroyForcibly);
      run(environment);

      RealRows.assertIn(output.resolve("flights.h5"), RealRows.expected());
      assertThat(output.resolve(".batch")).doesNotExist();
      try (Connection repository =
          DriverManager.getConnection(server.url(), PostgresServer.USER, server.password())) {
        assertThat(executions(repository))
            .containsExactlyInAnyOrder(
                "rank 0 of 3: FAILED",
                "rank 1 of 3: FAILED",
                "rank 2 of 3: FAILED",
                "rank 0 of 3: COMPLETED",
                "rank 1 of 3: COMPLETED",
                "rank 2 of 3: COMPLETED");
        assertThat(instances(repository)).isEqualTo(3);
      }
    }
  }
}

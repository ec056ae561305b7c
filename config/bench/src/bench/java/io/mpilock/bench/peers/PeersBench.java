/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import io.mpilock.bench.Bench;
import io.mpilock.bench.Figures;
import io.mpilock.bench.Tables;
import io.mpilock.testing.MpiRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.datasource.init.ScriptUtils;

/**
 * Starts the servers that the other locks need, measures all of them beside mpilock under Open MPI,
 * prints Markdown tables, and ends the servers. Started by {@code config/bench.sh}.
 */
public final class PeersBench {
  static final String EXCLUSIVE = ", exclusive";
  static final String SHARED = ", shared";

  private static final long BOUND_SECONDS = 60;

  private final MpiRun run;
  private final boolean quick;

  private PeersBench(MpiRun run, boolean quick) {
    this.run = run;
    this.quick = quick;
  }

  /**
   * Measures.
   *
   * @param args {@code --quick} for less
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    Path file = Files.createTempFile("mpilock-bench", ".lock");
    file.toFile().deleteOnExit();
    try (Server redis = Server.redis();
        Server zooKeeper = Server.zooKeeper();
        Server hazelcast = Server.hazelcast();
        Server postgres = Server.postgres()) {
      String url = "jdbc:postgresql://127.0.0.1:%d/postgres?user=bench".formatted(postgres.port());
      makeTables(url);
      MpiRun run =
          MpiRun.openMpi()
              .jvmArgs(
                  "-Xmx512m",
                  property(PeerRanks.REDIS, redis.port()),
                  property(PeerRanks.ZOO_KEEPER, zooKeeper.port()),
                  property(PeerRanks.HAZELCAST, hazelcast.port()),
                  property(PeerRanks.POSTGRES, url),
                  property(PeerRanks.FILE, file));
      boolean quick = Arrays.asList(args).contains("--quick");
      PeersBench bench = new PeersBench(run, quick);
      bench.alone();
      bench.together(2);
      if (!quick) {
        bench.together(4);
      }
    }
  }

  private static String property(String name, Object value) {
    return "-D" + name + "=" + value;
  }

  /** By the script that Spring Integration brings; the server may still be starting. */
  private static void makeTables(String url) throws SQLException, InterruptedException {
    long start = System.nanoTime();
    while (true) {
      try (Connection connection = DriverManager.getConnection(url)) {
        ScriptUtils.executeSqlScript(
            connection,
            new ClassPathResource("org/springframework/integration/jdbc/schema-postgresql.sql"));
        return;
      } catch (SQLException e) {
        if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(BOUND_SECONDS)) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
  }

  private void alone() {
    Map<String, List<double[]>> results =
        quick
            ? Bench.results(run.ranks(2), AloneBench.class, "3", "40", "300")
            : Bench.results(run.ranks(2), AloneBench.class, "11", "250", "4000");
    Tables.head(
        "One client, a free lock: ns for enter and exit",
        "",
        "median",
        "least",
        "most",
        "to mpilock's",
        "entered in a second",
        "50 % within",
        "99 %",
        "99.9 %",
        "all");
    results.forEach((name, rows) -> {
      double[] row = rows.getFirst();
      double[] rounds = rounds(row);
      Figures figures = Figures.of(rounds);
      String form = name.endsWith(SHARED) ? SHARED : EXCLUSIVE;
      Tables.row(
          name,
          figures.median(),
          figures.least(),
          figures.most(),
          Tables.ratio(rounds, rounds(results.get("mpilock" + form).getFirst())),
          1e9 / figures.median(),
          row[0],
          row[1],
          row[2],
          row[3]);
    });
  }

  /** Behind the four figures of all rounds. */
  private static double[] rounds(double[] row) {
    return Arrays.copyOfRange(row, 4, row.length);
  }

  private void together(int clients) {
    Map<String, List<double[]>> results =
        quick
            ? Bench.results(run.ranks(clients), TogetherBench.class, "3", "100")
            : Bench.results(run.ranks(clients), TogetherBench.class, "7", "1000");
    Tables.head(
        clients + " clients at one lock, exclusive, a counter inside",
        "",
        "entered in a second: median",
        "least",
        "most",
        "mpilock's to it",
        "50 % within µs",
        "99 %",
        "all",
        "Jain's index, least");
    double[] mpilock = rounds(results.get("mpilock").getFirst());
    results.forEach((name, rows) -> {
      double[] row = rows.getFirst();
      double[] rounds = rounds(row);
      Figures figures = Figures.of(rounds);
      Tables.row(
          name,
          figures.median(),
          figures.least(),
          figures.most(),
          Tables.ratio(mpilock, rounds),
          row[0] / 1e3,
          row[1] / 1e3,
          row[2] / 1e3,
          String.format(Locale.ROOT, "%.4f", row[3]));
    });
  }
}

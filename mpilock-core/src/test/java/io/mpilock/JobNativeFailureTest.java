/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiJob;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import io.mpilock.testing.SimulatedHosts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ranks that are killed, and hosts that vanish, as processes on simulated hosts under a launcher
 * that lets the others live. These must end by themselves, in good order.
 */
class JobNativeFailureTest {
  private static final String THROUGH = "through";

  private static SimulatedHosts hosts;

  @TempDir Path folder;

  @BeforeAll
  static void makeHosts() {
    hosts = SimulatedHosts.create(3);
  }

  @AfterAll
  static void removeHosts() {
    hosts.close();
  }

  @BeforeEach
  void makeFolder() throws IOException {
    Files.createDirectory(folder.resolve(THROUGH));
  }

  private MpiRun job(int ranksPerHost, int number) {
    return MpiRun.openMpi()
        .on(hosts, IntStream.generate(() -> ranksPerHost).limit(number).toArray())
        .launcherArgs(MpiRun.survival())
        .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder);
  }

  /**
   * Waits until ranks have said that they were through, and have ended by themselves. With recovery
   * Open MPI's mpirun itself may wait for ever when several ranks of a host ended without MPI.
   */
  private void assertThatRanksEnd(int number, MpiJob job) throws Exception {
    waitUntil("all are through", job, () -> through().size() == number);
    waitUntil(
        "all have ended", job, () -> through().stream().noneMatch(JobNativeFailureTest::isThere));
  }

  /** The processes that were through. */
  private List<Long> through() {
    return Stream.of(Objects.requireNonNull(folder.resolve(THROUGH).toFile().list()))
        .map(Long::valueOf)
        .toList();
  }

  private static boolean isThere(long pid) {
    return ProcessHandle.of(pid).isPresent();
  }

  private static void waitUntil(String what, MpiJob job, BooleanSupplier isSo) throws Exception {
    for (int tenths = 0; !isSo.getAsBoolean(); tenths++) {
      assertThat(tenths).as("tenths of seconds until %s: %s", what, job.output()).isLessThan(1_800);
      Thread.sleep(100);
    }
  }

  /** The last that a rank says; in a file, since its host may be cut off. */
  private static void sayThrough() throws IOException {
    ProcessRanks.end();
    Files.createFile(
        ProcessRanks.world()
            .folder()
            .resolve(THROUGH)
            .resolve(Long.toString(ProcessHandle.current().pid())));
  }

  @ParameterizedTest(name = "rank {0} of {1} on each of {2} hosts is killed")
  @CsvSource({"3,2,2", "2,2,2", "0,2,2", "1,1,3"})
  void theOthersAreToldOrGoOn(int victim, int ranksPerHost, int number) throws Exception {
    try (MpiJob job = job(ranksPerHost, number).start(IsKilled.class, Integer.toString(victim))) {
      assertThatRanksEnd(ranksPerHost * number - 1, job);
    }
  }

  @ParameterizedTest(name = "the last of {1} hosts with {0} ranks vanishes")
  @CsvSource({"2,2", "1,3"})
  void aHostThatVanishesSharesNothingAnyMore(int ranksPerHost, int number) throws Exception {
    String host = hosts.names().get(number - 1);
    try (MpiJob job = job(ranksPerHost, number).start(LosesAHost.class, "vanish")) {
      waitUntil("under way", job, () -> Files.exists(folder.resolve(LosesAHost.READY)));
      hosts.down(host);
      Files.createFile(folder.resolve(LosesAHost.DONE));
      assertThatRanksEnd(ranksPerHost * number, job);
      hosts.up(host); // or mpirun would not end
    } finally {
      hosts.up(host);
    }
  }

  @Test
  void aHostThatOnlyStallsLosesNothing() throws Exception {
    try (MpiJob job = job(2, 2).start(LosesAHost.class, "stall")) {
      waitUntil("under way", job, () -> Files.exists(folder.resolve(LosesAHost.READY)));
      hosts.down("node1");
      Thread.sleep(6_000); // longer than a killed process may take to be known
      hosts.up("node1");
      Files.createFile(folder.resolve(LosesAHost.DONE));
      assertThatRanksEnd(4, job);
    } finally {
      hosts.up("node1");
    }
  }

  @Test
  void aRankThatOnlyComputesDelaysNobody() throws Exception {
    String seconds = System.getProperty("mpilock.test.computation", "8");
    try (MpiJob job = job(2, 2).start(Computes.class, seconds)) {
      assertThatRanksEnd(4, job);
    }
  }

  /** Rank 0 touches neither mpilock nor MPI while the others use the locks whose home it is. */
  static final class Computes {
    private static final int ROUNDS = 1_000;

    public static void main(String[] args) throws Exception {
      long least = Long.parseLong(args[0]) * 1_000;
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("computation", 16);
      ranks.runBare(world -> {
        try (WindowController controller = WindowController.sync(world, 0)) {
          controller.singleWrite(() -> true);
          if (world.rank() == 0) {
            compute(words, least, world.size());
          } else {
            for (int i = 0; i < ROUNDS; i++) {
              try (WriteLease _ = controller.write()) {
                words.increment(0);
              }
              controller.resource("resource " + i % 10).write().close();
              controller.read().close();
            }
            words.set(world.rank(), ROUNDS);
          }
          controller.singleWrite(() -> true);
          assertThat(words.get(0)).isEqualTo((world.size() - 1L) * ROUNDS);
        }
      });
      sayThrough();
    }

    /** Until the others have done all that they had to; and not for ever. */
    private static void compute(SharedWords words, long least, int ranks) {
      long start = System.currentTimeMillis();
      long spent = 0;
      boolean done = false;
      for (double x = 1; spent < least || !done; x = Math.sin(x) + 1) {
        spent = System.currentTimeMillis() - start;
        assertThat(spent)
            .as("milliseconds in which the others did %s", words.get(0))
            .isLessThan(least + 150_000);
        done = true;
        for (int rank = 1; rank < ranks; rank++) {
          done &= words.get(rank) == ROUNDS;
        }
      }
      System.out.println("computed for " + spent + " ms");
    }
  }

  /** One rank of a job in which another is killed. */
  static final class IsKilled {
    public static void main(String[] args) throws Exception {
      int victim = Integer.parseInt(args[0]);
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("death", RankDeath.words(ranks.size()));
      ranks.runBare(world ->
          new RankDeath(
                  world,
                  words,
                  victim,
                  ControllerOptions.defaults().withWindowBytes(1 << 20),
                  () ->
                      ProcessHandle.of(world.member(victim).pid()).orElseThrow().destroyForcibly())
              .run());
      sayThrough();
    }
  }

  /** One rank of a job that loses a host, by the test's hand. */
  static final class LosesAHost {
    private static final String READY = "ready";
    private static final String DONE = "done";

    public static void main(String[] args) throws Exception {
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("loss", NodeLoss.WORDS);
      ranks.runBare(world -> {
        NodeLoss loss =
            new NodeLoss(
                world,
                words,
                world.member(world.size() - 1).node(),
                args[0].equals("vanish")
                    ? ControllerOptions.defaults().withHeartbeatTimeout(Duration.ofSeconds(4))
                    : ControllerOptions.defaults(),
                () -> letItHappen(ranks.folder()));
        if (args[0].equals("vanish")) {
          loss.vanish();
        } else {
          loss.stall();
        }
      });
      sayThrough();
    }

    private static void letItHappen(Path folder) throws Exception {
      Files.createFile(folder.resolve(READY));
      while (!Files.exists(folder.resolve(DONE))) {
        Thread.sleep(10);
      }
    }
  }
}

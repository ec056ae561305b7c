/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A rank whose {@code sync} ends before it comes to the window, while it lives on. The others wait
 * for it there, and are told.
 */
class OpeningCutShortTest {
  private static final Duration SOON = Duration.ofSeconds(40);

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI, master, borrowed",
    "OPEN_MPI, master, owned",
    "MPICH, ranks, borrowed",
    "MPICH, master, owned"
  })
  void theOthersAreTold(MpiRun.Launcher launcher, String how, String communicator) {
    String output =
        MpiRun.under(launcher)
            .ranks(3)
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .timeout(SOON)
            .run(CutShort.class, how, communicator)
            .failed()
            .output();
    assertThat(output)
        .contains("rank 0 was told of rank 1", "rank 1 fails", "rank 2 was told of rank 1");
  }

  @Test
  @Timeout(60)
  void threadsAreTold() throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    FutureTask<Throwable> waits =
        new FutureTask<>(() ->
            catchThrowable(() ->
                WindowController.sync(cluster.world(0), ControllerOptions.defaults())));
    Thread.ofPlatform().start(waits);
    assertThatThrownBy(() -> WindowController.sync(cluster.world(1), 2))
        .isInstanceOf(StartupException.class);
    assertThat(waits.get())
        .isInstanceOfSatisfying(
            RankFailedException.class, e -> assertThat(e.rank()).isEqualTo(1));
  }

  /** One rank's part: rank 1 fails. */
  static final class CutShort {
    private static final int FAILED = 3;
    private static final int RANKS = 3;

    public static void main(String[] args) throws Exception {
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("done", RANKS);
      ranks.runBare(world -> {
        // A later opening of the same ranks is not mistaken for the one that was cut short.
        WindowController.sync(world, ControllerOptions.defaults()).close();
        ControllerOptions options = ControllerOptions.defaults();
        boolean fails = world.rank() == 1;
        if (fails && args[0].equals("master")) {
          options = options.withMaster(RANKS);
        } else if (fails && args[0].equals("ranks")) {
          options = options.withExpectedRanks(RANKS + 1);
        }
        try {
          if (args[1].equals("owned")) {
            WindowController.syncOwning(world.duplicate(), options);
          } else {
            WindowController.sync(world, options);
          }
          System.out.println("rank " + world.rank() + " opened it");
        } catch (RankFailedException e) {
          System.out.println("rank " + world.rank() + " was told of rank " + e.rank() + ": " + e);
        } catch (StartupException e) {
          System.out.println("rank " + world.rank() + " fails: " + e);
        }
        System.out.flush();
        words.set(world.rank(), 1);
        for (int rank = 0; rank < RANKS; rank++) {
          while (words.get(rank) == 0) {
            Thread.sleep(10);
          }
        }
        Runtime.getRuntime().halt(FAILED);
      });
    }
  }
}

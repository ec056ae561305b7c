/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockUseException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import io.mpilock.testing.SimulatedHosts;
import io.mpilock.transport.ffm.StuckThreadScenario;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * MPI's end waits for all ranks; but for none, on whatever node, that will never come. Each time
 * rank 1 or the last one is missed, on its own node and on the other.
 */
class MpiEndTest {
  private static final Duration SOON = Duration.ofSeconds(40);

  private static SimulatedHosts hosts;

  @TempDir Path folder;

  @BeforeAll
  static void makeHosts() {
    hosts = SimulatedHosts.create(2);
  }

  @AfterAll
  static void removeHosts() {
    hosts.close();
  }

  private MpiRun job(MpiRun.Launcher launcher, int... ranksPerHost) {
    return MpiRun.under(launcher)
        .on(hosts, ranksPerHost)
        .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
        .timeout(SOON);
  }

  /** It lives until all others are through. */
  @ParameterizedTest
  @EnumSource
  void aRankWhoseCloseFailedAndThatLivesOnIsNotWaitedFor(MpiRun.Launcher launcher) {
    for (int victim : new int[] {1, 3}) {
      assertThatOthersEnd(
          job(launcher, 2, 2).run(Misses.class, "fails", Integer.toString(victim)), victim, 4);
    }
  }

  /**
   * Nobody on its node is left, and no agent: only the kernel knows. Open MPI's launcher ends such
   * a job by itself, that of MPICH does not.
   */
  @Test
  void aRankThatEndedWithoutAWordBehindItsCloseIsNotWaitedFor() {
    assertThatOthersEnd(job(MpiRun.Launcher.MPICH, 2, 1).run(Misses.class, "ends", "2"), 2, 3);
    job(MpiRun.Launcher.OPEN_MPI, 2, 1).run(Misses.class, "ends", "2").failed();
  }

  /** It cannot tell the other node itself: its neighbour does. */
  @ParameterizedTest
  @EnumSource
  void aRankThatIsStuckInMpiAndGivesItselfUpIsNotWaitedFor(MpiRun.Launcher launcher) {
    assertThatOthersEnd(job(launcher, 2, 1).run(Misses.class, "is stuck", "1"), 1, 3);
  }

  private static void assertThatOthersEnd(MpiRun.Result result, int victim, int ranks) {
    String output = result.failed().output();
    assertThat(output.split("MPI is not finalised[^:]*: rank " + victim + " ", -1))
        .as(output)
        .hasSize(ranks);
    assertThat(output.split("through, without rank " + victim, -1)).as(output).hasSize(ranks);
  }

  /** One rank's part: the victim does not come to MPI's end. */
  static final class Misses {
    private static final int FAILED = 3;

    public static void main(String[] args) throws Exception {
      boolean fails = args[0].equals("fails");
      int victim = Integer.parseInt(args[1]);
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("without rank " + victim, ranks.size());
      AtomicInteger self = new AtomicInteger();
      ranks.runBare(world -> {
        self.set(world.rank());
        WindowController controller =
            WindowController.syncOwning(
                world.duplicate(),
                ControllerOptions.defaults().withShutdownTimeout(Duration.ofSeconds(1)));
        controller.singleWrite(() -> true);
        if (world.rank() != victim) {
          controller.close();
          return;
        }
        if (fails) {
          failToClose(controller);
          awaitOthers(words, victim);
        } else {
          controller.close();
        }
        if (args[0].equals("is stuck")) {
          StuckThreadScenario.stickIn(world);
          world.abandon();
          awaitOthers(words, victim);
        }
        Runtime.getRuntime().halt(FAILED);
      });
      ProcessRanks.end();
      System.out.println("through, without rank " + victim);
      System.out.flush();
      words.set(self.get(), 1);
      awaitOthers(words, victim); // the first that ends without MPI takes all with it
      Runtime.getRuntime().halt(FAILED);
    }

    private static void awaitOthers(SharedWords words, int victim) throws InterruptedException {
      for (int rank = 0; rank < ProcessRanks.world().size(); rank++) {
        while (rank != victim && words.get(rank) == 0) {
          Thread.sleep(10);
        }
      }
    }

    private static void failToClose(WindowController controller) throws InterruptedException {
      CountDownLatch holds = new CountDownLatch(1);
      Thread.ofPlatform()
          .daemon()
          .start(() -> {
            WriteLease lease = controller.write();
            holds.countDown();
            while (lease.token() > 0) { // for ever
              LockSupport.park();
            }
          });
      holds.await();
      try {
        controller.close();
        throw new AssertionError("closed, though a thread holds");
      } catch (LockUseException expected) {
        // as it should be
      }
    }
  }
}

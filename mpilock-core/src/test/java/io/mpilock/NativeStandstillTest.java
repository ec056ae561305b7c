/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ranks that live and do not come, as processes under a launcher. */
class NativeStandstillTest {

  /** A process is stopped at random moments, for a while and in the end for good. */
  @ParameterizedTest
  @EnumSource
  void aStoppedRankKeepsNoRequestBeyondItsTimeAndBreaksNothingWhenItGoesOn(
      MpiRun.Launcher launcher, @TempDir Path folder) {
    String output =
        MpiRun.under(launcher)
            .ranks(3)
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(Stopped.class)
            .succeeded()
            .output();
    assertThat(output.split("kept its time", -1)).hasSize(3);
    assertThat(output.split("lost no update", -1)).hasSize(4);
  }

  /** Rank 1 lives on, but its close has failed, so it takes no part in MPI's end. */
  @ParameterizedTest
  @EnumSource
  void theEndOfMpiDoesNotWaitForARankWhoseCloseFailed(
      MpiRun.Launcher launcher, @TempDir Path folder) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(FailsToClose.class)
            .output();
    assertThat(output).contains("rank 1 could not close", "rank 0 has closed");
    assertThat(output).contains("MPI is not finalised").contains("its close failed");
  }

  /** Where the ranks meet. */
  private static SharedWords words() throws IOException {
    return SharedWords.open(Path.of(System.getProperty(ProcessRanks.FOLDER), "words"), 16);
  }

  private static void await(SharedWords words, int word, long value) throws InterruptedException {
    while (words.get(word) < value) {
      Thread.sleep(5);
    }
  }

  /** Rank 1 is stopped by rank 0; ranks 0 and 2 look at the clock. */
  static final class Stopped {
    private static final Duration TIMEOUT = Duration.ofMillis(50);
    private static final long BOUND_MILLIS = 20_000;
    private static final int STOPS = 40;

    // Who writes; the counter; each rank's part of it; how far ranks 0 and 2 are in the end.
    private static final int WRITER = 0;
    private static final int COUNTER = 1;
    private static final int OWN = 2;
    private static final int PHASE = 6;
    private static final int THROUGH = 7;

    private Stopped() {}

    public static void main(String[] args) throws Exception {
      SharedWords words = words();
      ProcessRanks ranks = ProcessRanks.world();
      ranks.run(
          ControllerOptions.defaults(),
          controller -> {
            controller.singleWrite(() -> "all are here");
            int me = controller.rank();
            if (me == 1) {
              while (words.get(PHASE) == 0) {
                use(controller, words);
              }
            } else {
              Thread stopper =
                  me == 0 ? Thread.ofPlatform().start(() -> stops(controller, words)) : null;
              while (words.get(PHASE) == 0) {
                assertInTime(controller, words);
              }
              for (int i = 0; i < 20; i++) { // the other stands still for good, as far as they see
                assertInTime(controller, words);
              }
              words.set(THROUGH + me, 1);
              System.out.println("rank " + me + " kept its time");
              if (stopper != null) {
                stopper.join();
              }
            }
            controller.singleWrite(() -> "all have ended");
            assertThat(words.get(COUNTER))
                .isEqualTo(words.get(OWN) + words.get(OWN + 1) + words.get(OWN + 2));
            System.out.println("rank " + me + " lost no update");
          });
      ProcessRanks.end();
    }

    private static void stops(WindowController controller, SharedWords words) {
      try {
        Random random = new Random();
        long pid = controller.member(1).pid();
        for (int i = 0; i < STOPS; i++) {
          signal("-STOP", pid);
          Thread.sleep(random.nextInt(60));
          signal("-CONT", pid);
          Thread.sleep(random.nextInt(20));
        }
        signal("-STOP", pid);
        words.set(PHASE, 1);
        await(words, THROUGH, 1);
        await(words, THROUGH + 2, 1);
        signal("-CONT", pid);
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    private static void signal(String signal, long pid) throws IOException, InterruptedException {
      assertThat(
              new ProcessBuilder("kill", signal, Long.toString(pid)).inheritIO().start().waitFor())
          .isZero();
    }

    private static void assertInTime(WindowController controller, SharedWords words) {
      long start = System.nanoTime();
      use(controller, words);
      assertThat(Duration.ofNanos(System.nanoTime() - start).toMillis())
          .as("milliseconds that three requests took")
          .isLessThan(BOUND_MILLIS);
    }

    private static void use(WindowController controller, SharedWords words) {
      int me = controller.rank();
      try (WriteLease _ = controller.write(TIMEOUT)) {
        assertThat(words.get(WRITER)).as("another writer").isZero();
        words.set(WRITER, me + 1L);
        words.increment(COUNTER);
        words.increment(OWN + me);
        assertThat(words.get(WRITER)).as("another writer").isEqualTo(me + 1L);
        words.set(WRITER, 0);
      } catch (LockTimeoutException e) {
        assertThat(e).hasMessageContaining("write of resource 'default'");
      }
      try (ReadLease _ = controller.read(TIMEOUT)) {
        assertThat(words.get(WRITER)).as("a writer beside a reader").isZero();
      } catch (LockTimeoutException e) {
        assertThat(e).hasMessageContaining("read of resource 'default'");
      }
      controller.tryWrite().ifPresent(WriteLease::close);
    }
  }

  /** Rank 1 closes while another of its threads holds a lease, and lives until rank 0 has ended. */
  static final class FailsToClose {
    private FailsToClose() {}

    public static void main(String[] args) throws Exception {
      SharedWords words = words();
      WindowController controller =
          WindowController.sync(
              ControllerOptions.defaults().withShutdownTimeout(Duration.ofSeconds(1)));
      controller.singleWrite(() -> "all are here");
      if (controller.rank() == 1) {
        CountDownLatch holds = new CountDownLatch(1);
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              ReadLease _ = controller.read();
              holds.countDown();
            });
        holds.await();
        try {
          controller.close();
        } catch (LockUseException e) {
          System.out.println("rank 1 could not close");
        }
        await(words, 0, 1);
      } else {
        controller.close();
        System.out.println("rank 0 has closed");
        words.set(0, 1);
      }
    }
  }
}

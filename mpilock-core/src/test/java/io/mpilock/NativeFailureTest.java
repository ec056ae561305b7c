/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.RankFailedException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ranks that are killed, as processes under a launcher that lets the others live. */
class NativeFailureTest {

  /** Where rank 1 is when it is killed. */
  enum Place {
    WRITES,
    READS,
    WAITS,
    RUNS_A_SINGLE_WRITE,
    IS_MISSED_IN_A_SINGLE_WRITE,
    RUNS_ITS_TURN,
    IS_MISSED_IN_A_BARRIER
  }

  /** Without recovery the launcher ends the job: nobody is left to hang. */
  @ParameterizedTest
  @EnumSource
  void aKilledRankEndsTheJob(MpiRun.Launcher launcher, @TempDir Path folder) {
    MpiRun.under(launcher)
        .ranks(3)
        .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
        .run(Killed.class, Place.WRITES.name(), "POISON")
        .failed();
  }

  /** With the Python library it aborts the job at exit. */
  @ParameterizedTest
  @EnumSource
  void anApplicationThatFinalisesMpiFirstEndsWell(MpiRun.Launcher launcher, @TempDir Path folder) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(FinalizesFirst.class)
            .succeeded()
            .output();
    assertThat(output.split("closed after MPI", -1)).hasSize(3);
  }

  @ParameterizedTest
  @EnumSource
  void theOthersAreToldOrGoOn(Place place, @TempDir Path folder) {
    assertThat(survivors(place, OnHolderDeath.POISON, folder)).hasSize(3);
  }

  @Test
  void theOthersGetTheResourceIfTheyMay(@TempDir Path folder) {
    assertThat(survivors(Place.WRITES, OnHolderDeath.RELEASE, folder)).hasSize(3);
  }

  private static String[] survivors(Place place, OnHolderDeath policy, Path folder) {
    return MpiRun.openMpi()
        .ranks(3)
        .launcherArgs("--enable-recovery")
        .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
        .run(Killed.class, place.name(), policy.name())
        .output()
        .split("survived as told", -1);
  }

  /** Rank 1 gets where it is to be, and is killed by rank 0; then the others see what they get. */
  static final class Killed {
    public static void main(String[] args) throws Exception {
      Place place = Place.valueOf(args[0]);
      OnHolderDeath policy = OnHolderDeath.valueOf(args[1]);
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("place", 8);
      ranks.runBare(world -> {
        WindowController controller =
            WindowController.sync(world, ControllerOptions.defaults().withOnHolderDeath(policy));
        if (world.rank() == 1) {
          beKilled(controller, place, words);
        }
        if (place != Place.RUNS_A_SINGLE_WRITE
            && place != Place.RUNS_ITS_TURN
            && place != Place.WAITS) { // which take the others
          while (words.get(0) == 0) {
            Thread.onSpinWait();
          }
        }
        WriteLease held = null;
        if (place == Place.WAITS && world.rank() == 0) {
          held = controller.write();
          words.set(1, 1);
        }
        if (world.rank() == 0) {
          Thread killer = Thread.ofPlatform().start(() -> kill(world.member(1).pid(), words));
          if (place != Place.RUNS_A_SINGLE_WRITE
              && place != Place.RUNS_ITS_TURN) { // which take this rank, too
            killer.join();
          }
        }
        if (held != null) {
          held.close();
        }
        check(controller, place, policy);
        System.out.println("survived as told");
        System.out.flush();
        Runtime.getRuntime().halt(0); // MPI cannot be finalised any more
      });
    }

    private static void kill(long pid, SharedWords words) {
      while (words.get(0) == 0) {
        Thread.onSpinWait();
      }
      ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    }

    private static void beKilled(WindowController controller, Place place, SharedWords words)
        throws InterruptedException {
      switch (place) {
        case WRITES -> {
          WriteLease write = controller.write();
          arrive(words, write.token());
        }
        case READS -> {
          ReadLease read = controller.read();
          arrive(words, read.token() + 1);
        }
        case WAITS -> {
          while (words.get(1) == 0) {
            Thread.onSpinWait();
          }
          Thread.ofPlatform().daemon().start(controller::write);
          while (!controller
              .resource(WindowController.DEFAULT_RESOURCE)
              .toString()
              .contains("waiting: rank 1")) {
            Thread.onSpinWait();
          }
          arrive(words, 1);
        }
        case RUNS_A_SINGLE_WRITE ->
            controller.singleWrite(
                1,
                () -> {
                  arrive(words, 1);
                  return "never";
                });
        case RUNS_ITS_TURN ->
            controller.inOrder(() -> {
              arrive(words, 1);
              return "never";
            });
        case IS_MISSED_IN_A_SINGLE_WRITE, IS_MISSED_IN_A_BARRIER -> arrive(words, 1);
      }
    }

    private static void arrive(SharedWords words, long value) throws InterruptedException {
      words.set(0, value);
      Thread.sleep(Long.MAX_VALUE); // to be killed here
    }

    private static void check(WindowController controller, Place place, OnHolderDeath policy) {
      switch (place) {
        case WRITES -> {
          if (policy == OnHolderDeath.POISON) {
            assertThatThrownBy(controller::write)
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1");
            assertThatThrownBy(controller::read).isInstanceOf(RankFailedException.class);
          } else {
            controller.write().close();
            controller.read().close();
          }
        }
        case READS, WAITS -> {
          controller.write().close();
          controller.read().close();
        }
        case RUNS_A_SINGLE_WRITE, IS_MISSED_IN_A_SINGLE_WRITE ->
            assertThatThrownBy(() -> controller.singleWrite(1, () -> "x"))
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1");
        case RUNS_ITS_TURN ->
            assertThatThrownBy(() -> controller.inOrder(() -> "x"))
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1");
        case IS_MISSED_IN_A_BARRIER ->
            assertThatThrownBy(controller::barrier)
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1");
      }
      controller.resource("another").write().close();
    }
  }
}

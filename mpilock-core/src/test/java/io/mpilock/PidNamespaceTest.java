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
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ranks that do not see each other's processes: each has a space of process ids of its own, with a
 * /proc that shows it, or with one that shows another. As root.
 */
@Timeout(300)
class PidNamespaceTest {

  /** The JVM is not the first process of its space, which would not let itself be killed. */
  private static List<String> ownSpace(String procOption) {
    List<String> command = new ArrayList<>();
    // MPICH's launcher tells the others of a rank's end by this signal, which ends who ignores
    // none.
    command.addAll(List.of("bash", "-c", "trap '' USR1; exec \"$@\"", "deaf"));
    command.addAll(List.of("unshare", "--pid", "--fork"));
    if (!procOption.isEmpty()) {
      command.add(procOption);
    }
    command.addAll(List.of("bash", "-c", "\"$@\"; exit $?", "first"));
    return command;
  }

  private static MpiRun job(
      MpiRun.Launcher launcher, String transport, String procOption, Path folder) {
    MpiRun job =
        MpiRun.under(launcher)
            .through(List.of(), ownSpace(procOption))
            .env("MPILOCK_MPJ_DIRECTORY", folder.resolve("meet").toString())
            .jvmArgs(
                "-D" + ProcessRanks.TRANSPORT + "=" + transport,
                "-D" + ProcessRanks.FOLDER + "=" + folder);
    return launcher == MpiRun.Launcher.OPEN_MPI
        ? job.launcherArgs("--enable-recovery", "-x", "MPILOCK_MPJ_DIRECTORY")
        : job.launcherArgs("-disable-auto-cleanup");
  }

  /**
   * Over MPJ Express also when rank 0, which tells of deaths, has gone before. With another /proc
   * MPICH itself ends in MPI_Init, where UCX opens what it finds there.
   */
  @ParameterizedTest
  @CsvSource({
    "MPICH, native, --mount-proc, 1",
    "OPEN_MPI, mpj, --mount-proc, 0 1",
    "OPEN_MPI, mpj, '', 0 1"
  })
  void aKilledRankIsToldAndALivingOneIsWaitedFor(
      MpiRun.Launcher launcher,
      String transport,
      String procOption,
      String killed,
      @TempDir Path folder) {
    int ranks = 2 + killed.split(" ", -1).length;
    String output =
        job(launcher, transport, procOption, folder)
            .ranks(ranks)
            .run(Killed.class, killed.split(" ", -1))
            .output();
    for (String rank : killed.split(" ", -1)) {
      assertThat(output.split("told of rank " + rank, -1))
          .as(output)
          .hasSizeGreaterThanOrEqualTo(3);
    }
    assertThat(output.split("survived as told", -1)).as(output).hasSize(3);
  }

  /** The ranks that are named are killed while they write, one after the other. */
  static final class Killed {
    public static void main(String[] args) throws Exception {
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("place", 8);
      ranks.runBare(world -> {
        WindowController controller = WindowController.sync(world, ControllerOptions.defaults());
        // Longer than those who wait take to look whether the others live.
        WriteLease write = controller.write();
        Thread.sleep(600);
        write.close();
        var _ = controller.singleWrite(world.size() - 1, () -> "all lived");
        for (String victim : args) {
          ResourceLock lock = controller.resource("held by " + victim);
          if (world.rank() == Integer.parseInt(victim)) {
            words.set(world.rank(), lock.write().token());
            long self = ProcessHandle.current().pid();
            new ProcessBuilder("kill", "-9", Long.toString(self)).inheritIO().start().waitFor();
            Thread.sleep(Long.MAX_VALUE);
          }
          while (words.get(Integer.parseInt(victim)) == 0) {
            Thread.sleep(1);
          }
          long start = System.nanoTime();
          assertThatThrownBy(lock::write)
              .isInstanceOf(RankFailedException.class)
              .hasMessageContaining("rank " + victim);
          long millis = (System.nanoTime() - start) / 1_000_000;
          // In one piece: printf writes several, and the launcher puts other ranks' in between.
          System.out.println("told of rank %s after %d ms".formatted(victim, millis));
        }
        System.out.println("survived as told");
        System.out.flush();
        // Together: a launcher may end the others with one that goes.
        words.set(world.rank(), Long.MAX_VALUE);
        for (int rank = 0; rank < world.size(); rank++) {
          while (!List.of(args).contains(Integer.toString(rank))
              && words.get(rank) != Long.MAX_VALUE) {
            Thread.sleep(1);
          }
        }
        Runtime.getRuntime().halt(0); // MPI cannot be finalised any more
      });
    }
  }

  /** Its shared memory crashes there by itself, a segmentation fault in the first message. */
  @ParameterizedTest
  @ValueSource(strings = {"--mount-proc", ""})
  void openMpiIsRefused(String procOption, @TempDir Path folder) {
    String output =
        job(MpiRun.Launcher.OPEN_MPI, "native", procOption, folder)
            .ranks(2)
            .run(Opens.class)
            .output();
    assertThat(output)
        .contains("StartupException: The ranks of this host are in different PID namespaces")
        .doesNotContain("opened over")
        .doesNotContain("SIGSEGV");
  }
}

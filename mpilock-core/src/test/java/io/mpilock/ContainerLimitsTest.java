/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What containers take away, beside spaces of process ids ({@link PidNamespaceTest}) and shared
 * memory ({@link PoorMachineTest}). As root.
 */
@Timeout(300)
class ContainerLimitsTest {

  /** A user that the list of users does not have; it is root to the files. */
  private static final List<String> NAMELESS =
      List.of("unshare", "--user", "--map-user=54321", "--map-group=54321");

  private static final String READ_ONLY_TMP =
      "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && ! touch /tmp/x 2>&- && exec \"$@\"";

  /**
   * ptrace, process_vm_readv and process_vm_writev are refused with EPERM: prctl with
   * PR_SET_NO_NEW_PRIVS, and with PR_SET_SECCOMP and a filter of six instructions.
   */
  private static final String NO_MEMORY_OF_OTHERS =
      """
      my $filter = pack("SCCL" x 6, 0x20, 0, 0, 0, 0x15, 3, 0, 101, 0x15, 2, 0, 310, 0x15, 1, 0, 311,
          0x06, 0, 0, 0x7fff0000, 0x06, 0, 0, 0x00050001);
      my $program = pack("Sx6P", 6, $filter);
      syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(157, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";
      my $self = pack("PQ", my $byte = " ", 1);
      syscall(310, $$, $self, 1, $self, 1, 0) == -1 or die "it is still allowed";
      exec @ARGV or die "exec: $!";
      """;

  private static MpiRun job(MpiRun.Launcher launcher, String transport, Path folder) {
    return MpiRun.under(launcher)
        .ranks(4)
        .jvmArgs(
            "-D" + ProcessRanks.TRANSPORT + "=" + transport,
            "-D" + ProcessRanks.FOLDER + "=" + folder);
  }

  private static void opens(MpiRun job, String transport) {
    String output = job.run(Opens.class).succeeded().output();
    assertThat(output.split("opened over " + transport, -1)).as(output).hasSize(5);
  }

  /** The launcher of Open MPI needs a home; its library would end the rank without one. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native"})
  void aRankWhoseUserHasNeitherNameNorHomeStarts(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    opens(
        job(launcher, transport, folder)
            .env("HOME", "/")
            .through(NAMELESS, List.of("env", "-u", "HOME", "-u", "USER", "-u", "LOGNAME")),
        transport);
  }

  /** Two such users of one host have the same name to Java. */
  @ParameterizedTest
  @CsvSource({"MPICH, mpj"})
  void ranksOfAUserWithoutANameMeetAtAPlaceOfItsNumber(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    opens(
        job(launcher, transport, folder)
            .jvmArgs("-Djava.io.tmpdir=" + folder)
            .through(NAMELESS, List.of("env", "-u", "HOME")),
        transport);
    assertThat(folder.resolve("mpilock-54321")).isDirectory();
  }

  /** Open MPI's launcher is told of another directory: it has none of its own to fall back on. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native", "MPICH, mpj"})
  void aDirectoryForTemporaryFilesThatIsOnlyReadIsDoneWithout(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    MpiRun job = job(launcher, transport, folder);
    opens(
        (launcher == MpiRun.Launcher.OPEN_MPI ? job.env("TMPDIR", "/dev/shm") : job)
            .through(
                List.of("unshare", "--mount", "bash", "-c", READ_ONLY_TMP, "read-only"), List.of()),
        transport);
  }

  /** MPI copies between processes that way, where it may. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native"})
  @EnabledOnOs(architectures = "amd64") // the numbers of its system calls
  void ranksThatMayNotReadEachOthersMemoryStart(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    opens(
        job(launcher, transport, folder)
            .through(List.of(), List.of("perl", "-e", NO_MEMORY_OF_OTHERS, "--")),
        transport);
  }
}

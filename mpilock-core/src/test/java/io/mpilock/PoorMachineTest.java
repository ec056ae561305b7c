package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Start-up where the machine lacks something. As root: each launcher gets a mount namespace of its
 * own.
 */
@Timeout(300)
class PoorMachineTest {

  /** Enough for what MPI itself takes, not for the window. */
  private static final String FULL = "mount -t tmpfs -o size=16m tmpfs /dev/shm && exec \"$@\"";

  /** A /dev with what a process needs, and no shm. */
  private static final String MISSING =
      """
      set -e
      mount -t tmpfs tmpfs "$0"
      for device in null zero full random urandom tty; do cp -a "/dev/$device" "$0"; done
      ln -s /proc/self/fd "$0/fd"
      for i in 0 1 2; do ln -s "/proc/self/fd/$i" "$0/std$(echo in out err | cut -d ' ' -f $((i + 1)))"; done
      mkdir "$0/pts"
      mount --bind /dev/pts "$0/pts"
      cp -a /dev/ptmx "$0"
      mount --rbind "$0" /dev
      [ ! -e /dev/shm ]
      exec "$@"
      """;

  private static final String FEW_DESCRIPTORS = "ulimit -n 60; exec \"$@\"";

  private static MpiRun job(MpiRun.Launcher launcher, String transport, Path folder) {
    return MpiRun.under(launcher)
        .ranks(2)
        .jvmArgs(
            "-D" + ProcessRanks.TRANSPORT + "=" + transport,
            "-D" + ProcessRanks.FOLDER + "=" + folder);
  }

  private static List<String> inNamespace(String script, String zero) {
    return List.of("unshare", "--mount", "bash", "-c", script, zero);
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native", "OPEN_MPI, mpj"})
  void aFullSharedMemoryDirectoryIsTold(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    String output =
        job(launcher, transport, folder)
            .through(inNamespace(FULL, "full"), List.of())
            .run(Opens.class)
            .failed()
            .output();
    assertThat(output)
        .contains("StartupException: A shared window of ")
        .containsPattern("/dev/shm.* lacks \\d+ [KM]iB of free space")
        .contains("Set a smaller mpilock.window-size")
        .doesNotContain("opened over");
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native", "OPEN_MPI, mpj"})
  void aMissingSharedMemoryDirectoryIsDoneWithout(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder, @TempDir Path dev) {
    String output =
        job(launcher, transport, folder)
            .through(inNamespace(MISSING, dev.toString()), List.of())
            .run(Opens.class)
            .succeeded()
            .output();
    assertThat(output.split("opened over " + transport, -1)).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native", "OPEN_MPI, mpj"})
  void tooFewDescriptorsAreTold(MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    String output =
        job(launcher, transport, folder)
            .through(List.of(), List.of("bash", "-c", FEW_DESCRIPTORS, "few"))
            .run(Opens.class)
            .failed()
            .output();
    assertThat(output)
        .contains("StartupException: This process may open 60 files and sockets")
        .contains("ulimit -n")
        .doesNotContain("opened over");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.MpilockException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.transport.SharedMemory;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
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

  /** Its argument is the size. */
  private static final String SMALL = "mount -t tmpfs -o size=$0 tmpfs /dev/shm && exec \"$@\"";

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

  /** As much as containers have by default. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native", "OPEN_MPI, mpj"})
  void aSmallSharedMemoryDirectoryIsEnoughForEightRanks(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    String output =
        job(launcher, transport, folder)
            .ranks(8)
            .through(inNamespace(SMALL, "64m"), List.of())
            .run(Opens.class)
            .succeeded()
            .output();
    assertThat(output.split("opened over " + transport, -1)).hasSize(9);
  }

  /** Enough for what MPI itself takes, not for the window. */
  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI, native, 1m, ''",
    "MPICH, native, 9m, ''",
    "OPEN_MPI, mpj, 1m, ''",
    "OPEN_MPI, native, 16m, 32",
    "MPICH, native, 16m, 32",
    "OPEN_MPI, mpj, 16m, 32"
  })
  void aFullSharedMemoryDirectoryIsTold(
      MpiRun.Launcher launcher,
      String transport,
      String size,
      String mebibytes,
      @TempDir Path folder) {
    String output =
        job(launcher, transport, folder)
            .through(inNamespace(SMALL, size), List.of())
            .run(Opens.class, mebibytes.isEmpty() ? new String[0] : new String[] {mebibytes})
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
  void aSharedMemoryDirectoryThatIsFilledLaterEndsNoRank(
      MpiRun.Launcher launcher, String transport, @TempDir Path folder) {
    String output =
        job(launcher, transport, folder)
            .ranks(4)
            .through(inNamespace(SMALL, "64m"), List.of())
            .run(FillsUp.class)
            .succeeded()
            .output();
    assertThat(output).contains("nothing to be had: ");
    assertThat(output.split("used the whole window", -1)).hasSize(5);
  }

  /** Fills the directory when the ranks have their window, and then uses all of that. */
  static final class FillsUp {
    public static void main(String[] args) throws Exception {
      ProcessRanks.world()
          .run(
              ControllerOptions.defaults(),
              controller -> {
                Path filler = SharedMemory.directory().resolve("filler");
                controller.singleWrite(
                    0,
                    () -> {
                      fill(filler);
                      expectNothing(SharedMemory.directory().resolve("sparse"));
                      return "full";
                    });
                List<ResourceLock> kept = new ArrayList<>(); // or their places are used again
                assertThatThrownBy(
                        () -> {
                          for (int i = 0; i < 1_000_000; i++) {
                            kept.add(controller.resource("r" + i));
                            kept.getLast().write().close();
                          }
                        })
                    .isInstanceOf(MpilockException.class)
                    .hasMessageContaining("There is no room for resource");
                controller.singleWrite(1, () -> new byte[1 << 20]);
                System.out.println("used the whole window");
                controller.singleWrite(0, () -> Files.deleteIfExists(filler));
              });
      ProcessRanks.end();
    }

    private static void fill(Path file) throws IOException {
      try (OutputStream out = Files.newOutputStream(file)) {
        byte[] page = new byte[4096];
        while (true) {
          out.write(page);
        }
      } catch (IOException full) {
        // As it is to be.
      }
    }

    /** Memory that is not there is refused, and does not end the JVM. */
    private static void expectNothing(Path file) throws IOException {
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        ByteBuffer memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
        assertThatThrownBy(() -> SharedMemory.reserve(memory)).isInstanceOf(IOException.class);
        System.out.println("nothing to be had: " + memory.remaining());
      } finally {
        Files.delete(file);
      }
    }
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

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Processes that take themselves for a rank that they are not, and ranks in another locale. */
@Timeout(300)
class RanksApartTest {

  /** Has what the launcher gave to its parent, and so its place. */
  @ParameterizedTest
  @EnumSource
  void aRanksChildIsNotTakenForTheRank(MpiRun.Launcher launcher, @TempDir Path folder) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(HasAChild.class)
            .succeeded()
            .output();
    assertThat(output)
        .contains("StartupException: The environment makes this process (pid ")
        .contains("rank 1, by ")
        .contains("but another process has that place");
    assertThat(output.split("done", -1)).hasSize(3);
  }

  /** Rank 1 starts itself once more, while both ranks are open. */
  static final class HasAChild {
    public static void main(String[] args) throws Exception {
      ProcessRanks ranks = ProcessRanks.world();
      ranks.run(
          ControllerOptions.defaults(),
          controller -> {
            controller.write().close();
            var _ = controller.singleWrite(1, HasAChild::startChild);
            System.out.println("done");
          });
      ProcessRanks.end();
    }

    private static String startChild() throws IOException, InterruptedException {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.add("-D" + ProcessRanks.FOLDER + "=" + System.getProperty(ProcessRanks.FOLDER));
      command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx64m", "-cp"));
      command.addAll(List.of(System.getProperty("java.class.path"), HasAChild.class.getName()));
      Process child = new ProcessBuilder(command).inheritIO().start();
      assertThat(child.waitFor()).isNotZero();
      return "the child has failed";
    }
  }

  /** The second rank cannot write the name; the third has one that is no text there. */
  @Test
  void aPathThatIsNoTextInARanksLocaleIsToldThere(@TempDir Path folder) throws IOException {
    Files.createFile(folder.resolve("größe.dat"));
    String locale =
        "if [ \"$OMPI_COMM_WORLD_RANK\" = 0 ]; then LC_ALL=C.UTF-8; else LC_ALL=POSIX; fi;"
            + " export LC_ALL; exec \"$@\"";
    String output =
        MpiRun.openMpi()
            .ranks(2)
            .through(List.of(), List.of("sh", "-c", locale, "locale"))
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(SharesPaths.class)
            .succeeded()
            .output();
    assertThat(output).contains("rank 0 as it is to be", "rank 1 as it is to be");
  }

  /** Each rank shares the file that it finds. */
  static final class SharesPaths {
    public static void main(String[] args) throws Exception {
      ProcessRanks ranks = ProcessRanks.world();
      ranks.run(
          ControllerOptions.defaults(),
          controller -> {
            if (controller.rank() == 0) {
              Path found = controller.singleWrite(0, () -> found(ranks.folder()));
              assertThat(found).hasFileName("größe.dat");
              assertThatThrownBy(() -> controller.singleWrite(1, () -> found(ranks.folder())))
                  .isInstanceOf(SingleWriteFailedException.class);
            } else {
              assertThatThrownBy(() -> controller.singleWrite(0, () -> found(ranks.folder())))
                  .isInstanceOf(ShareException.class)
                  .hasMessageContaining("a Path whose name cannot be written in this rank's locale")
                  .hasMessageContaining("LC_ALL=C.UTF-8");
              assertThatThrownBy(() -> controller.singleWrite(1, () -> found(ranks.folder())))
                  .isInstanceOf(ShareException.class)
                  .hasMessageContaining("a Path whose name is not text in this rank's locale");
            }
            String more = controller.singleWrite(() -> "on");
            assertThat(more).isEqualTo("on");
            System.out.println("rank " + controller.rank() + " as it is to be");
          });
      ProcessRanks.end();
    }

    private static Path found(Path folder) throws IOException {
      try (Stream<Path> files = Files.list(folder)) {
        return files.filter(file -> file.toString().endsWith(".dat")).findFirst().orElseThrow();
      }
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The variables of srun are set by hand; what the MPI libraries do then is their own. */
@Timeout(120)
class SrunOptionTest {
  private static final Launcher RANK_0 = new Launcher(Launcher.Kind.SLURM, 0, 2, 0);

  /** Opens a controller by a library that the arguments name. */
  static final class Opens {
    public static void main(String[] args) {
      TransportSettings settings =
          new TransportSettings(
              Launcher.detect(System.getenv()).orElse(null), args[0], Duration.ofSeconds(30));
      try (WindowController controller =
          WindowController.syncOwning(
              Transports.open("native", settings), ControllerOptions.defaults())) {
        System.out.println("opened with " + controller.size());
      }
    }
  }

  private static String underSrun(String library, Map<String, String> more, Path folder)
      throws Exception {
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Opens.class.getName(),
                library));
    builder
        .environment()
        .putAll(Map.of("SLURM_PROCID", "0", "SLURM_NTASKS", "2", "SLURM_STEP_ID", "0"));
    builder.environment().put("SLURM_JOB_ID", "7");
    builder.environment().putAll(more);
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isNotZero();
    } finally {
      process.destroyForcibly();
    }
    return Files.readString(output);
  }

  @ParameterizedTest
  @CsvSource({
    "libmpi.so.40, none, --mpi=pmix", "libmpi.so.40, pmi2, --mpi=pmix",
    "libmpich.so.12, none, --mpi=pmi2", "libmpich.so.12, pmix, --mpi=pmi2"
  })
  void theRefusalNamesTheOption(String library, String given, String remedy, @TempDir Path folder)
      throws Exception {
    assertThat(underSrun(library, Map.of("SLURM_MPI_TYPE", given), folder))
        .contains("(rank 0 of 2) started this process by --mpi=" + given + ", but ")
        .contains("does not take part in that job: it sees this process as rank 0 of 1.")
        .contains("Start the job with srun " + remedy + " (")
        .doesNotContain("opened");
  }

  /** Open MPI 4 knows Slurm by these, and ends the process when it finds no PMIx. */
  @Test
  void theOptionIsNamedWhereMpiEndsTheProcess(@TempDir Path folder) throws Exception {
    Map<String, String> more =
        Map.of("SLURM_JOBID", "7", "SLURM_STEPID", "0", "SLURM_NODELIST", "node0");
    assertThat(underSrun("libmpi.so.40", more, folder))
        .contains("WARNING: srun gave this process (rank 0 of 2) nothing by which Open MPI")
        .contains("Start the job with srun --mpi=pmix")
        .doesNotContain("opened");
  }

  @Test
  void isInDoubtOnlyWhereNothingTellsOpenMpiOfAJob() {
    assertThat(doubtOf(true, RANK_0, Map.of()))
        .startsWith("srun gave this process (rank 0 of 2) nothing by which Open MPI 4");
    assertThat(doubtOf(true, RANK_0, Map.of("SLURM_MPI_TYPE", "none")))
        .startsWith("srun gave this process (rank 0 of 2) by --mpi=none nothing");
    assertThat(doubtOf(false, RANK_0, Map.of())).isEmpty();
    assertThat(doubtOf(true, new Launcher(Launcher.Kind.SLURM, 1, 2, 1), Map.of())).isEmpty();
    assertThat(doubtOf(true, new Launcher(Launcher.Kind.SLURM, 0, 1, 0), Map.of())).isEmpty();
    assertThat(doubtOf(true, new Launcher(Launcher.Kind.OPEN_MPI, 0, 2, 0), Map.of())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"PMIX_NAMESPACE", "PMIX_SERVER_URI4", "PMI_FD"})
  void isNotInDoubtWhereAVariableTells(String variable) {
    assertThat(doubtOf(true, RANK_0, Map.of(variable, "1"))).isEmpty();
  }

  private static String doubtOf(boolean openMpi, Launcher launcher, Map<String, String> variables) {
    return new SrunOption("Open MPI 4", openMpi, variables).doubt(launcher).orElse("");
  }
}

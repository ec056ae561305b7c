/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Launcher.Kind;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LauncherTest {

  private static final String SLURM = "SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_LOCALID=1 ";

  static Stream<Arguments> recognised() {
    return Stream.of(
        arguments(
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1"
                + " PMIX_RANK=1 PMIX_NAMESPACE=j",
            new Launcher(Kind.OPEN_MPI, 1, 4, 1)),
        arguments(
            "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1", new Launcher(Kind.OPEN_MPI, 0, 1, -1)),
        arguments("PMI_RANK=3 PMI_SIZE=4 MPI_LOCALRANKID=3", new Launcher(Kind.HYDRA, 3, 4, 3)),
        arguments("PMI_RANK=0 PMI_SIZE=2", new Launcher(Kind.HYDRA, 0, 2, -1)),
        arguments(SLURM + "SLURM_STEP_ID=0", new Launcher(Kind.SLURM, 3, 8, 1)),
        // srun may use a part of the allocation.
        arguments(
            SLURM + "SLURM_STEP_ID=2 SLURM_STEP_NUM_TASKS=4", new Launcher(Kind.SLURM, 3, 4, 1)),
        arguments(
            SLURM + "SLURM_STEP_ID=0 PMIX_RANK=3 PMIX_NAMESPACE=slurm.pmix.1.0",
            new Launcher(Kind.SLURM, 3, 8, 1)),
        // srun --mpi=pmi2 speaks PMI for an MPI library of any make.
        arguments(
            SLURM + "SLURM_STEP_ID=0 PMI_RANK=3 PMI_SIZE=8", new Launcher(Kind.SLURM, 3, 8, 1)),
        // mpirun in an allocation: srun only started its helper on the node.
        arguments(
            SLURM + "SLURM_STEP_ID=0 OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=6",
            new Launcher(Kind.OPEN_MPI, 5, 6, -1)),
        arguments(
            SLURM + "SLURM_STEP_ID=0 PMI_RANK=3 PMI_SIZE=8 MPI_LOCALRANKID=0",
            new Launcher(Kind.HYDRA, 3, 8, 0)),
        arguments("PMIX_RANK=2 PMIX_NAMESPACE=prterun-1", new Launcher(Kind.PMIX, 2, -1, -1)),
        arguments("MPILOCK_RANK=1 MPILOCK_SIZE=3", new Launcher(Kind.BY_HAND, 1, 3, -1)),
        // Left in a shell that starts a launcher.
        arguments(
            "MPILOCK_RANK=1 MPILOCK_SIZE=3 PMI_RANK=3 PMI_SIZE=4",
            new Launcher(Kind.HYDRA, 3, 4, -1)),
        arguments(
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 PMI_RANK=1 PMI_SIZE=2",
            new Launcher(Kind.OPEN_MPI, 1, 2, -1)));
  }

  @ParameterizedTest
  @MethodSource("recognised")
  void aLauncherIsRecognised(String environment, Launcher expected) {
    assertThat(Launcher.detect(parse(environment))).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "HOME=/ PATH=/bin",
        // The batch script has these too, but it is one process.
        "SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_LOCALID=0 SLURM_JOB_ID=7",
        "SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_ID=4294967291",
        "SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_ID=4294967290",
        "SLURM_JOB_ID=7 SLURM_NTASKS=8 SLURM_STEP_ID=0",
        "PMIX_RANK=0",
        "PMIX_NAMESPACE=x",
        "PMI_RANK= PMI_SIZE=",
        "OMPI_COMM_WORLD_LOCAL_RANK=0",
      })
  void noLauncherIsImagined(String environment) {
    assertThat(Launcher.detect(parse(environment))).isEmpty();
  }

  static Stream<Arguments> senseless() {
    return Stream.of(
        arguments("OMPI_COMM_WORLD_RANK=1", "no OMPI_COMM_WORLD_SIZE"),
        arguments("OMPI_COMM_WORLD_SIZE=1", "no OMPI_COMM_WORLD_RANK"),
        arguments("OMPI_COMM_WORLD_RANK=x OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=x"),
        arguments("OMPI_COMM_WORLD_RANK=-1 OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=-1"),
        arguments("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=2"),
        arguments("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=0", "OMPI_COMM_WORLD_SIZE=0"),
        arguments("PMI_RANK=0 PMI_SIZE=two", "PMI_SIZE=two"),
        arguments("PMI_RANK=0 PMI_SIZE=99999999999", "PMI_SIZE=99999999999"),
        arguments("PMI_RANK=0 PMI_SIZE=1 MPI_LOCALRANKID=a", "MPI_LOCALRANKID=a"),
        arguments("PMI_RANK=0 PMI_SIZE=1 MPI_LOCALRANKID=1", "MPI_LOCALRANKID=1"),
        arguments("SLURM_PROCID=1 SLURM_STEP_ID=0", "no SLURM_NTASKS"),
        arguments("SLURM_PROCID=9 SLURM_NTASKS=9 SLURM_STEP_ID=0", "SLURM_PROCID=9"),
        arguments("SLURM_PROCID=0 SLURM_NTASKS=9 SLURM_STEP_ID=none", "SLURM_STEP_ID=none"),
        arguments("PMIX_RANK=zero PMIX_NAMESPACE=x", "PMIX_RANK=zero"),
        arguments("MPILOCK_RANK=1", "no MPILOCK_SIZE"),
        arguments("MPILOCK_SIZE=2", "no MPILOCK_RANK"),
        arguments("MPILOCK_RANK=-1 MPILOCK_SIZE=2", "MPILOCK_RANK=-1"),
        arguments("MPILOCK_RANK=one MPILOCK_SIZE=2", "MPILOCK_RANK=one"),
        arguments("MPILOCK_RANK=2 MPILOCK_SIZE=2", "MPILOCK_RANK=2"),
        arguments("MPILOCK_RANK=0 MPILOCK_SIZE=0", "MPILOCK_SIZE=0"),
        arguments(
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 PMI_RANK=0 PMI_SIZE=2", "PMI_RANK=0"),
        arguments(
            "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 PMI_RANK=0 PMI_SIZE=1", "PMI_SIZE=1"));
  }

  @ParameterizedTest
  @MethodSource("senseless")
  void whatMakesNoSenseIsRefusedByName(String environment, String named) {
    Map<String, String> variables = parse(environment);
    StartupException e =
        catchThrowableOfType(StartupException.class, () -> Launcher.detect(variables));
    assertThat(e.problem()).isEqualTo(Problem.LAUNCHER_INCONSISTENT);
    assertThat(e).hasMessageContaining(named);
    assertThat(e.remedy()).isNotBlank();
  }

  @Test
  void onlyASizeOfOneRulesPeersOut() {
    assertThat(new Launcher(Kind.HYDRA, 0, 1, 0).mayHavePeers()).isFalse();
    assertThat(new Launcher(Kind.HYDRA, 0, 2, 0).mayHavePeers()).isTrue();
    assertThat(new Launcher(Kind.PMIX, 0, -1, -1).mayHavePeers()).isTrue();
  }

  private static Map<String, String> parse(String environment) {
    Map<String, String> variables = new HashMap<>();
    for (String pair : environment.split(" ", -1)) {
      int equals = pair.indexOf('=');
      if (equals > 0) {
        variables.put(pair.substring(0, equals), pair.substring(equals + 1));
      }
    }
    return variables;
  }
}

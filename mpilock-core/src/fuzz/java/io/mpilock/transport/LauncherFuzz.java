/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import io.mpilock.testing.Bounded;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The variables of launchers with any values: a launcher that makes sense, none, or a refusal. */
public final class LauncherFuzz {
  private static final String[] NAMES = {
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_LOCAL_RANK",
    "PMI_RANK",
    "PMI_SIZE",
    "MPI_LOCALRANKID",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_LOCALID",
    "SLURM_STEP_ID",
    "PMIX_RANK",
    "PMIX_NAMESPACE",
    "MPILOCK_RANK",
    "MPILOCK_SIZE",
    "MPILOCK_LOCAL_RANK",
  };

  private LauncherFuzz() {}

  /** Tries an input: lines of a variable's number, a letter from A, and its value. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Map<String, String> environment = new HashMap<>();
    for (String line : new String(input, StandardCharsets.UTF_8).lines().toList()) {
      int name = line.isEmpty() ? -1 : line.charAt(0) - 'A';
      if (name >= 0 && name < NAMES.length) {
        environment.put(NAMES[name], line.substring(1));
      }
    }
    Bounded.run(50_000 + 64L * input.length, () -> detect(environment));
  }

  private static void detect(Map<String, String> environment) {
    try {
      Launcher.detect(environment).ifPresent(LauncherFuzz::check);
    } catch (StartupException e) {
      String message = String.valueOf(e.getMessage());
      if (e.problem() != StartupException.Problem.LAUNCHER_INCONSISTENT
          || e.remedy().isBlank()
          || message.length() > 600
          || message.chars().anyMatch(Character::isISOControl)
          || environment.keySet().stream().noneMatch(message::contains)) {
        throw new AssertionError("an answer that is none", e);
      }
    }
  }

  private static void check(Launcher launcher) {
    boolean sizeKnown = launcher.size() != -1;
    if (launcher.rank() < 0
        || (sizeKnown && (launcher.size() < 1 || launcher.rank() >= launcher.size()))
        || launcher.localRank() < -1
        || (sizeKnown && launcher.localRank() >= launcher.size())) {
      throw new AssertionError(launcher + ", local rank " + launcher.localRank());
    }
  }
}

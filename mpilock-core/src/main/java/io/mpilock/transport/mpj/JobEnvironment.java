/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the environment tells beside the rank and the size: which job this is, and whether it is on
 * one host.
 */
final class JobEnvironment {
  private static final Pattern UNFIT_FOR_A_FILE = Pattern.compile("[^A-Za-z0-9._-]");
  private static final String HYDRA_HELPER = "hydra_pmi_proxy";

  private final Map<String, String> variables;

  JobEnvironment(Map<String, String> variables) {
    this.variables = variables;
  }

  /** A variable that is blank counts as absent. */
  @Nullable String value(String name) {
    String value = variables.get(name);
    return value == null || value.isBlank() ? null : value.strip();
  }

  /** A name that all ranks of the job, and no other job, have; fit for a file's name. */
  Optional<String> jobName(int size) {
    String step = value("SLURM_STEP_ID");
    String name = null;
    if (value("PMIX_NAMESPACE") != null) {
      name = "pmix-" + value("PMIX_NAMESPACE");
    } else if (value("SLURM_JOB_ID") != null && step != null) {
      name = "slurm-" + value("SLURM_JOB_ID") + "." + step;
    } else if (value("PMI_RANK") != null && isOnOneHost(size)) {
      name = hydraHelper();
    }
    return Optional.ofNullable(name).map(found -> UNFIT_FOR_A_FILE.matcher(found).replaceAll("_"));
  }

  /** Whether the launcher says that all ranks are on this host. */
  boolean isOnOneHost(int size) {
    return size == 1
        || says("OMPI_COMM_WORLD_LOCAL_SIZE", size)
        || says("MPI_LOCALNRANKS", size)
        || says("SLURM_STEP_NUM_NODES", 1);
  }

  private boolean says(String name, int number) {
    return Integer.toString(number).equals(value(name));
  }

  /**
   * Hydra names no job, but its helper on this host is an ancestor of all ranks on it; wrappers may
   * stand between.
   */
  private static @Nullable String hydraHelper() {
    Optional<ProcessHandle> parent = ProcessHandle.current().parent();
    for (Optional<ProcessHandle> at = parent; at.isPresent(); at = at.get().parent()) {
      if (at.get().info().command().filter(path -> path.endsWith(HYDRA_HELPER)).isPresent()) {
        return "hydra-" + name(at.get());
      }
    }
    return parent.map(handle -> "parent-" + name(handle)).orElse(null);
  }

  private static String name(ProcessHandle handle) {
    return handle.pid() + "-" + ProcessStart.of(handle.pid());
  }
}

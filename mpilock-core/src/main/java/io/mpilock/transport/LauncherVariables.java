/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.failure.Values;
import io.mpilock.transport.Launcher.Kind;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads what the launchers leave in the environment. A variable that is blank counts as absent. */
final class LauncherVariables {

  /** Slurm's step ids from here on are not steps of srun: the batch script, interactive shells. */
  private static final long FIRST_RESERVED_STEP = 0xFFFF_FFF0L;

  /** No sign but a minus, which is then out of range, and no digits of other scripts. */
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]+");

  private static final String EXPECTED_RANKS = "MPILOCK_EXPECTED_RANKS";

  private static final String REMEDY =
      "Start every rank with one launcher, or unset its variables for a process"
          + " that is not a rank.";

  private final Map<String, String> environment;

  LauncherVariables(Map<String, String> environment) {
    this.environment = environment;
  }

  /** What {@code MPILOCK_EXPECTED_RANKS} says; 0 if it is not there. */
  int expectedRanks() {
    String value = value(EXPECTED_RANKS);
    return value == null ? 0 : integer(EXPECTED_RANKS, value);
  }

  Optional<Launcher> detect() {
    Launcher openMpi =
        read(
            Kind.OPEN_MPI,
            "OMPI_COMM_WORLD_RANK",
            "OMPI_COMM_WORLD_SIZE",
            "OMPI_COMM_WORLD_LOCAL_RANK");
    Launcher hydra = read(Kind.HYDRA, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID");
    if (openMpi != null && hydra != null) {
      if (openMpi.rank() != hydra.rank() || openMpi.size() != hydra.size()) {
        throw inconsistent(
            "Two launchers claim this process and disagree: OMPI_COMM_WORLD_RANK="
                + openMpi.rank()
                + ", OMPI_COMM_WORLD_SIZE="
                + openMpi.size()
                + ", but PMI_RANK="
                + hydra.rank()
                + ", PMI_SIZE="
                + hydra.size()
                + ".");
      }
      return Optional.of(openMpi);
    }
    if (openMpi != null) {
      return Optional.of(openMpi);
    }
    Launcher slurm = slurm();
    if (hydra != null && slurm != null && slurmSpeaksPmi(hydra, slurm)) {
      return Optional.of(slurm);
    }
    if (hydra != null) {
      return Optional.of(hydra);
    }
    if (slurm != null) {
      return Optional.of(slurm);
    }
    Launcher pmix = pmix();
    return pmix != null ? Optional.of(pmix) : Optional.ofNullable(byHand());
  }

  /**
   * {@code srun --mpi=pmi2} sets PMI_RANK and PMI_SIZE itself, for an MPI library of any make;
   * Hydra always sets MPI_LOCALRANKID with them.
   */
  private boolean slurmSpeaksPmi(Launcher hydra, Launcher slurm) {
    return hydra.localRank() < 0 && hydra.rank() == slurm.rank() && hydra.size() == slurm.size();
  }

  private @Nullable Launcher slurm() {
    // The batch script has SLURM_PROCID=0 and SLURM_NTASKS=n too, but it is one process.
    String step = value("SLURM_STEP_ID");
    if (step == null || value("SLURM_PROCID") == null) {
      return null;
    }
    if (number("SLURM_STEP_ID", step, Long.MAX_VALUE) >= FIRST_RESERVED_STEP) {
      return null;
    }
    // The step's own number of tasks, because srun may use a part of the allocation.
    String size = value("SLURM_STEP_NUM_TASKS") != null ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
    return read(Kind.SLURM, "SLURM_PROCID", size, "SLURM_LOCALID");
  }

  private @Nullable Launcher pmix() {
    String rank = value("PMIX_RANK");
    if (rank == null || value("PMIX_NAMESPACE") == null) {
      return null;
    }
    return new Launcher(Kind.PMIX, integer("PMIX_RANK", rank), -1, -1);
  }

  /** Only where no launcher is: the variables may be left in a shell that starts one. */
  private @Nullable Launcher byHand() {
    return read(Kind.BY_HAND, "MPILOCK_RANK", "MPILOCK_SIZE", "MPILOCK_LOCAL_RANK");
  }

  private @Nullable Launcher read(Kind kind, String rankName, String sizeName, String localName) {
    String rankValue = value(rankName);
    String sizeValue = value(sizeName);
    if (sizeValue == null) {
      if (rankValue == null) {
        return null;
      }
      throw halfSet(kind, rankName, Values.shown(rankValue), sizeName);
    }
    if (rankValue == null) {
      throw halfSet(kind, sizeName, Values.shown(sizeValue), rankName);
    }
    int rank = integer(rankName, rankValue);
    int size = integer(sizeName, sizeValue);
    if (size == 0) {
      throw inconsistent(sizeName + "=0, but a job of " + kind + " has at least one rank.");
    }
    if (rank >= size) {
      throw inconsistent(
          rankName + "=" + rank + " is not below " + sizeName + "=" + size + " (" + kind + ").");
    }
    String localValue = value(localName);
    int local = localValue == null ? -1 : integer(localName, localValue);
    if (local >= size) {
      throw inconsistent(
          localName + "=" + local + " is not below " + sizeName + "=" + size + " (" + kind + ").");
    }
    return new Launcher(kind, rank, size, local);
  }

  private static StartupException halfSet(Kind kind, String there, String value, String missing) {
    return inconsistent(
        "The environment has %s=%s of %s, but no %s.".formatted(there, value, kind, missing));
  }

  private @Nullable String value(String name) {
    String value = environment.get(name);
    return value == null || value.isBlank() ? null : value.strip();
  }

  private static int integer(String name, String value) {
    return (int) number(name, value, Integer.MAX_VALUE);
  }

  private static long number(String name, String value, long max) {
    if (!NUMBER.matcher(value).matches()) {
      throw inconsistent(
          name + "=" + Values.shown(value) + " is not a number in the digits 0 to 9.");
    }
    long number;
    try {
      number = Long.parseLong(value);
    } catch (NumberFormatException tooLong) {
      number = -1;
    }
    if (number < 0 || number > max) {
      throw inconsistent(name + "=" + Values.shown(value) + " is not between 0 and " + max + ".");
    }
    return number;
  }

  private static StartupException inconsistent(String message) {
    return new StartupException(Problem.LAUNCHER_INCONSISTENT, message, REMEDY);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A launcher that lets each rank run on one core only, as Open MPI's does with one or two ranks. A
 * program in C with one thread is the faster for it. A JVM is slowed down: its compilers, its
 * garbage collector, and the threads of the application and of mpilock take turns on that core. For
 * transports.
 *
 * <p>Only who was bound where more was to be had is told: not a container or a job that has one
 * core, and not a process that nobody's launcher started.
 *
 * @since 0.1.0
 */
public final class CoreBinding {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private CoreBinding() {}

  /**
   * Warns, on rank 0 alone, if this process is bound to one core. A transport calls this once, when
   * it starts.
   *
   * @param launcher who started this process, or null
   */
  public static void check(@Nullable Launcher launcher) {
    if (launcher != null && launcher.rank() == 0) {
      warning(launcher, new Processors(Path.of("/proc"), Path.of("/sys")))
          .ifPresent(text -> LOG.log(System.Logger.Level.WARNING, text));
    }
  }

  static Optional<String> warning(Launcher launcher, Processors processors) {
    BitSet own = processors.ofThisProcess().orElseGet(BitSet::new);
    if (launcher.name() == Launcher.Kind.BY_HAND || own.isEmpty() || !isOneCore(own, processors)) {
      return Optional.empty();
    }
    BitSet reachable = processors.online().orElseGet(BitSet::new);
    processors.ofGroup().ifPresent(reachable::and);
    processors.ofLauncher().ifPresent(reachable::and);
    // A launcher may bind to a core that it has not itself.
    if (isOneCore(reachable, processors) || processors.quota() <= 1) {
      return Optional.empty();
    }
    return Optional.of(
        "Rank %d is bound to one core of its host (%d of the %d processors that the job may use there), as %s started it. The JVM's compilers, its garbage collector and all threads of the rank take turns on that core. %s"
            .formatted(
                launcher.rank(),
                own.cardinality(),
                reachable.cardinality(),
                launcher.name(),
                remedy(launcher.name())));
  }

  /** Whether they are threads of one core, or none. */
  private static boolean isOneCore(BitSet set, Processors processors) {
    BitSet rest = (BitSet) set.clone();
    if (!rest.isEmpty()) {
      rest.andNot(processors.core(rest.nextSetBit(0)));
    }
    return rest.isEmpty();
  }

  private static String remedy(Launcher.Kind launcher) {
    return switch (launcher) {
      case OPEN_MPI ->
          "Start the job with mpirun --bind-to none, or with --map-by slot:PE=N --bind-to core"
              + " for N cores for each rank.";
      case HYDRA ->
          "Start the job with mpiexec -bind-to none, or with -bind-to core:N for N cores for each"
              + " rank.";
      case SLURM ->
          "Start the job with srun --cpu-bind=none, or with --cpus-per-task=N for N processors for"
              + " each rank.";
      case PMIX, BY_HAND ->
          "Start the job without binding (prterun and prun: --bind-to none), or with several cores"
              + " for each rank.";
    };
  }
}

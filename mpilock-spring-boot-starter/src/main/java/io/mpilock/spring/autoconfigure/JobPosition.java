/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.transport.Launcher;
import java.util.Optional;
import org.springframework.boot.context.properties.bind.Binder;

/**
 * This process's position in the job, as far as the launcher tells.
 *
 * @param rank from 0
 * @param size the number of ranks, or less than 1 if unknown
 * @param localRank the rank on this node, or negative if unknown
 */
record JobPosition(int rank, int size, int localRank) {

  static JobPosition of(Optional<Launcher> launcher) {
    return launcher
        .map(found -> new JobPosition(found.rank(), found.size(), found.localRank()))
        .orElse(new JobPosition(0, 1, 0));
  }

  /** As {@link LauncherEnvironmentPostProcessor} has put it into the environment. */
  static JobPosition of(Binder properties) {
    return new JobPosition(
        properties.bind(LauncherEnvironmentPostProcessor.RANK, Integer.class).get(),
        properties.bind(LauncherEnvironmentPostProcessor.SIZE, Integer.class).orElse(-1),
        properties.bind(LauncherEnvironmentPostProcessor.LOCAL_RANK, Integer.class).orElse(-1));
  }

  /**
   * Tells whether there are, or may be, other ranks. If not, mpilock only adds beans to the
   * application, and changes nothing of it.
   *
   * @return false without a launcher, and under one that says that there is one rank
   */
  boolean mayHavePeers() {
    return size != 1;
  }

  /** The number of ranks, or where it is unknown, as many as there must be for this rank. */
  int sizeAtLeast() {
    return Math.max(size, rank + 1);
  }
}

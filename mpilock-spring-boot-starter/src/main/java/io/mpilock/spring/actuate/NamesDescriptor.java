/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import io.mpilock.WindowController;
import io.mpilock.status.NamesStatus;
import org.jspecify.annotations.Nullable;

/**
 * How many names of resources the node of the answering rank knows, and how much room they take.
 *
 * @param known how many have a place there, of which some may be needed no more
 * @param reclaimed how often a place was given back
 * @param fillPercent how much of the room is taken by those that are needed
 * @param warning what to do, from 80 % on; or null
 * @since 0.1.0
 */
public record NamesDescriptor(
    long known, long reclaimed, int fillPercent, @Nullable String warning) {

  static NamesDescriptor of(WindowController controller) {
    NamesStatus names = controller.names();
    int percent = (int) (100 * names.fill());
    return new NamesDescriptor(
        names.names(), names.reclaimed(), percent, names.isNearlyFull() ? warning(percent) : null);
  }

  private static String warning(int percent) {
    return "The names of resources take %d %% of the room for them on this node; without room a new name is refused. A name gives its place back when no rank can reach its lock any more: keep fewer locks, templates and leases at once, or set a larger mpilock.window-size."
        .formatted(percent);
  }
}

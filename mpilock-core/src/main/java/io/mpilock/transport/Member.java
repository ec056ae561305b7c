/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.util.Objects;

/**
 * The identity of a rank, for people who look for it.
 *
 * @param rank the rank in the communicator
 * @param node the number of its node, from 0, in the order of the lowest rank on each
 * @param host the name of its host
 * @param pid its process id
 * @since 0.1.0
 */
public record Member(int rank, int node, String host, long pid) {

  /** Checks the parts. */
  public Member {
    Objects.requireNonNull(host, "host");
  }

  @Override
  public String toString() {
    return "rank " + rank + " (host " + host + ", pid " + pid + ")";
  }
}

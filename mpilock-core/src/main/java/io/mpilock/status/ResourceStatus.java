/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.status;

import io.mpilock.transport.Member;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A resource.
 *
 * @param name its name
 * @param home the node that says which node may use it
 * @param token of the last write that was granted, as far as the nodes that answered know; 0 if
 *     there was none
 * @param poisonedBy the rank that died in its write, so that no thread gets the resource any more;
 *     or null
 * @param holders who reads or writes; a read that a thread took inside its write is part of that,
 *     until the write ends before it
 * @param waiters who waits
 * @param permissions what each node that knows the resource may do without asking its home
 * @since 0.1.0
 */
public record ResourceStatus(
    String name,
    int home,
    long token,
    @Nullable Member poisonedBy,
    List<LockUser> holders,
    List<LockUser> waiters,
    Map<Integer, Permission> permissions) {

  /** What the ranks of a node may do without a message to another node. */
  public enum Permission {
    /** Nothing. */
    NONE,
    /** Read. */
    SHARED,
    /** Read and write: always, in a job of one node. */
    EXCLUSIVE
  }

  /** Copies the collections. */
  public ResourceStatus {
    holders = List.copyOf(holders);
    waiters = List.copyOf(waiters);
    permissions = Collections.unmodifiableMap(new TreeMap<>(permissions));
  }
}

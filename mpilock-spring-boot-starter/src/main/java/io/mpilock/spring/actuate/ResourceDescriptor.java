/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import io.mpilock.status.LockUser;
import io.mpilock.status.ResourceStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A resource, as the endpoint shows it.
 *
 * @param name its name
 * @param homeNode the node that says which node may use it
 * @param token of the last write
 * @param poisonedByRank the rank that died in its write, so that no thread gets it; or null
 * @param holders who holds it
 * @param waiters who waits for it
 * @param permissions what each node may do without a message: none, shared, or exclusive
 * @since 0.1.0
 */
public record ResourceDescriptor(
    String name,
    int homeNode,
    long token,
    @Nullable Integer poisonedByRank,
    List<UserDescriptor> holders,
    List<UserDescriptor> waiters,
    Map<Integer, String> permissions) {

  /**
   * Threads of a rank.
   *
   * @param rank the rank
   * @param node the number of its node
   * @param host its host
   * @param pid its process
   * @param mode read or write
   * @param threads how many
   * @param thread the name of one of them; see {@link LockUser}; or null
   * @param threadId its id, or null
   * @param since since when at the latest, as ISO 8601 in UTC, or null if it is not known
   * @param millis how long that is, in milliseconds, or null
   * @param kept for what a write is still held whose body has ended, in words; see {@link
   *     LockUser}; or null
   * @param ended whether that thread has ended while it held; see {@link LockUser#ended()}
   */
  public record UserDescriptor(
      int rank,
      int node,
      String host,
      long pid,
      String mode,
      int threads,
      @Nullable String thread,
      @Nullable Long threadId,
      @Nullable String since,
      @Nullable Long millis,
      @Nullable String kept,
      boolean ended) {

    static UserDescriptor of(LockUser user, Instant now) {
      Duration elapsed = user.elapsed();
      return new UserDescriptor(
          user.member().rank(),
          user.member().node(),
          user.member().host(),
          user.member().pid(),
          JobDescriptor.word(user.mode()),
          user.threads(),
          user.thread(),
          user.threadId() == 0 ? null : user.threadId(),
          elapsed == null ? null : now.minus(elapsed).truncatedTo(ChronoUnit.MILLIS).toString(),
          elapsed == null ? null : elapsed.toMillis(),
          user.kept(),
          user.ended());
    }
  }

  /** Copies the collections. */
  public ResourceDescriptor {
    holders = List.copyOf(holders);
    waiters = List.copyOf(waiters);
    permissions = Collections.unmodifiableMap(new TreeMap<>(permissions));
  }

  static ResourceDescriptor of(ResourceStatus resource, Instant now) {
    Map<Integer, String> permissions = new TreeMap<>();
    resource
        .permissions()
        .forEach((node, permission) -> permissions.put(node, JobDescriptor.word(permission)));
    return new ResourceDescriptor(
        resource.name(),
        resource.home(),
        resource.token(),
        resource.poisonedBy() == null ? null : resource.poisonedBy().rank(),
        resource.holders().stream().map(user -> UserDescriptor.of(user, now)).toList(),
        resource.waiters().stream().map(user -> UserDescriptor.of(user, now)).toList(),
        permissions);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.failure.MpilockException;
import io.mpilock.spring.progress.WorkProgress;
import io.mpilock.status.ResourceStatus;
import io.mpilock.transport.Member;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

/**
 * {@code /actuator/mpilock}: who is there, and who holds and waits for what, over all ranks; any
 * rank answers. It takes no lock, so it also answers while one is stuck, and waits at most a second
 * for nodes that do not answer. See {@link WindowController#status(Duration)}.
 *
 * <p>It is read-only unless {@code management.endpoint.mpilock.access} is {@code unrestricted}:
 * then the poison of a resource whose writer died can be cleared, too.
 *
 * @since 0.1.0
 */
@Endpoint(id = "mpilock", defaultAccess = Access.READ_ONLY)
public final class MpilockEndpoint {
  static final Duration TIMEOUT = Duration.ofSeconds(1);

  private final WindowController controller;
  private final Clock clock;
  private final @Nullable WorkProgress progress;

  /**
   * The endpoint of a controller.
   *
   * @param controller whose job is shown
   * @param clock the clock for the times since when something is held or waited for
   * @param progress the work that ranks share; null if there is none
   */
  public MpilockEndpoint(
      WindowController controller, Clock clock, @Nullable WorkProgress progress) {
    this.controller = controller;
    this.clock = clock;
    this.progress = progress;
  }

  /**
   * Tells all.
   *
   * @return the job
   */
  @ReadOperation
  public JobDescriptor job() {
    Instant now = clock.instant();
    return JobDescriptor.of(
        controller.status(TIMEOUT),
        NamesDescriptor.of(controller),
        progress == null ? List.of() : progress.current(),
        now);
  }

  /**
   * Tells of one resource: {@code /actuator/mpilock/orders}.
   *
   * @param resource its name, in parts between slashes
   * @return the resource, or null if it is not known; see {@link WindowController#status(String,
   *     Duration)}
   */
  @ReadOperation
  public @Nullable ResourceDescriptor resource(
      @Selector(match = Selector.Match.ALL_REMAINING) String... resource) {
    String name = String.join("/", resource);
    Instant now = clock.instant();
    return controller
        .status(name, TIMEOUT)
        .map(found -> ResourceDescriptor.of(found, now))
        .orElse(null);
  }

  /**
   * Gives a resource free after a rank died in its write. To be called when what the lock guards
   * has been looked at, and put right; see {@link ResourceLock#clearPoison()}.
   *
   * @param resource its name, in parts between slashes
   * @param clearPoisonOfRank the rank that died, as {@code poisonedByRank} tells it: if it is not
   *     poisoned by that one any more, nothing happens
   * @return what has become of it
   */
  @WriteOperation
  public ClearedDescriptor clearPoison(
      @Selector(match = Selector.Match.ALL_REMAINING) String[] resource, int clearPoisonOfRank) {
    String name = String.join("/", resource);
    return controller
        .status(name, TIMEOUT)
        .map(found -> clearPoison(found, clearPoisonOfRank))
        .orElseGet(() -> new ClearedDescriptor(name, false, "No rank has named it."));
  }

  private ClearedDescriptor clearPoison(ResourceStatus found, int rank) {
    Member writer = found.poisonedBy();
    if (writer == null || writer.rank() != rank) {
      return new ClearedDescriptor(
          found.name(),
          false,
          writer == null ? "It is not poisoned." : "It is poisoned by %s.".formatted(writer));
    }
    try {
      boolean cleared = controller.resource(found.name()).clearPoison(rank);
      return new ClearedDescriptor(
          found.name(), cleared, cleared ? "It is free again." : "It is no longer poisoned.");
    } catch (MpilockException e) {
      return new ClearedDescriptor(found.name(), false, String.valueOf(e.getMessage()));
    }
  }
}

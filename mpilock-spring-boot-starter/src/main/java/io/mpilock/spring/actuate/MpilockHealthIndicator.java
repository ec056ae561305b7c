/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import io.mpilock.WindowController;
import io.mpilock.status.JobStatus;
import io.mpilock.status.LockUser;
import io.mpilock.status.RankStatus;
import io.mpilock.status.ResourceStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/**
 * The health of the job's locks, as this rank sees it:
 *
 * <ul>
 *   <li>DOWN if a rank is dead, a resource is poisoned, or this rank's controller is closed: it
 *       does not get better by itself.
 *   <li>OUT_OF_SERVICE if a node's agent does not answer within a second, this rank's own included:
 *       it may get better.
 *   <li>UP otherwise, also while a thread waits for longer than the stall warning: a batch job that
 *       waits for a long write works as it should. The details tell of it.
 * </ul>
 *
 * <p>That the names of resources take nearly all the room there is for them is a detail, too, and
 * is logged once.
 *
 * <p>Waits a second at most. Details tell which ranks, nodes and resources.
 *
 * @since 0.1.0
 */
public final class MpilockHealthIndicator extends AbstractHealthIndicator {
  private static final Log LOG = LogFactory.getLog(MpilockHealthIndicator.class);

  private final WindowController controller;
  private final AtomicBoolean toldOfNames = new AtomicBoolean();

  /**
   * The health of a controller.
   *
   * @param controller whose job is looked at
   */
  public MpilockHealthIndicator(WindowController controller) {
    super("The state of the locks could not be determined");
    this.controller = controller;
  }

  @Override
  protected void doHealthCheck(Health.Builder builder) {
    if (controller.isClosed()) {
      builder.down().withDetail("closed", true);
      return;
    }
    JobStatus status = controller.status(MpilockEndpoint.TIMEOUT);
    List<Integer> dead =
        status.ranks().stream()
            .filter(rank -> rank.state() == RankStatus.State.DEAD)
            .map(rank -> rank.member().rank())
            .toList();
    Map<String, String> stalled = stalled(status);
    Map<String, Integer> poisoned = poisoned(status);
    if (!dead.isEmpty() || !poisoned.isEmpty()) {
      builder.down();
    } else if (!status.silentNodes().isEmpty()) {
      builder.outOfService();
    } else {
      builder.up();
    }
    builder
        .withDetail("rank", status.rank())
        .withDetail("ranks", status.ranks().size())
        .withDetail("deadRanks", dead)
        .withDetail("silentNodes", status.silentNodes())
        .withDetail("poisonedResources", poisoned)
        .withDetail("stalledResources", stalled);
    tellOfNames(builder);
  }

  /** It stays UP: there may be room for all names that will be needed. */
  private void tellOfNames(Health.Builder builder) {
    NamesDescriptor names = NamesDescriptor.of(controller);
    builder.withDetail("namesFillPercent", names.fillPercent());
    if (names.warning() != null) {
      builder.withDetail("namesWarning", names.warning());
      if (toldOfNames.compareAndSet(false, true)) {
        LOG.warn(
            "Rank %d: %s This warning appears once.".formatted(controller.rank(), names.warning()));
      }
    }
  }

  /** The poisoned resources, with the rank that died in its write. */
  private static Map<String, Integer> poisoned(JobStatus status) {
    Map<String, Integer> poisoned = new TreeMap<>();
    for (ResourceStatus resource : status.resources()) {
      if (resource.poisonedBy() != null) {
        poisoned.put(resource.name(), resource.poisonedBy().rank());
      }
    }
    return poisoned;
  }

  /** The resources that a thread has waited too long for, and how long. */
  private Map<String, String> stalled(JobStatus status) {
    Duration limit = controller.options().stallWarning();
    Map<String, String> stalled = new TreeMap<>();
    for (ResourceStatus resource : status.resources()) {
      Duration longest = Duration.ZERO;
      for (LockUser waiter : resource.waiters()) {
        Duration elapsed = waiter.elapsed();
        if (elapsed != null && elapsed.compareTo(longest) > 0) {
          longest = elapsed;
        }
      }
      if (longest.compareTo(limit) > 0) {
        stalled.put(resource.name(), longest.toMillis() + " ms");
      }
    }
    return stalled;
  }
}

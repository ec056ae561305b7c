/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.mpilock.CollectiveCall;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.WindowController;
import io.mpilock.failure.DeadlockException;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Meters of a controller's locks, on this rank. Each has the tag {@code resource}, and {@code rank}
 * unless that is switched off; a resource's meters appear with its first use. The first resources
 * that are used have meters of their own, as many as {@link #bind(WindowController, MeterRegistry,
 * boolean, int)} was told; all later ones share those of {@value #OTHER}, so that the number of
 * meters does not grow with that of names.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name</th><th>type</th><th>more tags</th><th>what</th></tr>
 * <tr><td>{@code mpilock.lock.wait}</td><td>timer</td><td>{@code mode}: read, write; {@code
 * outcome}: granted, timeout, failed</td><td>from the request to its end</td></tr>
 * <tr><td>{@code mpilock.lock.hold}</td><td>timer</td><td>{@code mode}</td><td>from the grant to the
 * release</td></tr>
 * <tr><td>{@code mpilock.lock.contention}</td><td>counter</td><td>{@code mode}</td><td>grants that
 * had to wait for another holder</td></tr>
 * <tr><td>{@code mpilock.lock.timeouts}</td><td>counter</td><td>{@code mode}</td><td>requests that
 * were given up, tries included</td></tr>
 * <tr><td>{@code mpilock.lock.failures}</td><td>counter</td><td>{@code mode}</td><td>requests that
 * ended in an exception other than a time-out</td></tr>
 * <tr><td>{@code mpilock.lock.stalls}</td><td>counter</td><td></td><td>waits that were reported for
 * their length</td></tr>
 * <tr><td>{@code mpilock.lock.deadlocks}</td><td>counter</td><td></td><td>reads and writes given
 * up as the latest in a cycle of waits; they are failures, too</td></tr>
 * <tr><td>{@code mpilock.lock.held}</td><td>gauge</td><td>{@code mode}</td><td>threads that hold it
 * now</td></tr>
 * <tr><td>{@code mpilock.lock.waiting}</td><td>gauge</td><td>{@code mode}</td><td>threads that wait
 * for it now</td></tr>
 * <tr><td>{@code mpilock.singlewrite}</td><td>timer</td><td>{@code role}: writer, other; {@code
 * outcome}: success, failed</td><td>from the call to the common end</td></tr>
 * <tr><td>{@code mpilock.share.size}</td><td>distribution summary, bytes</td><td>{@code role}</td><td>
 * encoded size of what a single write shared; none if it shared nothing</td></tr>
 * <tr><td>{@code mpilock.collective}</td><td>timer</td><td>{@code call}: barrier, allGather, gather,
 * inOrder; {@code outcome}: success, failed</td><td>from the call to its end on this rank</td></tr>
 * <tr><td>{@code mpilock.messages}</td><td>counter</td><td>no {@code resource}</td><td>messages about
 * locks that this rank's node has sent to others</td></tr>
 * <tr><td>{@code mpilock.names}</td><td>gauge</td><td>no {@code resource}</td><td>names of resources
 * that have a place on this rank's node</td></tr>
 * <tr><td>{@code mpilock.names.fill}</td><td>gauge</td><td>no {@code resource}</td><td>how much of
 * the room those take that are needed, from 0 to 1</td></tr>
 * <tr><td>{@code mpilock.names.reclaimed}</td><td>counter</td><td>no {@code resource}</td><td>how
 * often a name gave its place back</td></tr>
 * </table>
 *
 * <p>Only a thread's outermost read or write of a resource counts, as for every {@link
 * LockListener}.
 *
 * @since 0.1.0
 */
public final class MpilockMetrics implements LockListener, AutoCloseable {
  /** The value of the tag {@code resource} for resources that have no meters of their own. */
  public static final String OTHER = "(other)";

  /** How many resources have meters of their own, unless {@code bind} is told. */
  public static final int MOST_RESOURCES = 100;

  private final WindowController controller;
  private final MeterRegistry registry;
  private final Tags commonTags;
  private final ConcurrentMap<String, ResourceMeters> resources = new ConcurrentHashMap<>();
  private final int most;

  /** Of all resources that are not in the map, once that is full. */
  private volatile @Nullable ResourceMeters others;

  private final Object lifecycle = new Object();
  private boolean closed; // guarded by lifecycle
  private final List<Meter> ofTheNode;

  private MpilockMetrics(
      WindowController controller, MeterRegistry registry, Tags commonTags, int most) {
    this.most = most;
    this.controller = controller;
    this.registry = registry;
    this.commonTags = commonTags;
    this.ofTheNode =
        List.of(
            FunctionCounter.builder("mpilock.messages", controller, WindowController::messages)
                .description("Messages about locks that this rank's node has sent to others")
                .tags(commonTags)
                .register(registry),
            Gauge.builder("mpilock.names", controller, one -> one.names().names())
                .description("Names of resources that have a place on this rank's node")
                .tags(commonTags)
                .register(registry),
            Gauge.builder("mpilock.names.fill", controller, one -> one.names().fill())
                .description("How much of the room the names take that are needed")
                .tags(commonTags)
                .register(registry),
            FunctionCounter.builder(
                    "mpilock.names.reclaimed", controller, one -> one.names().reclaimed())
                .description("How often a name gave its place back")
                .tags(commonTags)
                .register(registry));
  }

  /**
   * Registers meters for a controller, from now on; {@value #MOST_RESOURCES} resources have their
   * own.
   *
   * @param controller whose locks are observed
   * @param registry where the meters go
   * @param rankTag whether each meter has the tag {@code rank}
   * @return to be closed before the controller
   */
  public static MpilockMetrics bind(
      WindowController controller, MeterRegistry registry, boolean rankTag) {
    return bind(controller, registry, rankTag, MOST_RESOURCES);
  }

  /**
   * Registers meters for a controller, from now on.
   *
   * @param controller whose locks are observed
   * @param registry where the meters go
   * @param rankTag whether each meter has the tag {@code rank}
   * @param maxResources how many resources have meters of their own
   * @return to be closed before the controller
   */
  public static MpilockMetrics bind(
      WindowController controller, MeterRegistry registry, boolean rankTag, int maxResources) {
    MpilockMetrics metrics =
        new MpilockMetrics(controller, registry, tags(controller, rankTag), maxResources);
    controller.addListener(metrics);
    return metrics;
  }

  /**
   * The tags that all meters of this rank have.
   *
   * @param controller whose rank it is
   * @param rankTag whether they have the tag {@code rank}
   * @return none, or that one
   */
  public static Tags tags(WindowController controller, boolean rankTag) {
    return rankTag ? Tags.of(Tag.of("rank", Integer.toString(controller.rank()))) : Tags.empty();
  }

  @Override
  public void requested(String resource, LockMode mode) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.mode(mode).requested();
    }
  }

  @Override
  public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.mode(mode).granted(waitNanos, contended);
    }
  }

  @Override
  public void released(String resource, LockMode mode, long holdNanos) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.mode(mode).released(holdNanos);
    }
  }

  @Override
  public void timedOut(String resource, LockMode mode, long waitNanos) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.mode(mode).timedOut(waitNanos);
    }
  }

  @Override
  public void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.mode(mode).failed(waitNanos);
      if (failure instanceof DeadlockException) {
        meters.deadlocked();
      }
    }
  }

  @Override
  public void singleWrite(
      String resource, boolean writer, long nanos, long sharedBytes, @Nullable Throwable failure) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.singleWrite(writer, nanos, sharedBytes, failure != null);
    }
  }

  @Override
  public void collective(
      String resource,
      CollectiveCall call,
      long nanos,
      long sharedBytes,
      @Nullable Throwable failure) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.collective(call, nanos, failure != null);
    }
  }

  @Override
  public void stalled(String resource, String report) {
    ResourceMeters meters = of(resource);
    if (meters != null) {
      meters.stalled();
    }
  }

  /** Removes the meters from the registry and closes them. Idempotent. */
  @Override
  public void close() {
    controller.removeListener(this);
    synchronized (lifecycle) {
      closed = true;
      for (Meter meter : ofTheNode) {
        registry.remove(meter);
        meter.close();
      }
      resources.values().forEach(ResourceMeters::remove);
      resources.clear();
      ResourceMeters shared = others;
      if (shared != null) {
        shared.remove();
      }
    }
  }

  private @Nullable ResourceMeters of(String resource) {
    ResourceMeters meters = resources.get(resource);
    if (meters != null) {
      return meters;
    }
    ResourceMeters shared = others;
    return shared != null ? shared : register(resource);
  }

  /** Not after the close: an event that is under way then would leave meters behind. */
  private @Nullable ResourceMeters register(String resource) {
    synchronized (lifecycle) {
      if (closed) {
        return null;
      }
      ResourceMeters known = resources.get(resource);
      if (known != null) {
        return known;
      }
      if (resources.size() < most) {
        ResourceMeters own = meters(resource);
        resources.put(resource, own);
        return own;
      }
      ResourceMeters shared = others;
      if (shared == null) {
        shared = meters(OTHER);
        others = shared;
      }
      return shared;
    }
  }

  private ResourceMeters meters(String resource) {
    return new ResourceMeters(registry, commonTags.and(Tag.of("resource", resource)));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import io.mpilock.WindowController;
import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.spring.LockTemplate;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;

/**
 * One rank of a test: its position, its application context, and the faults that it can have. To be
 * used by the thread that plays the rank. A rank that fails does so by throwing: the others are
 * reported as by {@link WindowController#abandon()}.
 *
 * @since 0.1.0
 */
public final class TestRank {
  private final LocalCluster cluster;
  private final Communicator world;
  private @Nullable AssertableApplicationContext context;
  private volatile boolean failed;
  private volatile boolean dead;

  /** Unwinds the thread of a rank that has died. */
  private static final class Death extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Death(int rank) {
      super("rank " + rank + " died", null, false, false);
    }
  }

  TestRank(LocalCluster cluster, int rank) {
    this.cluster = cluster;
    this.world = cluster.world(rank);
  }

  /**
   * This rank's number.
   *
   * @return from 0 to {@link #size()} - 1
   */
  public int rank() {
    return world.rank();
  }

  /**
   * The number of ranks.
   *
   * @return at least 1
   */
  public int size() {
    return world.size();
  }

  /**
   * Gives this rank's context, which may have failed to start: AssertJ tells.
   *
   * @return the context; closed on this thread when the rank ends
   */
  public AssertableApplicationContext context() {
    if (context == null) {
      throw new IllegalStateException("The context of rank " + rank() + " has not started yet.");
    }
    return context;
  }

  /**
   * Gives this rank's template.
   *
   * @return the bean
   * @throws IllegalStateException if the context failed to start
   */
  public LockTemplate locks() {
    return context().getBean(LockTemplate.class);
  }

  /**
   * Gives this rank's controller.
   *
   * @return the bean
   * @throws IllegalStateException if the context failed to start
   */
  public WindowController controller() {
    return context().getBean(WindowController.class);
  }

  /**
   * Ends this rank as if its process had been killed: it holds what it held, and informs no other
   * rank. The others find it out, those on other nodes after {@code mpilock.heartbeat-timeout}.
   * Does not return: it throws what only the runner should catch. That the rank ended this way is
   * no failure of the test.
   */
  public void die() {
    dead = true;
    cluster.kill(rank());
    throw new Death(rank());
  }

  /**
   * Lets this rank do nothing for a while, as a process that is stopped or swapped out: this thread
   * sleeps, and if the rank speaks for its node, what the node sends and gets is held.
   *
   * @param time how long
   * @throws InterruptedException if this thread was interrupted meanwhile
   */
  public void stall(Duration time) throws InterruptedException {
    int node = world.member(rank()).node();
    if (cluster.nodes() == 1 || localRank() > 0) {
      Thread.sleep(time);
      return;
    }
    cluster.stall(node);
    try {
      Thread.sleep(time);
    } finally {
      cluster.resume(node);
    }
  }

  /** As {@code rank 2 of 4}. */
  @Override
  public String toString() {
    return "rank " + rank() + " of " + size();
  }

  Communicator world() {
    return world;
  }

  int localRank() {
    Member here = world.member(rank());
    return (int)
        IntStream.range(0, rank()).filter(rank -> world.member(rank).node() == here.node()).count();
  }

  boolean isDead() {
    return dead;
  }

  /** Whether the controller is not to wait for the others. */
  boolean isGivenUp() {
    return dead || failed || context == null;
  }

  void run(AssertableApplicationContext started, RankConsumer consumer) throws Throwable {
    context = started;
    Throwable failure = started.getStartupFailure();
    if (failure != null && !isToldToAll(failure)) {
      cluster.kill(rank()); // it may not have come to the controller that the others wait for
    }
    try {
      consumer.accept(this);
    } catch (Throwable e) {
      failed = true;
      throw e;
    }
  }

  /** With these each rank fails by itself; a death would give some of them another reason. */
  private static boolean isToldToAll(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof StartupException startup) {
        return startup.problem() == Problem.SETTINGS_DIFFER
            || startup.problem() == Problem.NO_WINDOW;
      }
    }
    return false;
  }
}

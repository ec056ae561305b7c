/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.RankFailedException;
import io.mpilock.testing.SharedWords;
import io.mpilock.transport.Communicator;
import java.time.Duration;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * One rank's part in a job that loses a node for ever, or for a while. All ranks use the locks all
 * the time, also those of the lost node, which writes on with the permissions that it has; nobody
 * may lose an update. The same on threads and on processes.
 *
 * @param world all ranks
 * @param words zero at first, {@link #WORDS} of them
 * @param lost the node
 * @param options of the controller
 * @param loss takes the node off the network; run once, on a rank
 */
record NodeLoss(
    Communicator world, SharedWords words, int lost, ControllerOptions options, Loss loss) {

  /** What happens to the node. */
  interface Loss {
    void run() throws Exception;
  }

  private static final Duration LONG = Duration.ofSeconds(40);
  private static final long BOUND_MILLIS = 20_000;
  private static final int RESOURCES = 3;

  // The words: when the loss began, whether it ended, and whether a rank saw
  // what it should not; counters of the resources;
  // then for each rank its own counters, and whether it is through.
  private static final int BEGAN = 0;
  private static final int ENDED = 1;
  private static final int FAILED = 2;
  private static final int COUNTER = 3;
  private static final int RANKS = 8;
  private static final int RANK_WORDS = 8;
  private static final int THROUGH = RESOURCES;

  /** How many words a job of at most 15 ranks needs. */
  static final int WORDS = 128;

  /** The node never comes back. */
  void vanish() throws Exception {
    tell(this::vanishing);
  }

  /** The node comes back in time. */
  void stall() throws Exception {
    tell(this::stalling);
  }

  private void tell(ThrowingCallable part) throws Exception {
    try {
      part.call();
    } catch (Throwable e) {
      words.set(FAILED, 1);
      throw new AssertionError("rank " + world.rank(), e);
    }
  }

  private void vanishing() throws Exception {
    WindowController controller = WindowController.sync(world, options);
    boolean _ = loseTheNode(controller);
    isRefused(controller, resource -> resource.write(LONG).close());
    long after = System.currentTimeMillis() - words.get(BEGAN);
    assertThat(after).as("milliseconds until told").isLessThan(BOUND_MILLIS);
    int told = 0;
    for (int i = 0; i < RESOURCES; i++) { // all that is left is what this node has already
      told += use(controller, i) ? 0 : 1;
    }
    isRefused(controller, resource -> resource.write(LONG).close());
    isRefused(controller, resource -> resource.tryWrite().ifPresent(WriteLease::close));
    isRefused(controller, resource -> resource.tryRead().ifPresent(ReadLease::close));
    isRefused(controller, ResourceLock::tryOptimisticRead);
    assertThatThrownBy(() -> controller.singleWrite(() -> 1)).satisfies(this::isTold);
    end(controller);
    System.out.printf(
        "rank %d: told after %d ms, of %d of %d, closed after %d ms%n",
        world.rank(), after, told, RESOURCES, System.currentTimeMillis() - words.get(BEGAN));
  }

  private void stalling() throws Exception {
    WindowController controller = WindowController.sync(world, options);
    assertThat(loseTheNode(controller)).as("told, without need").isFalse();
    for (int i = 0; i < RESOURCES; i++) {
      assertThat(use(controller, i)).as("goes on").isTrue();
    }
    long shared = controller.singleWrite(world.size() - 1, () -> 4711L);
    assertThat(shared).isEqualTo(4711);
    end(controller);
  }

  /** Uses the locks until the loss has happened; tells whether it was told of it. */
  private boolean loseTheNode(WindowController controller) throws Exception {
    controller.singleWrite(() -> 1);
    Thread thread = null;
    if (world.rank() == world.size() - 1) {
      thread = Thread.ofPlatform().daemon().start(this::lose);
    }
    boolean told = false;
    while (!told && words.get(ENDED) == 0) {
      for (int i = 0; i < RESOURCES; i++) {
        told |= !use(controller, i);
      }
    }
    if (thread != null) {
      thread.join();
    }
    return told;
  }

  private void lose() {
    try {
      Thread.sleep(100); // all are under way
      words.set(BEGAN, System.currentTimeMillis());
      loss.run();
      words.set(ENDED, 1);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Writes and reads a resource; false if a rank of another node was lost. */
  private boolean use(WindowController controller, int i) {
    try {
      ResourceLock resource = controller.resource("resource " + i);
      try (WriteLease _ = resource.write(LONG)) {
        words.increment(COUNTER + i);
        words.increment(ofRank(i));
      }
      resource.read(LONG).close();
      return true;
    } catch (RankFailedException e) {
      isTold(e);
      return false;
    }
  }

  /** Uses resources that are new until one has its home on a lost node. */
  private void isRefused(WindowController controller, Consumer<ResourceLock> use) {
    assertThatThrownBy(
            () -> {
              for (int i = 0; ; i++) {
                use.accept(controller.resource("of " + world.rank() + ", " + i));
              }
            })
        .satisfies(this::isTold);
  }

  private void isTold(Throwable e) {
    assertThat(e).isInstanceOf(RankFailedException.class);
    int failed = ((RankFailedException) e).rank();
    boolean mine = world.member(world.rank()).node() == lost;
    // Either side takes the other for lost.
    assertThat(world.member(failed).node() == lost).as("%s", e).isNotEqualTo(mine);
  }

  private int ofRank(int word) {
    return RANKS + world.rank() * RANK_WORDS + word;
  }

  private boolean all(int word) {
    for (int rank = 0; rank < world.size(); rank++) {
      if (words.get(RANKS + rank * RANK_WORDS + word) == 0) {
        return false;
      }
    }
    return true;
  }

  private void end(WindowController controller) throws InterruptedException {
    words.set(ofRank(THROUGH), 1);
    while (!all(THROUGH)) {
      assertThat(words.get(FAILED)).as("ranks that failed").isZero();
      Thread.sleep(1);
    }
    for (int i = 0; i < RESOURCES; i++) {
      long all = 0;
      for (int rank = 0; rank < world.size(); rank++) {
        all += words.get(RANKS + rank * RANK_WORDS + i);
      }
      assertThat(words.get(COUNTER + i)).as("updates of resource %d", i).isEqualTo(all);
    }
    controller.close();
    assertThat(controller.isClosed()).isTrue();
  }
}

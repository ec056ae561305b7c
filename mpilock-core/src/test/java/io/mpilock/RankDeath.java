/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.testing.SharedWords;
import io.mpilock.transport.Communicator;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/**
 * One rank's part in a job in which a rank dies in many places at once: each place has a controller
 * and a thread of its own on every rank. The survivors use the locks before and after, and assert
 * what they see; they lose no update, and close in the end. The same on threads and on processes:
 * the ranks meet through shared words alone, so that nothing here waits for the dead.
 *
 * @param world all ranks
 * @param words zero at first, {@link #words} of them
 * @param victim the rank that dies
 * @param options of the controllers; the place sets what to do on a holder's death
 * @param kill ends the victim, as SIGKILL does
 */
record RankDeath(
    Communicator world, SharedWords words, int victim, ControllerOptions options, Runnable kill) {

  /** Where the victim is when it dies. */
  enum Place {
    WRITES,
    WRITES_AND_IS_RELEASED,
    /** Between the body of a write and the end of the transaction that it is kept for. */
    KEEPS_A_WRITE,
    KEEPS_A_WRITE_AND_IS_RELEASED,
    READS,
    WAITS_TO_WRITE,
    WAITS_TO_READ,
    /** Somewhere between its last lock and its next. */
    WORKS,
    /** Somewhere between its last count and its next. */
    COUNTS,
    RUNS_A_SINGLE_WRITE,
    RUNS_A_SINGLE_WRITE_AND_IS_RELEASED,
    SHARES,
    WAITS_IN_A_SINGLE_WRITE,
    IS_SHARED_WITH,
    IS_MISSED_IN_A_SINGLE_WRITE,
    IS_MISSED_IN_A_BARRIER,
    RUNS_ITS_TURN,
    CLOSES;

    /** Among the words, for as long as the job runs. */
    @SuppressWarnings("EnumOrdinal")
    private int index() {
      return ordinal();
    }

    private boolean isReleased() {
      return this == WRITES_AND_IS_RELEASED
          || this == KEEPS_A_WRITE_AND_IS_RELEASED
          || this == RUNS_A_SINGLE_WRITE_AND_IS_RELEASED
          || this == WORKS;
    }

    private boolean isPoisoned() {
      return this == WRITES
          || this == KEEPS_A_WRITE
          || this == RUNS_A_SINGLE_WRITE
          || this == SHARES;
    }
  }

  private static final Duration LONG = Duration.ofSeconds(40);
  private static final long BOUND_MILLIS = 20_000;
  private static final int ROUNDS = 20;
  private static final int HALF = 2_000_000;

  private static final int PLACES = Place.values().length;

  // The words: when the victim was killed, whether it is about to be, and whether a rank saw what
  // it
  // should not; for each place whether the victim has arrived there, whether it may go there, and a
  // counter; then for each rank whether it is through, its own counters, and how far it is with
  // what
  // is given free, or what it has counted; and whether it counts no more.
  private static final int KILLED = 0;
  private static final int DYING = 1;
  private static final int FAILED = 2;
  private static final int ARRIVED = 8;
  private static final int READY = ARRIVED + PLACES;
  private static final int COUNTER = READY + PLACES;
  private static final int RANKS = COUNTER + PLACES;
  private static final int RANK_WORDS = 2 * PLACES + 2;

  /** How many words a job of some ranks needs. */
  static int words(int ranks) {
    return RANKS + ranks * RANK_WORDS;
  }

  /** Runs this rank's part; returns when it has closed its controllers, or is the victim. */
  void run() throws Exception {
    List<Part> parts = new ArrayList<>();
    for (Place place : Place.values()) {
      parts.add(new Part(place));
    }
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (Part part : parts) {
      running.add(
          CompletableFuture.runAsync(
              part::play,
              body ->
                  Thread.ofPlatform()
                      .daemon()
                      .name("rank-" + world.rank() + "-" + part.place)
                      .start(body)));
    }
    if (world.rank() == victim) {
      await(KILLED);
      for (CompletableFuture<Void> part : running) {
        Throwable _ = catchThrowable(part::join); // a thread's rank has lost its window
      }
      return;
    }
    if (world.rank() == next(victim)) {
      for (Place place : Place.values()) {
        await(ARRIVED + place.index());
      }
      Thread.sleep(300); // the others are to wait for it
      words.set(DYING, 1);
      kill.run();
      words.set(KILLED, System.currentTimeMillis());
    }
    for (CompletableFuture<Void> part : running) {
      join(part);
    }
    // A process that closes any controller counts as through for all: so all close at once.
    words.set(ofRank(world.rank()), 1);
    for (int rank = 0; rank < world.size(); rank++) {
      if (rank != victim) {
        await(ofRank(rank));
      }
    }
    for (Part part : parts) {
      part.end();
    }
    System.out.printf(
        "rank %d: told after %s ms, closed after %d ms, lost rank %d%n",
        world.rank(),
        parts.stream().map(part -> part.toldAfter).toList(),
        System.currentTimeMillis() - words.get(KILLED),
        victim);
  }

  private static void join(CompletableFuture<Void> part) throws Exception {
    try {
      part.join();
    } catch (CompletionException e) {
      throw new AssertionError(e.getCause());
    }
  }

  private int next(int rank) {
    return (rank + 1) % world.size();
  }

  private static int ofRank(int rank) {
    return RANKS + rank * RANK_WORDS;
  }

  private void await(int word) {
    while (words.get(word) == 0) {
      assertThat(words.get(FAILED)).as("ranks that failed").isZero();
      sleep();
    }
  }

  private static void sleep() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Whether the victim's process speaks for its node. */
  private boolean victimLeads() {
    int node = world.member(victim).node();
    for (int rank = 0; rank < victim; rank++) {
      if (world.member(rank).node() == node) {
        return false;
      }
    }
    return true;
  }

  /** This rank's part in one place. */
  private final class Part {
    private final Place place;
    private final WindowController controller;
    private final ResourceLock lock;
    private long toldAfter = -1;

    Part(Place place) {
      this.place = place;
      this.controller =
          WindowController.sync(
              world,
              options
                  .withOnHolderDeath(
                      place.isReleased() ? OnHolderDeath.RELEASE : OnHolderDeath.POISON)
                  .withShareCodec(new SlowCodec(this)));
      this.lock = controller.resource(WindowController.DEFAULT_RESOURCE);
    }

    void play() {
      try {
        if (world.rank() == victim) {
          die();
        } else {
          survive();
        }
      } catch (Throwable e) {
        if (world.rank() != victim || words.get(DYING) == 0) {
          words.set(FAILED, 1);
        }
        throw new AssertionError("rank " + world.rank() + " in " + place, e);
      }
    }

    private void awaitDeath() {
      await(KILLED);
    }

    private void arrive() {
      words.set(ARRIVED + place.index(), 1);
    }

    private void die() {
      switch (place) {
        case WRITES, WRITES_AND_IS_RELEASED -> {
          WriteLease _ = lock.write();
        }
        case KEEPS_A_WRITE, KEEPS_A_WRITE_AND_IS_RELEASED -> {
          lock.write().keep("Orders.close");
          assertThat(lock.toString()).contains("body ended, kept for transaction Orders.close");
        }
        case READS -> {
          ReadLease _ = lock.read();
        }
        case WAITS_TO_WRITE, WAITS_TO_READ -> {
          await(READY + place.index());
          boolean writes = place == Place.WAITS_TO_WRITE;
          Thread _ =
              Thread.ofPlatform()
                  .daemon()
                  .start(() -> waitForEver(writes ? lock::write : lock::read));
          String waits = "rank " + victim + (writes ? " (write" : " (1 reader)");
          while (!lock.toString().contains(waits)) {
            sleep();
          }
        }
        case WORKS -> {
          arrive();
          while (true) {
            lock.write().close();
            lock.read().close();
          }
        }
        case COUNTS -> {
          arrive();
          JobCounter counter = controller.counter("counter");
          while (true) {
            counter.add(1);
            words.increment(counts(victim));
          }
        }
        case RUNS_A_SINGLE_WRITE, RUNS_A_SINGLE_WRITE_AND_IS_RELEASED ->
            lock.singleWrite(
                victim,
                () -> {
                  arrive();
                  await(KILLED);
                  return 0L;
                });
        case SHARES -> lock.singleWrite(victim, () -> 0L);
        case WAITS_IN_A_SINGLE_WRITE, IS_SHARED_WITH -> lock.singleWrite(next(victim), () -> 0L);
        case IS_MISSED_IN_A_SINGLE_WRITE, IS_MISSED_IN_A_BARRIER -> {}
        case RUNS_ITS_TURN ->
            lock.inOrder(() -> {
              arrive();
              await(KILLED);
              return 0L;
            });
        case CLOSES -> {
          Thread _ = Thread.ofPlatform().daemon().start(() -> waitForEver(controller::close));
          while (!controller.isClosed()) {
            sleep();
          }
        }
      }
      arrive();
      await(KILLED);
    }

    private void waitForEver(ThrowingCallable call) {
      Throwable _ = catchThrowable(call); // its rank has lost its window
    }

    private void survive() {
      before();
      boolean told = false;
      while (words.get(KILLED) == 0) {
        told |= use(lock, 1);
      }
      told |= use(lock, ROUNDS);
      if (place.isPoisoned()) {
        assertThat(told).as("told of the poison").isTrue();
        for (Runnable call :
            List.<Runnable>of(
                lock::write,
                lock::read,
                lock::tryWrite,
                lock::tryRead,
                lock::tryOptimisticRead,
                () -> lock.read(Duration.ofMillis(1)))) {
          isTold(catchThrowable(call::run));
        }
        if (!victimLeads()) {
          giveFree();
        }
      } else if (!victimLeads()) {
        assertThat(told).as("told, without need").isFalse();
      }
      if (victimLeads()) {
        // Each needs the permission of its home.
        for (int i = 0; !use(controller.resource("of " + world.rank() + ", " + i), 1); i++) {
          sleep();
        }
      } else {
        assertThat(use(controller.resource("another"), ROUNDS)).as("told, without need").isFalse();
        assertThat(use(controller.resource("one more"), 1)).as("told, without need").isFalse();
      }
      noteTold();
      if (place == Place.COUNTS) {
        checkCounts();
      }
      assertThatThrownBy(() -> controller.resource("x").singleWrite(next(victim), () -> 0L))
          .satisfiesAnyOf(
              this::isTold,
              e -> {
                assertThat(place).isEqualTo(Place.CLOSES);
                assertThat(e).isInstanceOf(CollectiveMismatchException.class);
              });
    }

    /** Where it stands what a rank has counted: no update of the lock's counter. */
    private int counts(int rank) {
      return freed(rank);
    }

    /** All that was added is there, and of the call in which the victim died all or nothing. */
    private void checkCounts() {
      int counted = 2 * PLACES + 1;
      words.set(ofRank(world.rank()) + counted, 1);
      long all = words.get(counts(victim));
      for (int rank = 0; rank < world.size(); rank++) {
        if (rank != victim) {
          await(ofRank(rank) + counted);
          all += words.get(counts(rank));
        }
      }
      if (!victimLeads()) { // else its home may be lost
        assertThat(controller.counter("counter").get()).isBetween(all, all + 1);
      }
    }

    /** One survivor gives free what the victim wrote, and all use it again. */
    private void giveFree() {
      words.set(freed(world.rank()), 1);
      int giver = next(victim);
      if (world.rank() == giver) {
        for (int rank = 0; rank < world.size(); rank++) {
          if (rank != victim) {
            await(freed(rank));
          }
        }
        assertThat(lock.clearPoison()).hasValue(victim);
        assertThat(use(lock, 1)).as("told on the node where it was given free").isFalse();
        words.set(freed(victim), 1);
      }
      await(freed(victim));
      while (use(lock, 1)) { // other nodes hear of it a moment later
        sleep();
      }
      assertThat(lock.clearPoison()).isEmpty();
      assertThat(use(lock, ROUNDS)).as("told once more").isFalse();
    }

    private int freed(int rank) {
      return ofRank(rank) + 1 + PLACES + place.index();
    }

    /** What this rank does before the victim dies, or what only goes on after that. */
    private void before() {
      if (world.rank() == next(victim)
          && (place == Place.WAITS_TO_READ || place == Place.WAITS_TO_WRITE)) {
        try (WriteLease _ = lock.write()) {
          count();
          words.set(READY + place.index(), 1);
          await(KILLED);
        }
        return;
      }
      switch (place) {
        case RUNS_A_SINGLE_WRITE, RUNS_A_SINGLE_WRITE_AND_IS_RELEASED, SHARES ->
            assertThatThrownBy(() -> lock.singleWrite(victim, () -> 0L)).satisfies(this::isTold);
        case WAITS_IN_A_SINGLE_WRITE, IS_SHARED_WITH -> {
          Throwable thrown =
              catchThrowable(() -> {
                long size = lock.singleWrite(next(victim), this::body);
                assertThat(size).isEqualTo(2L * HALF);
              });
          if (thrown != null) {
            assertThat(victimLeads()).as("told, without need: %s", thrown).isTrue();
            isTold(thrown);
          }
        }
        case IS_MISSED_IN_A_BARRIER -> assertThatThrownBy(lock::barrier).satisfies(this::isTold);
        case RUNS_ITS_TURN ->
            assertThatThrownBy(() -> lock.inOrder(() -> 0L)).satisfies(this::isTold);
        default -> {}
      }
      await(ARRIVED + place.index());
    }

    private long body() {
      if (place == Place.WAITS_IN_A_SINGLE_WRITE) {
        arrive();
        await(KILLED);
      }
      return 2L * HALF;
    }

    /** Uses a resource in all ways; tells whether it was told that the victim has failed. */
    private boolean use(ResourceLock resource, int rounds) {
      try {
        for (int i = 0; i < rounds; i++) {
          if (place == Place.COUNTS && resource == lock) {
            controller.counter("counter").add(1);
            words.increment(counts(world.rank()));
          }
          try (WriteLease _ = resource.write(LONG)) {
            count(resource);
          }
          resource.read(LONG).close();
          resource
              .tryWrite()
              .ifPresent(lease -> {
                count(resource);
                lease.close();
              });
          resource.tryRead().ifPresent(ReadLease::close);
          long stamp = resource.tryOptimisticRead();
          if (stamp >= 0) {
            boolean _ = resource.validate(stamp);
          }
        }
        return false;
      } catch (RankFailedException e) {
        assertThat(words.get(DYING)).as("told before the death: %s", e).isEqualTo(1);
        isTold(e);
        return true;
      }
    }

    private void count(ResourceLock resource) {
      if (resource == lock) {
        count();
      }
    }

    private void count() {
      words.increment(COUNTER + place.index());
      words.increment(ofRank(world.rank()) + 1 + place.index());
    }

    private void isTold(@Nullable Throwable e) {
      assertThat(e)
          .isInstanceOfSatisfying(
              RankFailedException.class,
              failed -> assertThat(failed.rank()).as("%s", e).isEqualTo(victim));
    }

    private void noteTold() {
      long after = System.currentTimeMillis() - words.get(KILLED);
      toldAfter = after;
      assertThat(after).as("milliseconds until told").isLessThan(BOUND_MILLIS);
    }

    void end() {
      long all = 0;
      for (int rank = 0; rank < world.size(); rank++) {
        all += words.get(ofRank(rank) + 1 + place.index());
      }
      assertThat(words.get(COUNTER + place.index())).as("updates in %s", place).isEqualTo(all);
      controller.close();
      assertThat(controller.isClosed()).isTrue();
    }
  }

  /** Shares nothing but a size, and stops halfway for the death. */
  private record SlowCodec(Part part) implements ShareCodec {
    @Override
    public void encode(@Nullable Object object, OutputStream out) throws IOException {
      out.write(new byte[HALF]);
      if (part.place == Place.SHARES || part.place == Place.IS_SHARED_WITH) {
        part.arrive();
        part.awaitDeath();
      }
      out.write(new byte[HALF]);
    }

    @Override
    public @Nullable Object decode(InputStream in) throws IOException {
      long size = 0;
      byte[] buffer = new byte[8192];
      for (int length; (length = in.read(buffer)) >= 0; ) {
        size += length;
      }
      return size;
    }
  }
}

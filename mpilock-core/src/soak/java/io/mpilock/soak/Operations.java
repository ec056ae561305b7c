/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.failure.DeadlockException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.soak.Mode.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a thread does with locks alone. Every grant looks at the file, every write overwrites. */
final class Operations {
  private final Hand hand;
  private final Tally tally;
  private final Alarm alarm = new Alarm();

  /** Now and then others wait for so long that they look for cycles. */
  private static final int LONG_ONE_IN = 2000;

  private static final long LONG_NANOS = 1_000_000_000;

  /** The newest token that this thread has seen of each resource. */
  private final long[] seen;

  Operations(Hand hand, Tally tally, int resources) {
    this.hand = hand;
    this.tally = tally;
    this.seen = new long[resources];
  }

  Hand hand() {
    return hand;
  }

  Alarm alarm() {
    return alarm;
  }

  /** A new controller counts from the start. */
  void forget(Guarded guarded) {
    seen[guarded.number()] = 0;
  }

  Outcome perform(Mode mode, Guarded guarded, Guarded next, SplittableRandom random) {
    ResourceLock lock = guarded.lock();
    return switch (mode) {
      case READ -> read(lock.read(), guarded, random);
      case TRY_READ -> optionally(lock.tryRead(), read -> read(read, guarded, random));
      case TIMED_READ -> timed(random, lock::read, read -> read(read, guarded, random));
      case INTERRUPTED_READ -> interrupted(random, lock::read, read -> read(read, guarded, random));
      case OPTIMISTIC_READ -> optimistic(guarded, random);
      case WRITE -> write(lock.write(), guarded, random);
      case TRY_WRITE -> optionally(lock.tryWrite(), write -> write(write, guarded, random));
      case TIMED_WRITE -> timed(random, lock::write, write -> write(write, guarded, random));
      case INTERRUPTED_WRITE ->
          interrupted(random, lock::write, write -> write(write, guarded, random));
      case READ_IN_READ -> readInRead(guarded, random);
      case READ_IN_WRITE -> readInWrite(guarded, random);
      case WRITE_IN_WRITE -> writeInWrite(guarded, random);
      case DOWNGRADE -> downgrade(guarded, random);
      case UPGRADE, TIMED_UPGRADE, INTERRUPTED_UPGRADE -> upgrade(mode, guarded, random);
      case TWO_RESOURCES -> two(guarded, next, random);
      case WRITE_IN_READ -> writeInRead(guarded, random);
      case UPGRADE_OF_TWO -> upgradeOfTwo(guarded, random);
      case CLOSE_BY_ANOTHER -> closeByAnother(guarded, random);
      default -> throw new IllegalArgumentException(mode + " takes all ranks");
    };
  }

  /** What is done with a lease. */
  private interface Use<L> {
    Outcome use(L lease);
  }

  private interface Timed<L> {
    L take(Duration timeout);
  }

  private Outcome read(ReadLease lease, Guarded guarded, SplittableRandom random) {
    try (lease) {
      look(lease, guarded, random);
      if (random.nextInt(4) == 0) {
        Hand.dawdle(random);
        hand.check(guarded.region(), lease.token(), random);
      }
    }
    return Outcome.DONE;
  }

  private void look(ReadLease lease, Guarded guarded, SplittableRandom random) {
    saw(guarded, lease.token(), false);
    hand.check(guarded.region(), lease.token(), random);
  }

  private Outcome write(WriteLease lease, Guarded guarded, SplittableRandom random) {
    try (lease) {
      overwrite(lease.token(), guarded, random);
    }
    return Outcome.DONE;
  }

  /** Exactly one for each write that was granted: so the tokens have no hole. */
  void overwrite(long token, Guarded guarded, SplittableRandom random) {
    saw(guarded, token, true);
    hand.overwrite(guarded.region(), token, random);
    tally.wrote(guarded.number());
  }

  private void saw(Guarded guarded, long token, boolean write) {
    long last = seen[guarded.number()];
    if (write ? token <= last : token < last) {
      throw new Violation(
          "a %s of %s has token %d, after this thread has seen %d"
              .formatted(write ? "write" : "read", Hand.name(guarded.region()), token, last));
    }
    seen[guarded.number()] = token;
  }

  private <L> Outcome optionally(Optional<L> lease, Use<L> use) {
    return lease.isPresent() ? use.use(lease.get()) : Outcome.GAVE_UP;
  }

  private <L> Outcome timed(SplittableRandom random, Timed<L> lock, Use<L> use) {
    Duration timeout = shortly(random);
    long start = System.nanoTime();
    L lease;
    try {
      lease = lock.take(timeout);
    } catch (LockTimeoutException e) {
      checkPatience(timeout, start);
      return Outcome.GAVE_UP;
    }
    return use.use(lease);
  }

  /** Mostly some microseconds, sometimes some milliseconds, sometimes no time at all. */
  static Duration shortly(SplittableRandom random) {
    int bits = random.nextInt(26);
    return Duration.ofNanos(bits == 0 ? 0 : random.nextLong(1L << bits));
  }

  private static void checkPatience(Duration timeout, long start) {
    long waited = System.nanoTime() - start;
    if (waited < timeout.toNanos()) {
      throw new Violation("a wait of %s gave up after %d ns".formatted(timeout, waited));
    }
  }

  private <L> Outcome interrupted(SplittableRandom random, Supplier<L> lock, Use<L> use) {
    L lease;
    alarm.arm(random);
    try {
      lease = lock.get();
    } catch (LockInterruptedException e) {
      checkInterrupted();
      return Outcome.GAVE_UP;
    } finally {
      boolean _ = alarm.disarm();
    }
    return use.use(lease);
  }

  /** The exception leaves the status set; and nobody interrupts this thread from here on. */
  void checkInterrupted() {
    if (!alarm.disarm()) {
      throw new Violation("after a LockInterruptedException the interrupt status is not set");
    }
  }

  /** A read without a lock: if the stamp is still good afterwards, what was read is whole. */
  private Outcome optimistic(Guarded guarded, SplittableRandom random) {
    long stamp = guarded.lock().tryOptimisticRead();
    if (stamp == ResourceLock.NO_STAMP) {
      return Outcome.GAVE_UP;
    }
    hand.copy(guarded.region(), random);
    if (!guarded.lock().validate(stamp)) {
      return Outcome.GAVE_UP;
    }
    saw(guarded, stamp, false); // a stamp is a token
    hand.checkCopy(guarded.region(), stamp);
    return Outcome.DONE;
  }

  private Outcome readInRead(Guarded guarded, SplittableRandom random) {
    try (ReadLease outer = guarded.lock().read()) {
      look(outer, guarded, random);
      try (ReadLease inner = innerRead(guarded, random)) {
        same(outer.token(), inner.token(), guarded);
        look(inner, guarded, random);
      }
      look(outer, guarded, random);
    }
    return Outcome.DONE;
  }

  /** Inside a hold every form is granted at once. */
  private ReadLease innerRead(Guarded guarded, SplittableRandom random) {
    return switch (random.nextInt(3)) {
      case 0 -> guarded.lock().read();
      case 1 -> guarded.lock().read(Duration.ZERO);
      default ->
          guarded
              .lock()
              .tryRead()
              .orElseThrow(() -> new Violation("an inner read was not granted"));
    };
  }

  private static void same(long outer, long inner, Guarded guarded) {
    if (outer != inner) {
      throw new Violation(
          "in %s, a hold with token %d has an inner one with token %d"
              .formatted(Hand.name(guarded.region()), outer, inner));
    }
  }

  private Outcome readInWrite(Guarded guarded, SplittableRandom random) {
    try (WriteLease outer = guarded.lock().write()) {
      overwrite(outer.token(), guarded, random);
      try (ReadLease inner = innerRead(guarded, random)) {
        same(outer.token(), inner.token(), guarded);
        look(inner, guarded, random);
      }
      hand.check(guarded.region(), outer.token(), random);
    }
    return Outcome.DONE;
  }

  private Outcome writeInWrite(Guarded guarded, SplittableRandom random) {
    try (WriteLease outer = guarded.lock().write()) {
      overwrite(outer.token(), guarded, random);
      try (WriteLease inner =
          random.nextBoolean()
              ? guarded.lock().write()
              : guarded
                  .lock()
                  .tryWrite()
                  .orElseThrow(() -> new Violation("an inner write was not granted"))) {
        same(outer.token(), inner.token(), guarded);
        hand.check(guarded.region(), inner.token(), random);
      }
      hand.check(guarded.region(), outer.token(), random);
    }
    return Outcome.DONE;
  }

  private Outcome downgrade(Guarded guarded, SplittableRandom random) {
    WriteLease write = guarded.lock().write();
    ReadLease read;
    try (write) {
      overwrite(write.token(), guarded, random);
      read = innerRead(guarded, random);
    }
    try (read) {
      Hand.dawdle(random);
      same(write.token(), read.token(), guarded);
      look(read, guarded, random);
    }
    return Outcome.DONE;
  }

  private Outcome upgrade(Mode mode, Guarded guarded, SplittableRandom random) {
    ReadLease read = guarded.lock().read();
    try (read) {
      look(read, guarded, random);
      Use<WriteLease> use = write -> upgraded(read, write, guarded, random);
      return switch (mode) {
        case TIMED_UPGRADE -> timed(random, read::upgrade, use);
        case INTERRUPTED_UPGRADE -> interrupted(random, read::upgrade, use);
        default -> use.use(read.upgrade());
      };
    }
  }

  private Outcome upgraded(
      ReadLease read, WriteLease write, Guarded guarded, SplittableRandom random) {
    try (write) {
      if (write.intervened() != (write.token() != read.token() + 1)) {
        throw new Violation(
            "an upgrade from token %d to %d says intervened = %b"
                .formatted(read.token(), write.token(), write.intervened()));
      }
      overwrite(write.token(), guarded, random);
    }
    return Outcome.DONE;
  }

  /** In the order of their numbers, so that nobody waits for each other. */
  private Outcome two(Guarded one, Guarded other, SplittableRandom random) {
    Guarded first = one.number() < other.number() ? one : other;
    Guarded second = one.number() < other.number() ? other : one;
    if (random.nextBoolean()) {
      try (WriteLease lease = first.lock().write()) {
        overwrite(lease.token(), first, random);
        if (random.nextInt(LONG_ONE_IN) == 0) {
          LockSupport.parkNanos(LONG_NANOS);
        }
        inner(second, random);
        hand.check(first.region(), lease.token(), random);
      }
    } else {
      try (ReadLease lease = first.lock().read()) {
        look(lease, first, random);
        inner(second, random);
        look(lease, first, random);
      }
    }
    return Outcome.DONE;
  }

  /**
   * Two threads take in two orders two locks that nobody else takes: just one of them must be told.
   */
  static Outcome cycle(ResourceLock one, ResourceLock other) {
    CountDownLatch both = new CountDownLatch(2);
    CompletableFuture<Boolean> theirs = new CompletableFuture<>();
    Thread _ =
        Thread.ofVirtual()
            .name(Thread.currentThread().getName() + "-cycle")
            .start(() -> {
              try {
                theirs.complete(takesBoth(other, one, both));
              } catch (Throwable failure) {
                theirs.completeExceptionally(failure);
              }
            });
    boolean mine = takesBoth(one, other, both);
    if (mine == theirs.join()) {
      throw new Violation(
          "of two threads that waited for each other %s was told of it"
              .formatted(mine ? "neither" : "each"));
    }
    return Outcome.REFUSED;
  }

  private static boolean takesBoth(ResourceLock first, ResourceLock second, CountDownLatch both) {
    try (WriteLease _ = first.write()) {
      both.countDown();
      both.await();
      try (WriteLease _ = second.write()) {
        return true;
      } catch (DeadlockException told) {
        return false;
      }
    } catch (InterruptedException e) {
      throw new Violation("interrupted by nobody");
    }
  }

  private void inner(Guarded second, SplittableRandom random) {
    Outcome _ =
        random.nextBoolean()
            ? write(second.lock().write(), second, random)
            : read(second.lock().read(), second, random);
  }

  private Outcome writeInRead(Guarded guarded, SplittableRandom random) {
    try (ReadLease read = guarded.lock().read()) {
      look(read, guarded, random);
      refused(
          "a write in a read",
          switch (random.nextInt(3)) {
            case 0 -> () -> guarded.lock().write();
            case 1 -> () -> guarded.lock().write(Duration.ofSeconds(1));
            default -> () -> guarded.lock().tryWrite();
          });
      look(read, guarded, random);
    }
    return Outcome.REFUSED;
  }

  private Outcome upgradeOfTwo(Guarded guarded, SplittableRandom random) {
    try (ReadLease outer = guarded.lock().read();
        ReadLease inner = guarded.lock().read()) {
      look(outer, guarded, random);
      refused("an upgrade of one of two reads", inner::upgrade);
      look(inner, guarded, random);
    }
    return Outcome.REFUSED;
  }

  private Outcome closeByAnother(Guarded guarded, SplittableRandom random) {
    if (random.nextBoolean()) {
      try (ReadLease lease = guarded.lock().read()) {
        onAnotherThread("a read's close by another thread", lease::close);
        look(lease, guarded, random);
      }
    } else {
      try (WriteLease lease = guarded.lock().write()) {
        onAnotherThread("a write's close by another thread", lease::close);
        overwrite(lease.token(), guarded, random);
        lease.close();
        lease.close(); // does nothing
      }
    }
    return Outcome.REFUSED;
  }

  private static void onAnotherThread(String what, Runnable call) {
    Throwable[] wrong = new Throwable[1];
    Thread other =
        Thread.ofVirtual()
            .start(() -> {
              try {
                refused(what, call);
              } catch (Throwable e) {
                wrong[0] = e;
              }
            });
    try {
      other.join();
    } catch (InterruptedException e) {
      throw new Violation("interrupted by nobody");
    }
    @Nullable Throwable found = wrong[0];
    if (found instanceof Violation violation) {
      throw violation;
    }
    if (found != null) {
      throw new IllegalStateException(found);
    }
  }

  private static void refused(String what, Runnable call) {
    try {
      call.run();
    } catch (LockUseException expected) {
      return;
    }
    throw new Violation(what + " was not refused");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static io.mpilock.internal.SequentialLock.check;

import io.mpilock.Leases;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockUseException;
import io.mpilock.internal.InterleavedRanks.Player;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Threads that share a lease, a directory, or listeners; run under Lincheck. */
final class InterleavedRankLock {
  private InterleavedRankLock() {}

  private static final RankContext.Pace PACE =
      new RankContext.Pace(
          0, 0, InterleavedThread::now, LockSupport::parkNanos, new InterleavedThread.Parking());

  private static RankContext node(int rank, int ranks, InterleavedWindow words) {
    words.set(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
    return new RankContext(
        new OneNode(rank, ranks, words), words, Simulation.settings(false, 0, false), PACE);
  }

  /** A thread gets a lease that another one tries to close. */
  record ForeignClose() implements Runnable {
    private static final class Offer {
      private final SequentialLock specification = new SequentialLock();
      private volatile @Nullable ReadLease read;
      private volatile @Nullable WriteLease write;
      private volatile boolean closed;
    }

    private static final class Holder extends Player {
      private final Offer offer;
      private final ResourceLock lock;

      Holder(Offer offer, ResourceLock lock) {
        super("holder");
        this.offer = offer;
        this.lock = lock;
      }

      @Override
      void play() {
        ReadLease read = lock.read();
        offer.read = read;
        offer.specification.beginRead(read.token());
        offer.specification.endRead();
        read.close();
        WriteLease write = lock.write();
        offer.write = write;
        offer.specification.beginWrite(write.token());
        offer.specification.endWrite();
        write.close();
        offer.closed = true;
        write.close();
      }
    }

    private static final class Stranger extends Player {
      private final Offer offer;
      private final ResourceLock lock;

      Stranger(Offer offer, ResourceLock lock) {
        super("stranger");
        this.offer = offer;
        this.lock = lock;
      }

      @Override
      void play() {
        refuse(offer.read);
        refuse(offer.write);
        WriteLease mine = lock.write();
        offer.specification.beginWrite(mine.token());
        offer.specification.endWrite();
        mine.close();
        refuse(offer.write);
      }

      private static void refuse(@Nullable AutoCloseable lease) {
        if (lease != null) {
          try {
            lease.close();
          } catch (LockUseException refusal) {
            return;
          } catch (Exception other) {
            throw new AssertionError(other);
          }
          throw new AssertionError("a lease was closed by a thread that does not own it");
        }
      }
    }

    @Override
    public void run() {
      InterleavedWindow words = new InterleavedWindow(InterleavedRanks.words(1));
      RankContext node = node(0, 1, words);
      RankLock process = new RankLock("r", new RankThreads(node), InterleavedRanks.lockLine(1));
      ResourceLock lock = Leases.over(process, new CollectiveCalls(node, index -> "r"));
      Offer offer = new Offer();
      InterleavedRanks.play(List.of(new Holder(offer, lock), new Stranger(offer, lock)));
      check(offer.closed, "the holder came to its end");
      InterleavedRanks.checkNothingIsLeft(words, InterleavedRanks.lockLine(1), 1);
    }
  }

  /**
   * Threads of two ranks name resources.
   *
   * @param open the fault that everybody gets the lock of the directory at once
   */
  record Naming(boolean open) implements Runnable {
    private static final class Namer extends Player {
      private final Directory directory;
      private final String name;
      private long lockLine;

      Namer(Directory directory, String name) {
        super("namer of " + name);
        this.directory = directory;
        this.name = name;
      }

      @Override
      void play() {
        lockLine = directory.use(name);
        check(name.equals(directory.name(lockLine)), "the name of the line");
      }
    }

    @Override
    public void run() {
      long size = Layout.directory(2, 2) + 4 * Layout.entryWords(1, 2);
      InterleavedWindow words =
          open ? new FaultyWindows.OpenDirectory(size) : new InterleavedWindow(size);
      words.set(Layout.DIRECTORY_END, Layout.directory(2, 2));
      Directory first = new Directory(node(0, 2, words));
      Directory second = new Directory(node(1, 2, words));
      Namer one = new Namer(first, "a");
      Namer two = new Namer(first, "b");
      Namer other = new Namer(second, "a");
      InterleavedRanks.play(List.of(one, two, other));
      check(one.lockLine == other.lockLine, "one line for one name");
      check(one.lockLine != two.lockLine, "two names have two lines");
      check(second.use("b") == two.lockLine, "the other rank finds it");
    }
  }

  /** Listeners are told of what is granted and released while threads use the lock. */
  record Listening() implements Runnable {
    private static final class Counter implements LockListener {
      private final AtomicInteger granted = new AtomicInteger();
      private final AtomicInteger released = new AtomicInteger();

      @Override
      public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
        granted.getAndAdd(1);
      }

      @Override
      public void released(String resource, LockMode mode, long holdNanos) {
        released.getAndAdd(1);
      }
    }

    private static final class User extends Player {
      private final ResourceLock lock;
      private final SequentialLock specification;

      User(String name, ResourceLock lock, SequentialLock specification) {
        super(name);
        this.lock = lock;
        this.specification = specification;
      }

      @Override
      void play() {
        WriteLease lease = lock.write();
        specification.beginWrite(lease.token());
        specification.endWrite();
        lease.close();
      }
    }

    @Override
    public void run() {
      InterleavedWindow words = new InterleavedWindow(InterleavedRanks.words(1));
      RankContext node = node(0, 1, words);
      RankLock process = new RankLock("r", new RankThreads(node), InterleavedRanks.lockLine(1));
      Counter counter = new Counter();
      Leases.Ears ears = new Leases.Ears();
      ResourceLock lock = Leases.over(process, new CollectiveCalls(node, index -> "r"), ears);
      SequentialLock specification = new SequentialLock();
      Player adder =
          new Player("adder") {
            @Override
            void play() {
              ears.add(counter);
            }
          };
      InterleavedRanks.play(
          List.of(
              new User("user 0", lock, specification),
              new User("user 1", lock, specification),
              adder));
      check(counter.granted.get() <= 2, "no grant is told twice");
      check(
          counter.granted.get() == counter.released.get(),
          "a listener that stays is told of the end of each hold whose grant it was told of");
      User last = new User("last", lock, specification);
      int before = counter.granted.get();
      InterleavedRanks.play(List.of(last));
      check(counter.granted.get() == before + 1, "the listener is there");
      ears.remove(counter);
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static io.mpilock.internal.SequentialLock.check;

import io.mpilock.Leases;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Some ranks of one node with some threads each, which all use one lock through its public leases.
 * Made anew for each interleaving; run under Lincheck.
 *
 * @param script what each thread does
 * @param fault what is planted, to see that it is found
 */
record InterleavedRanks(List<Part> script, boolean phaseFair, int handoverLimit, Fault fault)
    implements Runnable {

  private static final Duration TIMEOUT = Duration.ofMillis(30);

  /** What is wrong on purpose. */
  enum Fault {
    NONE,
    /** The threads of a rank do not take turns at its one request. */
    NO_TURNS,
    /** Nobody is woken. */
    LOST_WAKE,
    /** A reader that has counted itself does not look whether a writer has come. */
    NO_SECOND_LOOK,
    /** Two threads that add at once may count for one. */
    TORN_ADD
  }

  /** What a thread may do. */
  enum Step {
    READ,
    WRITE,
    TRY_READ,
    TRY_WRITE,
    TIMED_READ,
    TIMED_WRITE,
    /** A read that becomes a write. */
    UPGRADE,
    TIMED_UPGRADE,
    /** A read in a read, and a write in it, which is refused. */
    NESTED_READ,
    /** A write in a write, and a read in it that outlives both. */
    DOWNGRADE,
    OPTIMISTIC,
    /** Interrupts the next thread of the script. */
    INTERRUPT
  }

  /** One thread of a rank. */
  record Part(int rank, List<Step> steps) {}

  static long lockLine(int ranks) {
    return Layout.slot(ranks); // where the ring would be, which no lock uses
  }

  static long words(int ranks) {
    return lockLine(ranks) + Layout.LINE + (long) ranks * Layout.RANK_WORDS;
  }

  int ranks() {
    int last = 0; // no stream: Lincheck would follow it, in each run
    for (Part part : script) {
      last = Math.max(last, part.rank());
    }
    return last + 1;
  }

  /** Made by name: Lincheck does not see into an object that a method reference has made. */
  private InterleavedWindow window(int ranks) {
    long words = words(ranks);
    return switch (fault) {
      case NONE, NO_TURNS -> new InterleavedWindow(words);
      case LOST_WAKE -> new FaultyWindows.LostWake(words);
      case NO_SECOND_LOOK -> new FaultyWindows.NoSecondLook(words, lockLine(ranks));
      case TORN_ADD -> new FaultyWindows.TornAdd(words);
    };
  }

  @Override
  public void run() {
    int ranks = ranks();
    long lockLine = lockLine(ranks);
    InterleavedWindow words = window(ranks);
    CoreSettings settings = Simulation.settings(phaseFair, handoverLimit, false);
    RankContext.Pace pace =
        new RankContext.Pace(
            0, 0, InterleavedThread::now, LockSupport::parkNanos, new InterleavedThread.Parking());
    SequentialLock specification = new SequentialLock();
    List<ResourceLock> locks = new ArrayList<>();
    List<RankLock> processes = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      words.set(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      RankContext node = new RankContext(new OneNode(rank, ranks, words), words, settings, pace);
      RankLock process = new RankLock("r", new RankThreads(node), lockLine);
      processes.add(process);
      locks.add(Leases.over(process, new CollectiveCalls(node, index -> "r")));
    }
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < script.size(); i++) {
      Part part = script.get(i);
      RankLock process = processes.get(part.rank());
      ResourceLock lock = locks.get(part.rank());
      if (fault == Fault.NO_TURNS) {
        RankContext node =
            new RankContext(new OneNode(part.rank(), ranks, words), words, settings, pace);
        process = new RankLock("r", new RankThreads(node), lockLine);
        lock = Leases.over(process, new CollectiveCalls(node, index -> "r"));
      }
      workers.add(new Worker("thread " + i, part.steps(), process, lock, specification));
    }
    for (int i = 0; i < workers.size(); i++) {
      workers.get(i).neighbour = workers.get((i + 1) % workers.size());
    }
    play(workers);
    checkNothingIsLeft(words, lockLine, ranks);
    check(locks.get(0).tryWrite().isPresent(), "the write is free at the end");
  }

  /** Runs threads to their end; what one of them threw is thrown. */
  static void play(List<? extends Player> players) {
    List<Thread> threads = List.copyOf(players); // Lincheck knows the methods by that class
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    for (Player player : players) {
      Throwable failure = player.failure;
      if (failure != null) {
        throw new AssertionError(player.getName() + " failed: " + failure, failure);
      }
    }
  }

  static void checkNothingIsLeft(InterleavedWindow words, long lockLine, int ranks) {
    check(LockWords.isFree(words.get(lockLine + Layout.STATE)), "the lock is free at the end");
    check(words.get(lockLine + Layout.READER_BELL + 1) == 0, "no reader sleeps at the end");
    for (int rank = 0; rank < ranks; rank++) {
      long line = lockLine + Layout.LINE + (long) rank * Layout.RANK_WORDS;
      long reads = words.get(line + Layout.READS);
      check(words.get(line + Layout.REQUEST) == 0, "no request is left");
      check(LockWords.holds(reads) + LockWords.waiting(reads) == 0, "no read is left");
      check((reads & LockWords.DRAINING) == 0, "no mark of a writer is left");
      check(words.get(line + Layout.WAITING_READERS) == 0, "no waiting reader is left");
      check(words.get(line + Layout.DRAINS) == 0, "no writer waits for readers");
      check(words.get(line + Layout.WRITER_BELL + 1) == 0, "no writer sleeps at the end");
    }
  }

  /** A thread that keeps what it fails with. */
  abstract static class Player extends InterleavedThread {
    private @Nullable Throwable failure;

    Player(String name) {
      super(name);
    }

    abstract void play();

    @Override
    public void run() {
      try {
        play();
      } catch (Throwable e) {
        failure = e;
      }
    }
  }

  private static final class Worker extends Player {
    private final List<Step> steps;
    private final RankLock process;
    private final ResourceLock lock;
    private final SequentialLock specification;
    private @Nullable Thread neighbour;

    Worker(
        String name,
        List<Step> steps,
        RankLock process,
        ResourceLock lock,
        SequentialLock specification) {
      super(name);
      this.steps = steps;
      this.process = process;
      this.lock = lock;
      this.specification = specification;
    }

    @Override
    void play() {
      for (Step step : steps) {
        if (step == Step.INTERRUPT) {
          if (neighbour != null) {
            neighbour.interrupt();
          }
          continue;
        }
        boolean write =
            switch (step) {
              case WRITE, TRY_WRITE, TIMED_WRITE, UPGRADE, TIMED_UPGRADE, DOWNGRADE -> true;
              default -> false;
            };
        long before = specification.begin(write);
        try {
          if (!perform(step)) {
            specification.refused(write, before);
          }
        } catch (LockInterruptedException e) {
          check(Thread.interrupted(), "the thread is still marked as interrupted");
        }
        check(!process.hold().isHeld(), "nothing is held after " + step);
        specification.end(write);
      }
    }

    /** Does one step to its end; false if it was refused. */
    private boolean perform(Step step) {
      switch (step) {
        case READ -> read(lock.read());
        case WRITE -> write(lock.write());
        case TRY_READ -> {
          Optional<ReadLease> lease = lock.tryRead();
          lease.ifPresent(this::read);
          return lease.isPresent();
        }
        case TRY_WRITE -> {
          Optional<WriteLease> lease = lock.tryWrite();
          lease.ifPresent(this::write);
          return lease.isPresent();
        }
        case TIMED_READ -> {
          ReadLease lease;
          timed(true);
          try {
            lease = lock.read(TIMEOUT);
          } catch (LockTimeoutException e) {
            return false;
          } finally {
            timed(false);
          }
          read(lease);
        }
        case TIMED_WRITE -> {
          WriteLease lease;
          timed(true);
          try {
            lease = lock.write(TIMEOUT);
          } catch (LockTimeoutException e) {
            return false;
          } finally {
            timed(false);
          }
          write(lease);
        }
        case UPGRADE, TIMED_UPGRADE -> {
          return upgrade(lock.read(), step == Step.TIMED_UPGRADE);
        }
        case NESTED_READ -> nestedRead(lock.read());
        case DOWNGRADE -> downgrade(lock.write());
        case OPTIMISTIC -> {
          return readOptimistically();
        }
        case INTERRUPT -> throw new AssertionError(step);
      }
      return true;
    }

    private void read(ReadLease lease) {
      specification.beginRead(lease.token());
      specification.endRead();
      lease.close();
    }

    private void write(WriteLease lease) {
      specification.beginWrite(lease.token());
      specification.endWrite();
      lease.close();
    }

    private boolean upgrade(ReadLease lease, boolean inTime) {
      specification.beginRead(lease.token());
      specification.endRead();
      WriteLease write;
      timed(inTime);
      try {
        write = inTime ? lease.upgrade(TIMEOUT) : lease.upgrade();
      } catch (LockTimeoutException e) {
        return false;
      } finally {
        timed(false);
      }
      int writes = specification.beginWrite(write.token());
      check(
          write.intervened() == (writes != lease.token()),
          "an upgrade tells whether another write came in between");
      specification.endWrite();
      write.close();
      lease.close(); // is closed already
      return true;
    }

    private void nestedRead(ReadLease outer) {
      specification.beginRead(outer.token());
      ReadLease inner = lock.read();
      check(inner.token() == outer.token(), "a read in a read has its token");
      outer.close();
      specification.look(inner.token());
      try {
        lock.write().close();
        throw new AssertionError("a write in a read was granted");
      } catch (LockUseException refusal) {
        specification.look(inner.token());
      }
      specification.endRead();
      inner.close();
    }

    private void downgrade(WriteLease outer) {
      specification.beginWrite(outer.token());
      WriteLease inner = lock.write();
      inner.close();
      ReadLease read = lock.read();
      check(read.token() == outer.token(), "a read in a write has its token");
      specification.endWriteAsReader();
      outer.close();
      specification.look(read.token());
      specification.endRead();
      read.close();
    }

    private boolean readOptimistically() {
      long stamp = lock.tryOptimisticRead();
      int left = specification.left();
      int right = specification.right();
      if (!lock.validate(stamp)) {
        return false;
      }
      check(left == right && left == stamp, "a validated read is whole");
      return true;
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.bench.BenchRanks;
import io.mpilock.bench.peers.Peer.Reach;
import io.mpilock.transport.NodeWindow;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;

/**
 * mpilock, and the locks that need no server. Each has a loop of its own, to be compiled for it.
 */
final class LocalPeers {
  private static final int SPINS = 100;

  private LocalPeers() {}

  static Peer mpilock(WindowController controller) {
    return new Peer(
        "mpilock",
        Reach.RANKS,
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            try (WriteLease write = controller.write()) {
              inside.run();
              BenchRanks.touch(write.token());
            }
          }
        },
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            try (ReadLease read = controller.read()) {
              inside.run();
              BenchRanks.touch(read.token());
            }
          }
        },
        () -> {});
  }

  /** What all others are measured with: the clock and the loop. */
  static Peer nothing() {
    return new Peer(
        "no lock",
        Reach.THREADS,
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            inside.run();
          }
        },
        null,
        () -> {});
  }

  /** The floor of the machine: a compare-and-set in, and one out. Waits as simply as can be. */
  static Peer compareAndSet(NodeWindow window, long word) {
    return new Peer(
        "bare compare-and-set pair",
        Reach.RANKS,
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            if (!window.compareAndSet(word, 0, 1)) {
              await(window, word);
            }
            inside.run();
            window.compareAndSet(word, 1, 0);
          }
        },
        null,
        () -> {});
  }

  /** Apart from the loop, which is then the bare pair of the other tables. */
  @SuppressWarnings("ThreadPriorityCheck") // there may be more ranks than cores
  private static void await(NodeWindow window, long word) {
    for (int spins = 0; !window.compareAndSet(word, 0, 1); spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  static Peer reentrant(boolean fair) {
    ReentrantReadWriteLock lock = new ReentrantReadWriteLock(fair);
    return new Peer(
        fair ? "ReentrantReadWriteLock, fair" : "ReentrantReadWriteLock",
        Reach.THREADS,
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            lock.writeLock().lock();
            try {
              inside.run();
            } finally {
              lock.writeLock().unlock();
            }
          }
        },
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            lock.readLock().lock();
            try {
              inside.run();
            } finally {
              lock.readLock().unlock();
            }
          }
        },
        () -> {});
  }

  static Peer stamped() {
    StampedLock lock = new StampedLock();
    return new Peer(
        "StampedLock",
        Reach.THREADS,
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            long stamp = lock.writeLock();
            try {
              inside.run();
            } finally {
              lock.unlockWrite(stamp);
            }
          }
        },
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            long stamp = lock.readLock();
            try {
              inside.run();
            } finally {
              lock.unlockRead(stamp);
            }
          }
        },
        () -> {});
  }

  static Peer file(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    return new Peer(
        "FileChannel.lock",
        Reach.RANKS,
        (count, inside) -> fileLocks(channel, false, count, inside),
        (count, inside) -> fileLocks(channel, true, count, inside),
        channel);
  }

  private static void fileLocks(FileChannel channel, boolean shared, int count, Runnable inside)
      throws IOException {
    for (int i = 0; i < count; i++) {
      try (FileLock lock = channel.lock(0, Long.MAX_VALUE, shared)) {
        inside.run();
        BenchRanks.touch(lock.position());
      }
    }
  }
}

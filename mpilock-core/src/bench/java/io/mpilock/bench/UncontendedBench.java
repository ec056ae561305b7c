/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.JobCounter;
import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.ffm.MpiWindowLock;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** Enter and exit of a free lock, on rank 0, while the other ranks are inside MPI. */
public final class UncontendedBench {
  private UncontendedBench() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    long roundNanos = Long.parseLong(args[1]) * 1_000_000;
    try (Communicator world = BenchRanks.open();
        WindowController controller = BenchRanks.sync(world);
        MpiWindowLock mpi = new MpiWindowLock(world, false);
        MpiWindowLock shared = new MpiWindowLock(world, true)) {
      if (controller.rank() == 0) {
        measure(controller, mpi, shared, rounds, roundNanos);
      }
      mpi.meet();
    }
  }

  private static void measure(
      WindowController controller, MpiWindowLock mpi, MpiWindowLock shared, int rounds, long nanos)
      throws Exception {
    Path file = Files.createTempFile("mpilock-bench", ".lock");
    ReentrantReadWriteLock inJvm = new ReentrantReadWriteLock();
    JobCounter counter = controller.counter("uncontended");
    NodeWindow floor = BenchRanks.lonelyWindow();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      new Rounds()
          .add("write", count -> writes(controller, count))
          .add("read", count -> reads(controller, count))
          .add("optimistic read", count -> optimisticReads(controller, count))
          .add("counter, add", count -> adds(counter, count))
          .add("counter, next", count -> nexts(counter, count))
          .add("MPI_Win_lock, MPI_Win_allocate", mpi::pairs)
          .add("MPI_Win_lock, MPI_Win_allocate_shared", shared::pairs)
          .add("FileChannel.lock", count -> fileLocks(channel, count))
          .add("ReentrantReadWriteLock, write", count -> jvmWrites(inJvm, count))
          .add("ReentrantReadWriteLock, read", count -> jvmReads(inJvm, count))
          .add("bare compare-and-set pair", count -> BenchRanks.casPairs(floor, count))
          .run(rounds, nanos)
          .forEach((name, cost) -> BenchRanks.result("uncontended", name, cost.toString()));
    } finally {
      Files.delete(file);
    }
  }

  private static void writes(WindowController controller, int count) {
    for (int i = 0; i < count; i++) {
      try (WriteLease write = controller.write()) {
        BenchRanks.touch(write.token());
      }
    }
  }

  private static void reads(WindowController controller, int count) {
    for (int i = 0; i < count; i++) {
      try (ReadLease read = controller.read()) {
        BenchRanks.touch(read.token());
      }
    }
  }

  private static void optimisticReads(WindowController controller, int count) {
    for (int i = 0; i < count; i++) {
      long stamp = controller.tryOptimisticRead();
      BenchRanks.touch(controller.validate(stamp) ? 1 : 0);
    }
  }

  private static void adds(JobCounter counter, int count) {
    for (int i = 0; i < count; i++) {
      BenchRanks.touch(counter.add(1));
    }
  }

  private static void nexts(JobCounter counter, int count) {
    for (int i = 0; i < count; i++) {
      BenchRanks.touch(counter.next());
    }
  }

  private static void fileLocks(FileChannel channel, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      try (FileLock lock = channel.lock()) {
        BenchRanks.touch(lock.position());
      }
    }
  }

  private static void jvmWrites(ReentrantReadWriteLock lock, int count) {
    for (int i = 0; i < count; i++) {
      lock.writeLock().lock();
      try {
        BenchRanks.touch(i);
      } finally {
        lock.writeLock().unlock();
      }
    }
  }

  private static void jvmReads(ReentrantReadWriteLock lock, int count) {
    for (int i = 0; i < count; i++) {
      lock.readLock().lock();
      try {
        BenchRanks.touch(i);
      } finally {
        lock.readLock().unlock();
      }
    }
  }
}

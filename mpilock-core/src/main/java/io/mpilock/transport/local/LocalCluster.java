package io.mpilock.transport.local;

import io.mpilock.transport.Communicator;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A job whose ranks are threads of this JVM. Each rank takes its {@link #world(int)} and uses it as
 * a process would.
 */
public final class LocalCluster {
  private final int size;
  private final Group world;
  private final AtomicIntegerArray dead;
  private final AtomicIntegerArray leaving;
  private final List<Set<LocalWindow>> windows;

  /**
   * Makes a job.
   *
   * @param size the number of ranks, at least 1
   * @throws IllegalArgumentException if there are none
   */
  public LocalCluster(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("A job has at least 1 rank, not " + size + ".");
    }
    this.size = size;
    this.dead = new AtomicIntegerArray(size);
    this.leaving = new AtomicIntegerArray(size);
    this.windows =
        Stream.generate(() ->
                Collections.synchronizedSet(
                    Collections.newSetFromMap(new WeakHashMap<LocalWindow, Boolean>())))
            .limit(size)
            .toList();
    this.world = new Group(this, IntStream.range(0, size).toArray());
  }

  /**
   * The number of ranks.
   *
   * @return at least 1
   */
  public int size() {
    return size;
  }

  /**
   * Gives a rank its communicator of all ranks.
   *
   * @param rank from 0 to {@link #size()} - 1
   * @return the communicator, for the thread that plays this rank
   * @throws IndexOutOfBoundsException if there is no such rank
   */
  public Communicator world(int rank) {
    return new LocalCommunicator(world, java.util.Objects.checkIndex(rank, size));
  }

  /**
   * Declares a rank dead, as if its process had been killed: it holds what it held, and the others
   * notice. Its threads get an exception at their next access to a window; where they do something
   * else, they are the caller's to stop.
   *
   * @param rank from 0 to {@link #size()} - 1
   */
  public void kill(int rank) {
    dead.set(rank, 1);
    Set<LocalWindow> theirs = windows.get(rank);
    synchronized (theirs) {
      theirs.forEach(LocalWindow::free);
    }
    world.wakeAll();
  }

  void opened(int rank, LocalWindow window) {
    windows.get(rank).add(window);
    if (!isAlive(rank)) {
      window.free();
    }
  }

  boolean isAlive(int rank) {
    return dead.get(rank) == 0;
  }

  void leaving(int rank, int change) {
    leaving.addAndGet(rank, change);
  }

  boolean isLeaving(int rank) {
    return leaving.get(rank) > 0;
  }
}

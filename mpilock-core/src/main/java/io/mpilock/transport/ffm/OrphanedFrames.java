/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What messengers left in MPI's hands: frames of closed ones that are still on their way, and
 * memory that MPI may touch for ever because the peer is dead. Holding it here keeps that memory
 * from being freed.
 *
 * <p>A frame that nobody receives any more would stay with its sender, and MPI_Finalize might wait
 * for it: at the end every rank takes in, and drops, what still comes.
 */
final class OrphanedFrames {
  private final PointToPoint mpi;
  private final ReentrantLock inside;

  // All of it is guarded by inside, since MPI is.
  private final Set<MpiGroup> groups = new LinkedHashSet<>();
  private final List<FrameBuffer> unsettled = new ArrayList<>();
  private final List<FrameBuffer> kept = new ArrayList<>();
  private int messengers;

  OrphanedFrames(PointToPoint mpi, ReentrantLock inside) {
    this.mpi = mpi;
    this.inside = inside;
  }

  /** Notes a messenger of a group, and frees what has been settled since. */
  void opened(MpiGroup group) {
    inside.lock();
    try {
      groups.add(group);
      messengers++;
      settle();
    } finally {
      inside.unlock();
    }
  }

  /** A messenger is closed: nobody here receives its frames any more. */
  void closed() {
    inside.lock();
    try {
      messengers--;
    } finally {
      inside.unlock();
    }
  }

  /** Whether a messenger is open: then an agent watches over other nodes. */
  boolean hasMessengers() {
    inside.lock();
    try {
      return messengers > 0;
    } finally {
      inside.unlock();
    }
  }

  /** Keeps what MPI may touch for ever. */
  void keep(FrameBuffer frame) {
    inside.lock();
    try {
      kept.add(frame);
    } finally {
      inside.unlock();
    }
  }

  /** Takes frames over that are on their way. */
  void settleLater(Collection<FrameBuffer> frames) {
    inside.lock();
    try {
      unsettled.addAll(frames);
      frames.clear();
    } finally {
      inside.unlock();
    }
  }

  /**
   * Lets what is on its way get on, and drops what comes, unless a messenger is open: the agent of
   * a controller that other ranks have not closed yet still speaks for its node.
   *
   * @return whether nothing is on its way from here
   */
  boolean drain() {
    inside.lock();
    try {
      for (MpiGroup group : groups) {
        while (messengers == 0 && mpi.match(mpi.anyTag(), group.comm())) {
          FrameBuffer dropped = FrameBuffer.allocate(FrameBuffer.isSmall(mpi.length()));
          dropped.begin(mpi.source(), mpi.length());
          (mpi.receive(dropped) ? unsettled : kept).add(dropped);
        }
      }
      settle();
      return unsettled.isEmpty();
    } finally {
      inside.unlock();
    }
  }

  private void settle() {
    unsettled.removeIf(frame -> {
      PointToPoint.Outcome outcome = mpi.test(frame);
      if (outcome == PointToPoint.Outcome.FAILED) {
        kept.add(frame);
      }
      return outcome != PointToPoint.Outcome.NOT_YET;
    });
  }
}

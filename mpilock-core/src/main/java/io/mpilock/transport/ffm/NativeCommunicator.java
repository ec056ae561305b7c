/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.MpilockException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** An MPI communicator of mpilock's own. */
final class NativeCommunicator implements Communicator {
  private final MpiRuntime runtime;
  private final MpiGroup group;
  private final Duration stallWarning;
  private final List<Member> members;
  private final AtomicBoolean closed = new AtomicBoolean();

  NativeCommunicator(MpiRuntime runtime, MpiGroup group, Duration stallWarning) {
    this.runtime = runtime;
    this.group = group;
    this.stallWarning = stallWarning;
    members = members(runtime.roster(), group);
  }

  MpiRuntime runtime() {
    return runtime;
  }

  private static List<Member> members(Roster roster, MpiGroup group) {
    Map<Long, Integer> nodes = new LinkedHashMap<>();
    List<Member> members = new ArrayList<>();
    for (int rank = 0; rank < group.size(); rank++) {
      int worldRank = group.worldRank(rank);
      int known = nodes.size();
      int nodeNumber = nodes.computeIfAbsent(roster.node(worldRank), leader -> known);
      members.add(roster.member(worldRank, rank, nodeNumber));
    }
    return List.copyOf(members);
  }

  @Override
  public int rank() {
    return group.rank();
  }

  @Override
  public int size() {
    return group.size();
  }

  @Override
  public Member member(int rank) {
    return members.get(rank);
  }

  @Override
  public boolean isAlive(int rank) {
    return runtime.roster().isAlive(group.worldRank(rank));
  }

  @Override
  public String description() {
    return "native (" + runtime.libraryVersion() + ")";
  }

  @Override
  public Communicator duplicate() {
    checkOpen();
    runtime.retain();
    return new NativeCommunicator(runtime, group, stallWarning);
  }

  @Override
  public Communicator split(int color, int key) {
    if (color < 0) {
      throw new IllegalArgumentException("color must not be negative, but is " + color);
    }
    checkOpen();
    runtime.retain();
    try {
      return new NativeCommunicator(
          runtime, runtime.split(group, stallWarning, color, key), stallWarning);
    } catch (Throwable e) {
      runtime.forget();
      throw e;
    }
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    return allocate(wordsPerRank, wordsPerRank);
  }

  @Override
  public NodeWindow allocate(long least, long most) {
    checkOpen();
    MpiWindowAllocator allocator =
        new MpiWindowAllocator(runtime.mpi(), runtime.roster(), least, most);
    return runtime.together(
        group,
        "allocate a window",
        stallWarning,
        () -> {
          MpiGroup node = group.node(runtime.mpi(), runtime.roster());
          NativeWindow window =
              NativeWindow.of(
                  runtime,
                  allocator.allocate(group, node, group.windows()),
                  runtime.isFirstWindow());
          runtime.opened(window);
          return window;
        });
  }

  @Override
  public void lost(int rank) {
    if (rank == rank()) {
      throw new IllegalArgumentException("rank " + rank + " lost itself");
    }
    runtime.roster().lose(group.worldRank(rank));
  }

  @Override
  public Messenger messenger(Runnable arrived) {
    checkOpen();
    runtime.leftovers().opened(group);
    return new NativeMessenger(runtime, group, group.nextTag(), arrived);
  }

  @Override
  public void cutShort(Throwable reason) {
    runtime.cutShort(group, reason);
  }

  @Override
  public void throwIfCutShort() {
    runtime.throwIfCutShort(group);
  }

  @Override
  public void leaving(boolean now) {
    runtime.leaving().count(now ? 1 : -1);
  }

  @Override
  public boolean isLeaving(int rank) {
    return runtime.leaving().isLeaving(group.worldRank(rank));
  }

  @Override
  public void abort(int status) {
    if (status == 0) {
      throw new IllegalArgumentException("an abort's status must not be 0");
    }
    runtime.abort(status);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      runtime.release(stallWarning);
    }
  }

  @Override
  public void abandon() {
    if (closed.compareAndSet(false, true)) {
      runtime.abandon();
    }
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new MpilockException(
          "The communicator was closed on " + member(rank()) + ": open another one.");
    }
  }

  @Override
  public String toString() {
    return description() + ", rank " + rank() + " of " + size();
  }
}

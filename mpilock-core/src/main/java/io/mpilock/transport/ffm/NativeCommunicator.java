package io.mpilock.transport.ffm;

import io.mpilock.failure.MpilockException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.NodeWindow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** An MPI communicator of mpilock's own. */
final class NativeCommunicator implements Communicator {
  private final MpiRuntime runtime;
  private final Group group;
  private final Duration stallWarning;
  private final List<Member> members;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** The ranks of this node, known from the first allocation on; only the MPI thread uses it. */
  private @Nullable Group node;

  NativeCommunicator(MpiRuntime runtime, Group group, Duration stallWarning) {
    this.runtime = runtime;
    this.group = group;
    this.stallWarning = stallWarning;
    members = members(runtime.roster(), group);
  }

  MpiRuntime runtime() {
    return runtime;
  }

  private static List<Member> members(Roster roster, Group group) {
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
    return derive("duplicate a communicator", parent -> runtime.mpi().duplicate(parent.comm()));
  }

  @Override
  public Communicator split(int color, int key) {
    if (color < 0) {
      throw new IllegalArgumentException("color must not be negative, but is " + color);
    }
    return derive("split a communicator", parent -> runtime.mpi().split(parent.comm(), color, key));
  }

  private Communicator derive(String what, Function<Group, Long> make) {
    checkOpen();
    runtime.retain();
    try {
      return runtime.derive(group, stallWarning, what, make);
    } catch (Throwable e) {
      runtime.forget();
      throw e;
    }
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    checkOpen();
    WindowAllocator allocator = new WindowAllocator(runtime.mpi(), wordsPerRank);
    runtime.barrier(stallWarning).await(group, "allocate a window");
    return runtime.call(() -> {
      NativeWindow window =
          new NativeWindow(runtime, allocator.allocate(group, nodeGroup()), stallWarning);
      runtime.remember(window);
      return window;
    });
  }

  private Group nodeGroup() {
    Group known = node;
    if (known == null) {
      Mpi mpi = runtime.mpi();
      long comm = mpi.splitByNode(group.comm());
      runtime.remember(comm);
      known = Group.of(mpi, comm, runtime.roster().self());
      node = known;
    }
    return known;
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

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/** One rank's view of a group of the job's ranks. */
final class MpjCommunicator implements Communicator {
  private final MpjRuntime runtime;
  private final MpjGroup group;
  private final Duration stallWarning;
  private final List<Member> members;
  private final AtomicBoolean closed = new AtomicBoolean();

  MpjCommunicator(MpjRuntime runtime, MpjGroup group, Duration stallWarning) {
    this.runtime = runtime;
    this.group = group;
    this.stallWarning = stallWarning;
    Member[] found = new Member[group.size()];
    List<List<Integer>> nodes = runtime.nodes(group);
    for (int node = 0; node < nodes.size(); node++) {
      for (int member : nodes.get(node)) {
        found[member] = runtime.peer(group.worldRank(member)).member(member, node);
      }
    }
    members = List.of(found);
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
    return runtime.isAlive(group.worldRank(rank));
  }

  @Override
  public void lost(int rank) {
    runtime.lifeline().lost(group.worldRank(rank));
  }

  @Override
  public String description() {
    return "mpj (" + runtime.library().description() + ")";
  }

  @Override
  public Communicator duplicate() {
    checkOpen();
    int number = group.calls() + 1;
    Communicator duplicate =
        child(group.call("duplicate", number), group.rank(), group.worldRanks());
    group.made(number); // only now: see cutShort
    return duplicate;
  }

  @Override
  public Communicator split(int color, int key) {
    if (color < 0) {
      throw new IllegalArgumentException("color must not be negative, but is " + color);
    }
    checkOpen();
    int before = group.calls();
    try {
      return part(color, key);
    } catch (Throwable e) { // the others wait for this rank here, or in the part
      cutShort(e, before + 1);
      throw e;
    }
  }

  private Communicator part(int color, int key) {
    record Choice(int rank, int color, int key) {}
    String call = group.nextCall("split");
    byte[][] all =
        runtime
            .lifeline()
            .meet(
                call,
                group.worldRanks(),
                ByteBuffer.allocate(2 * Integer.BYTES).putInt(color).putInt(key).array(),
                "split a communicator",
                runtime::name,
                stallWarning);
    List<Integer> part =
        IntStream.range(0, all.length)
            .mapToObj(rank -> {
              ByteBuffer choice = ByteBuffer.wrap(all[rank]);
              return new Choice(rank, choice.getInt(), choice.getInt());
            })
            .filter(choice -> choice.color() == color)
            .sorted(Comparator.comparingInt(Choice::key).thenComparingInt(Choice::rank))
            .map(Choice::rank)
            .toList();
    return child(
        call + "." + color,
        part.indexOf(group.rank()),
        part.stream().mapToInt(group::worldRank).toArray());
  }

  private Communicator child(String name, int rank, int[] worldRanks) {
    runtime.retain();
    return new MpjCommunicator(runtime, new MpjGroup(name, rank, worldRanks), stallWarning);
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    return allocate(wordsPerRank, wordsPerRank);
  }

  @Override
  public NodeWindow allocate(long least, long most) {
    checkOpen();
    return new MappedWindowAllocator(runtime, group, stallWarning).allocate(least, most);
  }

  @Override
  public Messenger messenger(Runnable arrived) {
    checkOpen();
    return MpjMessenger.open(runtime, group, stallWarning, arrived);
  }

  @Override
  public void cutShort(Throwable reason) {
    cutShort(reason, group.calls() + 1);
  }

  /**
   * The others may wait in a communicator that they have made of this one already.
   *
   * @param from the first call that this rank has not come through
   */
  private void cutShort(Throwable reason, int from) {
    int rank = reason instanceof RankFailedException other ? other.rank() : group.rank();
    runtime.lifeline().tellCutShort(group.name(), from, rank, String.valueOf(reason));
  }

  @Override
  public void throwIfCutShort() {
    runtime.lifeline().throwIfCutShort(group.name(), group.worldRanks(), runtime::name);
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

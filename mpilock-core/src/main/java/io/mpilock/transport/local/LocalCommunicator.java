/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.StartupException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One rank's view of a group of threads. */
final class LocalCommunicator implements Communicator {
  private final LocalGroup group;
  private final int rank;

  LocalCommunicator(LocalGroup group, int rank) {
    this.group = group;
    this.rank = rank;
  }

  private LocalProcess self() {
    return group.process(rank);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return group.size();
  }

  @Override
  public Member member(int rank) {
    Objects.checkIndex(rank, size());
    String host = group.cluster().nodes() == 1 ? "localhost" : "host" + group.process(rank).node();
    return new Member(rank, group.node(rank), host, ProcessHandle.current().pid());
  }

  @Override
  public boolean isAlive(int rank) {
    return self().seesAlive(group.process(rank));
  }

  @Override
  public String description() {
    if (size() == 1) {
      return "local";
    }
    int nodes = group.nodes();
    return "local (" + size() + (nodes == 1 ? " threads)" : " threads on " + nodes + " nodes)");
  }

  @Override
  public Communicator duplicate() {
    int[] all = IntStream.range(0, size()).toArray();
    Object made = group.meet(rank, rank == 0 ? group.child(all) : null)[0];
    return ((LocalGroup) Objects.requireNonNull(made)).join(rank);
  }

  @Override
  public Communicator split(int color, int key) {
    if (color < 0) {
      throw new IllegalArgumentException("The color must not be negative, but is " + color + ".");
    }
    try {
      return part(color, key);
    } catch (Throwable e) { // the others wait for this rank
      cutShort(e);
      throw e;
    }
  }

  private Communicator part(int color, int key) {
    record Choice(int rank, int color, int key) {}
    Choice[] choices =
        Arrays.stream(group.meet(rank, new Choice(rank, color, key)))
            .map(Choice.class::cast)
            .toArray(Choice[]::new);
    int[] mine =
        Arrays.stream(choices)
            .filter(choice -> choice.color() == color)
            .sorted(Comparator.comparingInt(Choice::key).thenComparingInt(Choice::rank))
            .mapToInt(Choice::rank)
            .toArray();
    int newRank =
        IntStream.range(0, mine.length).filter(i -> mine[i] == rank).findFirst().orElseThrow();
    Object made = group.meet(rank, newRank == 0 ? group.child(mine) : null)[mine[0]];
    return ((LocalGroup) Objects.requireNonNull(made)).join(newRank);
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    if (wordsPerRank < 1) {
      throw new IllegalArgumentException("A window needs words, not " + wordsPerRank + ".");
    }
    int node = group.node(rank);
    @Nullable Object[] made =
        group.meet(rank, rank == group.firstOn(node) ? memory(wordsPerRank, node) : null);
    for (int each = 0; each < group.nodes(); each++) {
      if (made[group.firstOn(each)] == null) { // on all ranks, or they would wait for each other
        throw new StartupException(
            StartupException.Problem.NO_WINDOW,
            "A window of %d words for each of %d ranks is too large."
                .formatted(wordsPerRank, group.ranksOn(each)),
            "Set mpilock.window-size lower.");
      }
    }
    return new LocalWindow(
        (LocalWindow.Memory) Objects.requireNonNull(made[group.firstOn(node)]), self());
  }

  private LocalWindow.@Nullable Memory memory(long wordsPerRank, int node) {
    try {
      return new LocalWindow.Memory(Math.multiplyExact(wordsPerRank, (long) group.ranksOn(node)));
    } catch (ArithmeticException | OutOfMemoryError tooLarge) {
      return null;
    }
  }

  @Override
  public void lost(int rank) {
    self().lost(group.process(rank));
  }

  @Override
  public Messenger messenger(Runnable arrived) {
    LocalMessenger mine =
        new LocalMessenger(group.cluster().network(), self().node(), rank, arrived);
    mine.connect(group.meet(rank, mine));
    self().opened(mine);
    return mine;
  }

  @Override
  public void cutShort(Throwable reason) {
    group.cutShort(self(), reason);
  }

  @Override
  public void throwIfCutShort() {
    group.throwIfCutShort();
  }

  @Override
  public void leaving(boolean now) {
    self().leaving(now);
  }

  @Override
  public boolean isLeaving(int rank) {
    return group.node(rank) == group.node(this.rank) && group.process(rank).isLeaving();
  }

  @Override
  public void abort(int status) {
    group.cluster().kill(self().rank());
    throw new MpilockException("Rank " + rank + " aborted the job with status " + status + ".");
  }

  @Override
  public void close() {
    // Threads share nothing that would outlive them.
  }

  @Override
  public void abandon() {
    // As close.
  }
}

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
  private final Group group;
  private final int rank;

  LocalCommunicator(Group group, int rank) {
    this.group = group;
    this.rank = rank;
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
    return new Member(rank, 0, "localhost", ProcessHandle.current().pid());
  }

  @Override
  public boolean isAlive(int rank) {
    return group.cluster().isAlive(group.worldRank(rank));
  }

  @Override
  public String description() {
    return size() == 1 ? "local" : "local (" + size() + " threads)";
  }

  @Override
  public Communicator duplicate() {
    int[] all = IntStream.range(0, size()).map(group::worldRank).toArray();
    return new LocalCommunicator(fromFirst(rank == 0 ? group.child(all) : null), rank);
  }

  @Override
  public Communicator split(int color, int key) {
    if (color < 0) {
      throw new IllegalArgumentException("The color must not be negative, but is " + color + ".");
    }
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
    @Nullable Object[] groups =
        group.meet(
            rank,
            newRank == 0 ? group.child(Arrays.stream(mine).map(group::worldRank).toArray()) : null);
    return new LocalCommunicator((Group) Objects.requireNonNull(groups[mine[0]]), newRank);
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    LocalWindow.Memory memory = null;
    if (rank == 0) {
      try {
        memory = new LocalWindow.Memory(Math.multiplyExact(wordsPerRank, (long) size()));
      } catch (ArithmeticException tooLarge) {
        memory = null;
      }
    }
    Object made = group.meet(rank, memory)[0];
    if (made == null) {
      throw new StartupException(
          StartupException.Problem.NO_WINDOW,
          "A window of %d words for each of %d ranks is too large.".formatted(wordsPerRank, size()),
          "Set mpilock.window-size lower.");
    }
    LocalWindow window = new LocalWindow((LocalWindow.Memory) made);
    group.cluster().opened(group.worldRank(rank), window);
    return window;
  }

  private Group fromFirst(@Nullable Group made) {
    return (Group) Objects.requireNonNull(group.meet(rank, made)[0]);
  }

  @Override
  public void lost(int rank) {
    throw new UnsupportedOperationException("to come");
  }

  @Override
  public Messenger messenger(Runnable arrived) {
    throw new UnsupportedOperationException("to come");
  }

  @Override
  public void leaving(boolean now) {
    group.cluster().leaving(group.worldRank(rank), now ? 1 : -1);
  }

  @Override
  public boolean isLeaving(int rank) {
    return group.cluster().isLeaving(group.worldRank(rank));
  }

  @Override
  public void abort(int status) {
    group.cluster().kill(group.worldRank(rank));
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

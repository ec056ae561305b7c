/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.mpj.Hello.Purpose;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The middle of the lifelines, in the process of rank 0: lets the ranks meet, and tells each of the
 * fate of the others. Only the {@link Reactor}'s thread uses it.
 *
 * <p>A connection that ends without a farewell is a rank that died, because the kernel closes it
 * with the process. A meeting takes place when all of its members have come, and fails for all as
 * soon as one can come no more.
 */
final class Hub implements Acceptor.Host {
  private enum Fate {
    AWAITED,
    HERE,
    LEFT,
    DIED
  }

  private static final int SELF = 0;
  private static final long ABORT_NANOS = 1_000_000_000;

  private final Reactor reactor;
  private final Consumer<LifelineMessage> toSelf;
  private final Fate[] fates;
  private final @Nullable Wire[] wires;
  private final Map<String, Meeting> meetings = new HashMap<>();
  private @Nullable String stopped;
  private boolean aborted;

  /**
   * Makes the hub.
   *
   * @param toSelf what rank 0 is told; called on the reactor's thread
   */
  Hub(int size, Reactor reactor, Consumer<LifelineMessage> toSelf) {
    this.reactor = reactor;
    this.toSelf = toSelf;
    fates = new Fate[size];
    Arrays.fill(fates, Fate.AWAITED);
    fates[SELF] = Fate.HERE;
    wires = new Wire[size];
  }

  /** The ranks that have not called yet. */
  List<Integer> awaited() {
    return IntStream.range(0, fates.length)
        .filter(rank -> fates[rank] == Fate.AWAITED)
        .boxed()
        .toList();
  }

  /** Ends the beginning for all that are here. */
  void stop(String reason) {
    if (stopped == null) {
      stopped = reason;
      tellAll(new LifelineMessage.Stop(reason));
    }
  }

  /** Whether no other rank is connected any more. */
  boolean isAlone() {
    return Arrays.stream(wires).allMatch(Objects::isNull);
  }

  @Override
  public @Nullable String refusal(Hello hello) {
    if (stopped != null) {
      return stopped;
    }
    String problem = problem(hello);
    if (problem != null) {
      // It knows the token, so it is of this job: no other rank will come in its place.
      stop(problem);
    }
    return problem;
  }

  private @Nullable String problem(Hello hello) {
    if (hello.purpose() != Purpose.LIFELINE) {
      return "Rank " + hello.rank() + " connected to rank 0 for another purpose than to join.";
    }
    if (hello.size() != fates.length) {
      return ("Rank %d was told that the job has %d ranks, but rank 0 was told that it"
              + " has %d.")
          .formatted(hello.rank(), hello.size(), fates.length);
    }
    if (hello.rank() < 0 || hello.rank() >= fates.length) {
      return "A process was told that it is rank %d of %d.".formatted(hello.rank(), fates.length);
    }
    if (hello.rank() == SELF) {
      return "Two processes were told that they are rank 0.";
    }
    return fates[hello.rank()] == Fate.AWAITED
        ? null
        : "Two processes were told that they are rank " + hello.rank() + ".";
  }

  @Override
  public void arrived(Hello hello, Wire wire) {
    int rank = hello.rank();
    fates[rank] = Fate.HERE;
    wires[rank] = wire;
    wire.become(
        LifelineMessage.LONGEST,
        new Wire.Listener() {
          @Override
          public void message(ByteBuffer message) throws IOException {
            receive(rank, LifelineMessage.decode(message));
          }

          @Override
          public void closed(Exception cause) {
            ended(rank, Fate.DIED);
          }
        });
  }

  /** Takes what a rank says. */
  void receive(int rank, LifelineMessage message) {
    switch (message) {
      case LifelineMessage.Meet meet -> meet(rank, meet);
      case LifelineMessage.CutShort told -> {
        meetings.keySet().removeIf(told::covers);
        tellAll(told); // each ends its own wait
      }
      case LifelineMessage.Abort abort -> abort(abort);
      case LifelineMessage.Bye _ -> ended(rank, Fate.LEFT);
      case LifelineMessage.Met _,
          LifelineMessage.Missed _,
          LifelineMessage.Stop _,
          LifelineMessage.Died _,
          LifelineMessage.Left _ ->
          throw new IllegalArgumentException("a rank does not send " + message);
    }
  }

  private void meet(int rank, LifelineMessage.Meet meet) {
    for (int member : meet.members()) {
      if (member < 0 || member >= fates.length) {
        throw new IllegalArgumentException("rank " + rank + " wants to meet rank " + member);
      }
    }
    Meeting meeting =
        meetings.computeIfAbsent(meet.meeting(), name -> new Meeting(name, meet.members()));
    meeting.come(rank, meet.brought());
    if (meeting.isComplete()) {
      meetings.remove(meeting.name);
      meeting.tell(new LifelineMessage.Met(meeting.name, meeting.brought));
    } else {
      failIfHopeless(meeting);
    }
  }

  /** Whoever comes later finds an empty meeting that is as hopeless. */
  private void failIfHopeless(Meeting meeting) {
    for (int rank : meeting.missing()) {
      if (fates[rank] == Fate.DIED || fates[rank] == Fate.LEFT) {
        meetings.remove(meeting.name);
        meeting.tell(new LifelineMessage.Missed(meeting.name, rank));
        return;
      }
    }
  }

  /**
   * Ends the others first: a process that ends while something unread has come for it takes what it
   * sent back from those who have not read it yet.
   */
  private void abort(LifelineMessage.Abort abort) {
    if (aborted) {
      return;
    }
    aborted = true;
    tellAll(abort);
    long start = System.nanoTime();
    reactor.ticks(() -> {
      if (isAlone() || System.nanoTime() - start > ABORT_NANOS) {
        toSelf.accept(abort);
      }
    });
  }

  private void ended(int rank, Fate fate) {
    if (fates[rank] != Fate.HERE) {
      return;
    }
    fates[rank] = fate;
    Wire wire = wires[rank];
    if (wire != null) {
      wire.close();
      wires[rank] = null;
    }
    if (aborted) {
      return;
    }
    // Before the failed meetings, so that who gets one already knows why.
    tellAll(fate == Fate.DIED ? new LifelineMessage.Died(rank) : new LifelineMessage.Left(rank));
    List.copyOf(meetings.values()).forEach(this::failIfHopeless);
  }

  private void tellAll(LifelineMessage message) {
    for (int rank = 1; rank < fates.length; rank++) {
      tell(rank, message);
    }
    if (!aborted) {
      toSelf.accept(message);
    }
  }

  private void tell(int rank, LifelineMessage message) {
    if (rank == SELF) {
      toSelf.accept(message);
      return;
    }
    Wire wire = wires[rank];
    if (wire != null) {
      wire.send(message.encode());
    }
  }

  /** Ranks on their way to meet. */
  private final class Meeting {
    private final String name;
    private final int[] members;
    private final byte[][] brought;
    private final BitSet here = new BitSet();

    Meeting(String name, int[] members) {
      this.name = name;
      this.members = members;
      brought = new byte[members.length][];
    }

    void come(int rank, byte[] bytes) {
      for (int i = 0; i < members.length; i++) {
        if (members[i] == rank) {
          brought[i] = bytes;
          here.set(i);
        }
      }
    }

    boolean isComplete() {
      return here.cardinality() == members.length;
    }

    List<Integer> missing() {
      List<Integer> missing = new ArrayList<>();
      for (int i = here.nextClearBit(0); i < members.length; i = here.nextClearBit(i + 1)) {
        missing.add(members[i]);
      }
      return missing;
    }

    /** Tells those who came; the others have not asked. */
    void tell(LifelineMessage message) {
      here.stream().forEach(i -> Hub.this.tell(members[i], message));
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A node's part of the lock, as {@link PermissionHolder.Gate} describes it: ranks that come, wait,
 * are let in, leave, give up and die. Among them writers go first, in the order in which they came;
 * with phase-fair the readers that wait when a write ends, or when the gate opens, go before it.
 *
 * <p>It does no more than it is told: a gate that was closed lets in nobody until it is opened.
 */
final class SimulatedGate implements PermissionHolder.Gate {

  /** How a rank's use of the lock stands. */
  enum State {
    WAITS,
    IN,
    LEFT,
    GAVE_UP,
    REFUSED,
    TOLD_OF_DEATH
  }

  /** One use of the lock by one rank. */
  static final class Visit {
    final int rank;
    final Permission mode;
    final boolean tries;
    State state = State.WAITS;

    /** The token that it was let in with; for the simulation. */
    long token;

    /** Whether the rank knows that it is in. */
    boolean begun;

    /** Of a try: the how many-th of its node it is. */
    long number;

    Visit(int rank, Permission mode, boolean tries) {
      this.rank = rank;
      this.mode = mode;
      this.tries = tries;
    }

    @Override
    public String toString() {
      return "rank " + rank + (tries ? " tries " : " ") + mode + " " + state;
    }
  }

  private static final int NOBODY = -1;

  private final boolean phaseFair;
  private final boolean refusesEarly;
  private final Consumer<Visit> entered;
  private final Runnable meanwhile;
  private final List<Visit> waiting = new ArrayList<>();
  private final List<Visit> in = new ArrayList<>();
  private Permission level = NONE;
  private long token;
  private long value;
  private int dead = NOBODY;
  private boolean poisoned;

  // Tries are counted: the newest, the newest that was noted, and that a question covers, and that
  // was refused.
  private long tries;
  private long noted;
  private long covered;
  private long refused;

  /**
   * Makes a closed gate.
   *
   * @param phaseFair whether waiting readers go before the next writer
   * @param refusesEarly whether a try that meets a local rank ends without a look at the permission
   * @param entered told of each that is let in
   * @param meanwhile what the ranks may do while the agent is between two calls of this gate
   */
  SimulatedGate(
      boolean phaseFair, boolean refusesEarly, Consumer<Visit> entered, Runnable meanwhile) {
    this.phaseFair = phaseFair;
    this.refusesEarly = refusesEarly;
    this.entered = entered;
    this.meanwhile = meanwhile;
  }

  // The ranks.

  void arrive(Visit visit) {
    waiting.add(visit);
    if (visit.tries) {
      visit.number = ++tries;
    }
    settle(false);
    if (refusesEarly) {
      ringTries();
    }
  }

  /** Whether a rank of the node keeps a try out. */
  private boolean meetsHere(Visit visit) {
    return in.stream().anyMatch(other -> conflict(visit, other))
        || (visit.mode == SHARED && firstWriter() != null);
  }

  void giveUp(Visit visit) {
    end(visit, State.GAVE_UP);
  }

  void leave(Visit visit) {
    in.remove(visit);
    visit.state = State.LEFT;
    settle(visit.mode == EXCLUSIVE);
  }

  /** The rank dies while it is in. */
  void die(Visit visit) {
    if (visit.mode == EXCLUSIVE) {
      dead = visit.rank;
      poisoned = true;
    }
    leave(visit);
  }

  private void end(Visit visit, State state) {
    waiting.remove(visit);
    visit.state = state;
    settle(false);
  }

  private static boolean conflict(Visit one, Visit other) {
    return one.mode == EXCLUSIVE || other.mode == EXCLUSIVE;
  }

  private @Nullable Visit firstWriter() {
    return waiting.stream().filter(visit -> visit.mode == EXCLUSIVE).findFirst().orElse(null);
  }

  /** Lets in who may go in. */
  private void settle(boolean readersFirst) {
    if (poisoned) {
      waiting.forEach(visit -> visit.state = State.TOLD_OF_DEATH);
      waiting.clear();
      return;
    }
    if (readersFirst && phaseFair) {
      admitReaders();
    }
    Visit writer = firstWriter();
    if (writer == null) {
      admitReaders();
    } else if (level == EXCLUSIVE && in.isEmpty()) {
      admit(writer);
    }
    // The node has the permission, so what these tries meet is a rank of the node.
    for (Visit visit : List.copyOf(waiting)) {
      if (visit.tries && !level.isBelow(visit.mode)) {
        end(visit, State.REFUSED); // and whoever waited behind it
        return;
      }
    }
  }

  private void admitReaders() {
    if (!level.isBelow(SHARED) && in.stream().noneMatch(visit -> visit.mode == EXCLUSIVE)) {
      List.copyOf(waiting).stream().filter(visit -> visit.mode == SHARED).forEach(this::admit);
    }
  }

  private void admit(Visit visit) {
    waiting.remove(visit);
    in.add(visit);
    visit.state = State.IN;
    if (visit.mode == EXCLUSIVE) {
      token++;
      value = count(value);
    }
    entered.accept(visit);
  }

  /** What it lets in, now. */
  Permission level() {
    return level;
  }

  List<Visit> in() {
    return in;
  }

  List<Visit> waiting() {
    return waiting;
  }

  boolean isPoisoned() {
    return poisoned;
  }

  /** Counts as each write does: so that a counter is at 0 now and then, and may be forgotten. */
  static long count(long value) {
    return (value + 1) % 3;
  }

  // The agent.

  @Override
  public Permission wanted() {
    meanwhile.run();
    return wantedNow();
  }

  Permission wantedNow() {
    return firstWriter() != null ? EXCLUSIVE : waiting.isEmpty() ? NONE : SHARED;
  }

  @Override
  public void noteTries() {
    meanwhile.run();
    noted = tries;
  }

  @Override
  public boolean isTried() {
    meanwhile.run();
    return noted > covered && waiting.stream().anyMatch(visit -> visit.tries);
  }

  @Override
  public void coverTries() {
    covered = noted;
  }

  @Override
  public void uncoverTries() {
    covered = refused;
  }

  @Override
  public void refuseTries() {
    meanwhile.run();
    refused = covered;
    for (Visit visit : List.copyOf(waiting)) {
      if (visit.tries && visit.number <= refused && visit.state == State.WAITS) {
        end(visit, State.REFUSED);
      }
    }
  }

  @Override
  public void ringTries() {
    for (Visit visit : List.copyOf(waiting)) {
      if (visit.tries && visit.state == State.WAITS && meetsHere(visit)) {
        end(visit, State.REFUSED);
      }
    }
  }

  @Override
  public boolean close(Permission limit) {
    meanwhile.run();
    if (limit.isBelow(level)) {
      level = limit;
    }
    return in.stream().noneMatch(visit -> limit.isBelow(visit.mode));
  }

  @Override
  public void open(Permission permission) {
    meanwhile.run();
    level = permission;
    settle(true);
  }

  @Override
  public long token() {
    return token;
  }

  @Override
  public void token(long newToken) {
    token = newToken;
  }

  @Override
  public long value() {
    return value;
  }

  @Override
  public void value(long newValue) {
    value = newValue;
  }

  @Override
  public int deadWriter() {
    return dead;
  }

  @Override
  public void poison(int rank) {
    poisoned = true;
    dead = rank;
    settle(false);
  }

  @Override
  public boolean hasEnded(int rank) {
    return true;
  }

  @Override
  public void clear() {
    poisoned = false;
    dead = NOBODY;
    level = NONE;
  }

  @Override
  public String toString() {
    return "level " + level + ", in " + in + ", waiting " + waiting;
  }
}

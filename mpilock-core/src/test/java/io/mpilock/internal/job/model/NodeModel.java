/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;
import static io.mpilock.internal.job.model.State.ASKING;
import static io.mpilock.internal.job.model.State.CLAIMED;
import static io.mpilock.internal.job.model.State.CLOSED;
import static io.mpilock.internal.job.model.State.COVERED;
import static io.mpilock.internal.job.model.State.DEAD;
import static io.mpilock.internal.job.model.State.DRAINING;
import static io.mpilock.internal.job.model.State.IDLE;
import static io.mpilock.internal.job.model.State.KIND;
import static io.mpilock.internal.job.model.State.MET;
import static io.mpilock.internal.job.model.State.OPEN;
import static io.mpilock.internal.job.model.State.OWNS;
import static io.mpilock.internal.job.model.State.POISONED;
import static io.mpilock.internal.job.model.State.RANKS;
import static io.mpilock.internal.job.model.State.READABLE;
import static io.mpilock.internal.job.model.State.READS;
import static io.mpilock.internal.job.model.State.REFUSED;
import static io.mpilock.internal.job.model.State.ROUNDS;
import static io.mpilock.internal.job.model.State.SECOND;
import static io.mpilock.internal.job.model.State.THROUGH;
import static io.mpilock.internal.job.model.State.TOLD;
import static io.mpilock.internal.job.model.State.TRIES;
import static io.mpilock.internal.job.model.State.WAITS_TO_READ;
import static io.mpilock.internal.job.model.State.WAITS_TO_WRITE;
import static io.mpilock.internal.job.model.State.WRITES;

import io.mpilock.internal.job.Permission;
import io.mpilock.internal.job.PermissionHolder;

/**
 * A node's part of the lock: the ranks, and the agent's gate among them. Each method does in one
 * step what NodeLock, NodeGate and Recovery do in several on the node's words; that those are as
 * good as one step is a matter of the node level. What is kept of it: who owns, who is counted in
 * pending, whom a release claims, who tells the agent, and that the agent is told of nothing else.
 */
final class NodeModel implements PermissionHolder.Gate {
  /** What the model does when something happens here. */
  interface Events {
    /** A rank is let in. */
    void enters(int node, int rank, boolean writes);

    /** The agent is about to look at the words: its ranks may be faster. */
    void meanwhile(int node);

    /** For people. */
    void trace(String what);
  }

  private final State state;
  private final int node;
  private final Setup setup;
  private final Events events;

  /** What a counter stands at that is granted, until its token is. */
  private long granted = -1;

  /** In one step of the agent: the tries that it has noted, one bit for each rank. */
  private int noted;

  NodeModel(State state, int node, Setup setup, Events events) {
    this.state = state;
    this.node = node;
    this.setup = setup;
    this.events = events;
  }

  // What the words say.

  int kind(int rank) {
    return state.kind(node, rank);
  }

  boolean is(int rank, int flag) {
    return (state.get(State.rank(node, rank)) & flag) != 0;
  }

  private int kept(int rank, int flags) {
    return state.get(State.rank(node, rank)) & flags;
  }

  private void become(int rank, int phase) {
    int index = State.rank(node, rank);
    int rounds = state.get(index + 1) & ROUNDS;
    noted &= ~(1 << rank);
    state.set(index, phase);
    state.set(index + 1, rounds);
    if (phase == THROUGH && rounds > 0) {
      state.set(index + 1, rounds - 1);
      state.set(index, IDLE);
    }
  }

  /** As a try looks at its own node while it waits. */
  boolean isRefusedHere(int rank) {
    return kind(rank) == WAITS_TO_READ
        ? !isClosedToReaders() || lookForWanted() == EXCLUSIVE
        : !isAgents() || !isUnread();
  }

  boolean isPoisoned() {
    return state.is(node, POISONED);
  }

  boolean isAgents() {
    return !isPoisoned() && state.gate(node) >= CLAIMED;
  }

  /**
   * Whether the agent has anything to do with the lock: who needs it then fails if it cannot go on.
   */
  boolean isAgentInvolved() {
    return !isPoisoned() && state.gate(node) != OPEN;
  }

  boolean isClosedToReaders() {
    return isAgents() && state.gate(node) != READABLE;
  }

  private boolean isOwnedByRank() {
    for (int rank = 0; rank < RANKS; rank++) {
      if (kind(rank) == OWNS || kind(rank) == WRITES) {
        return true;
      }
    }
    return false;
  }

  private boolean isOwned() {
    return isAgents() || isPoisoned() || isOwnedByRank();
  }

  /** Whether pending is not 0. */
  boolean isPending() {
    int gate = state.gate(node);
    return isPoisoned()
        || (gate != OPEN && gate != READABLE)
        || isOwnedByRank()
        || firstRequest() >= 0;
  }

  boolean isUnread() {
    for (int rank = 0; rank < RANKS; rank++) {
      if (kind(rank) == READS) {
        return false;
      }
    }
    return true;
  }

  private int firstRequest() {
    int first = -1;
    for (int rank = 0; rank < RANKS; rank++) {
      if (kind(rank) == WAITS_TO_WRITE && (first < 0 || !is(rank, SECOND))) {
        first = rank;
      }
    }
    return first;
  }

  void tellAgent() {
    state.set(node, TOLD, true);
  }

  private void tellAgentOwner() {
    if (isAgents()) {
      tellAgent();
    }
  }

  // The ranks.

  void askToRead(int rank, int tries) {
    if (!isPending()) {
      enterToRead(rank);
    } else if (mayWait(tries, isClosedToReaders())) {
      become(rank, WAITS_TO_READ | tries | kept(rank, MET));
      tellAgentOwner();
    } else {
      become(rank, THROUGH);
    }
  }

  void askToWrite(int rank, int tries) {
    if (!isOwned() && !isPending()) {
      own(rank, tries | kept(rank, MET));
      if (tries != 0 && kind(rank) == OWNS) {
        release(rank); // a try waits for no reader
      }
    } else if (mayWait(tries, isAgents())) {
      int second = firstRequest() < 0 ? 0 : SECOND;
      become(rank, WAITS_TO_WRITE | second | tries | kept(rank, MET));
      tellAgentOwner();
    } else {
      become(rank, THROUGH);
    }
  }

  private boolean mayWait(int tries, boolean fromAfar) {
    return !isPoisoned()
        && (tries == 0 || fromAfar)
        && !(state.is(node, State.BROKEN) && isAgentInvolved());
  }

  void enterToRead(int rank) {
    for (int other = 0; other < RANKS; other++) {
      if (!setup.phaseFair()
          && !is(other, DEAD)
          && (kind(other) == WAITS_TO_WRITE || kind(other) == OWNS || kind(other) == WRITES)) {
        throw new Violation(Violation.WRITERS_FIRST, "rank " + rank + " of node " + node);
      }
    }
    become(rank, READS | kept(rank, DEAD));
    events.enters(node, rank, false);
  }

  private void own(int rank, int kept) {
    become(rank, OWNS | kept);
    if (isUnread() && !setup.ranksDie()) {
      write(rank); // in one step, where nobody dies in between
    }
  }

  /** No reader is left. */
  void write(int rank) {
    become(rank, WRITES);
    state.token(node, state.token(node) + 1);
    events.enters(node, rank, true);
  }

  void endRead(int rank) {
    become(rank, THROUGH);
    if (state.gate(node) == DRAINING) {
      tellAgent();
    }
  }

  /** The owner's request is over. */
  void release(int rank) {
    become(rank, THROUGH);
    passOn(setup.phaseFair());
  }

  void stopWaiting(int rank) {
    boolean wrote = kind(rank) == WAITS_TO_WRITE;
    become(rank, THROUGH);
    if (wrote) {
      moveUp();
    }
    tellAgentOwner();
  }

  /** A try that is refused looks once more. */
  void endTry(int rank) {
    int kept = state.get(State.rank(node, rank));
    boolean reads = kind(rank) == WAITS_TO_READ;
    state.set(State.rank(node, rank), IDLE);
    moveUp();
    if (reads ? !isPending() : !isOwned() && !isPending()) {
      if (reads) {
        enterToRead(rank);
      } else {
        own(rank, kept & (TRIES | MET));
      }
    } else {
      become(rank, THROUGH);
    }
    tellAgentOwner();
  }

  private void moveUp() {
    int first = firstRequest();
    if (first >= 0) {
      int index = State.rank(node, first);
      state.set(index, state.get(index) & ~SECOND);
    }
  }

  /** Nobody owns; gives the lock to the first who asks. */
  private void passOn(boolean admit) {
    if (admit) {
      admitReaders();
    }
    int next = firstRequest();
    if (state.gate(node) == ASKING) {
      state.gate(node, CLAIMED);
      tellAgent();
    } else if (next >= 0) {
      int kept = state.get(State.rank(node, next)) & ~(KIND | SECOND);
      if ((kept & DEAD) == 0) {
        own(next, kept & (TRIES | MET));
      } else {
        become(next, OWNS | kept);
      }
      moveUp();
    }
  }

  private void admitReaders() {
    for (int rank = 0; rank < RANKS; rank++) {
      if (kind(rank) == WAITS_TO_READ) {
        enterToRead(rank);
      }
    }
  }

  // The dead.

  void die(int rank) {
    int index = State.rank(node, rank);
    int kind = kind(rank);
    state.set(index + 1, 0);
    state.set(index, kind == IDLE || kind == THROUGH ? THROUGH : state.get(index) | DEAD);
  }

  /** Whether there is something that a member of the node would recover. */
  boolean isToBeMended(boolean byAgent) {
    for (int rank = 0; rank < RANKS; rank++) {
      if (is(rank, DEAD) && (kind(rank) != WAITS_TO_WRITE || isClearedBy(byAgent))) {
        return true;
      }
    }
    return false;
  }

  /**
   * Requests of the dead stay while a rank owns that lives; those of the agent's node it clears.
   */
  private boolean isClearedBy(boolean byAgent) {
    return isAgents() ? byAgent && state.gate(node) != CLAIMED : !isOwned();
  }

  void recover(boolean byAgent) {
    for (int rank = 0; rank < RANKS; rank++) {
      if (is(rank, DEAD)) {
        recover(rank, byAgent);
      }
    }
  }

  private void recover(int rank, boolean byAgent) {
    switch (kind(rank)) {
      case READS -> endRead(rank);
      case WAITS_TO_READ -> stopWaiting(rank);
      case WAITS_TO_WRITE -> {
        if (isClearedBy(byAgent)) {
          clearRequest(rank);
        }
      }
      case OWNS -> release(rank);
      case WRITES -> {
        if (setup.crash() == Setup.Crash.RANK_RELEASED) {
          release(rank);
        } else {
          become(rank, THROUGH);
          poison(0);
        }
      }
      default -> {}
    }
  }

  private void clearRequest(int rank) {
    become(rank, THROUGH);
    moveUp();
  }

  // The agent. None of it waits.

  @Override
  public Permission wanted() {
    events.meanwhile(node);
    return lookForWanted();
  }

  private Permission lookForWanted() {
    Permission wanted = NONE;
    for (int rank = 0; rank < RANKS; rank++) {
      if (kind(rank) == WAITS_TO_WRITE) {
        return EXCLUSIVE;
      }
      if (kind(rank) == WAITS_TO_READ) {
        wanted = SHARED;
      }
    }
    return wanted;
  }

  private boolean waits(int rank) {
    return kind(rank) == WAITS_TO_READ || kind(rank) == WAITS_TO_WRITE;
  }

  @Override
  public void noteTries() {
    events.meanwhile(node);
    noted = 0;
    for (int rank = 0; rank < RANKS; rank++) {
      if (is(rank, TRIES) && waits(rank)) {
        noted |= 1 << rank;
      }
    }
  }

  @Override
  public boolean isTried() {
    for (int rank = 0; rank < RANKS; rank++) {
      if ((noted & 1 << rank) != 0
          && !is(rank, REFUSED)
          && (state.get(State.rank(node, rank) + 1) & COVERED) == 0) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void uncoverTries() {
    for (int rank = 0; rank < RANKS; rank++) {
      int rounds = State.rank(node, rank) + 1;
      state.set(rounds, state.get(rounds) & ROUNDS);
    }
  }

  @Override
  public void coverTries() {
    for (int rank = 0; rank < RANKS; rank++) {
      if ((noted & 1 << rank) != 0) {
        int rounds = State.rank(node, rank) + 1;
        state.set(rounds, state.get(rounds) | COVERED);
      }
    }
  }

  @Override
  public void refuseTries() {
    events.meanwhile(node);
    events.trace("node " + node + " refuses its tries");
    for (int rank = 0; rank < RANKS; rank++) {
      int index = State.rank(node, rank);
      if ((state.get(index + 1) & COVERED) != 0) {
        state.set(index + 1, state.get(index + 1) & ROUNDS);
        state.set(index, state.get(index) | REFUSED);
      }
    }
    tellAgent(); // as everybody is rung for
  }

  @Override
  public void ringTries() {
    events.meanwhile(node);
  }

  @Override
  public boolean close(Permission limit) {
    events.meanwhile(node);
    if (isPoisoned()) {
      return true;
    }
    if (state.gate(node) == OPEN) {
      if (isOwned() || isPending()) {
        state.gate(node, ASKING);
      } else {
        takeOver();
      }
    } else if (state.gate(node) == READABLE && limit == NONE) {
      state.gate(node, DRAINING);
    }
    if (state.gate(node) == CLAIMED || (state.gate(node) == ASKING && !isOwned())) {
      takeOver();
    }
    if (state.gate(node) == DRAINING) {
      if (limit == SHARED) {
        letReadersIn();
      } else if (isUnread()) {
        state.gate(node, CLOSED);
      }
    }
    int gate = state.gate(node);
    return gate == CLOSED || (gate == READABLE && limit == SHARED);
  }

  private void takeOver() {
    state.gate(node, DRAINING);
    mendAsAgent();
  }

  /** As the owner. */
  void mendAsAgent() {
    for (int rank = 0; rank < RANKS; rank++) {
      if (is(rank, DEAD) && kind(rank) == WAITS_TO_WRITE) {
        clearRequest(rank);
      }
    }
  }

  private void letReadersIn() {
    state.gate(node, READABLE);
    if (setup.phaseFair() || lookForWanted() != EXCLUSIVE) {
      admitReaders();
    }
  }

  @Override
  public void open(Permission permission) {
    if (isPoisoned()) {
      return;
    }
    events.meanwhile(node);
    int gate = state.gate(node);
    if (permission == SHARED) {
      if (gate == DRAINING || gate == CLOSED) {
        letReadersIn();
      }
      return;
    }
    state.gate(node, OPEN);
    if (gate >= CLAIMED) {
      passOn(setup.phaseFair() || lookForWanted() != EXCLUSIVE);
    }
  }

  @Override
  public long token() {
    return state.token(node);
  }

  @Override
  public void token(long token) {
    if (granted != token) {
      throw new Violation(Violation.VALUES, "node " + node + " has another at " + token);
    }
    granted = -1;
    state.token(node, (int) token);
  }

  @Override
  public long value() {
    return state.token(node); // each write adds one
  }

  @Override
  public void value(long value) {
    granted = value;
  }

  @Override
  public int deadWriter() {
    return isPoisoned() ? 0 : -1;
  }

  @Override
  public void poison(int rank) {
    events.trace("node " + node + " is poisoned");
    state.set(node, POISONED, true);
    tellAgent();
  }

  @Override
  public boolean hasEnded(int rank) {
    return true;
  }

  @Override
  public void clear() {
    events.trace("node " + node + " is poisoned no more");
    state.set(node, POISONED, false);
    state.gate(node, CLOSED);
    mendAsAgent();
    tellAgent();
  }
}

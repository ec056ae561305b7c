/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.job.Permission;
import io.mpilock.internal.job.PermissionHolder;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.node.Recovery;
import io.mpilock.internal.node.UndoRecord;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;

/**
 * A resource's gate on the words of its node: the agent as a member of the node's lock. Used by the
 * agent's thread only.
 *
 * <pre>
 *   state      the agent                                     permission of the ranks
 *   OPEN       neither owns nor asks                         EXCLUSIVE
 *   ASKING     has its request in the table                  as long as the owner holds
 *   DRAINING   owns, is counted in pending                   reads that have begun go on
 *   CLOSED     owns, is counted in pending, and has seen     NONE
 *              every holds at 0; TOKEN is stale
 *   READABLE   owns, and is not counted in pending           SHARED
 * </pre>
 */
public final class NodeGate implements PermissionHolder.Gate {
  private enum State {
    OPEN,
    ASKING,
    DRAINING,
    CLOSED,
    READABLE
  }

  private final RankContext node;
  private final NodeWindow window;
  private final NodeLock lock;
  private State state = State.CLOSED; // as the directory makes an entry
  private long request;

  /** A dead rank's request is still to be cleared. */
  private boolean unsettled;

  /** The poison has ended, though the words still say it: the requests cannot be counted yet. */
  private boolean clearing;

  /** For what the gate is to be opened once they can. */
  private Permission openTo = Permission.NONE;

  // Numbers of tries, which count up: the newest that was noted, and that a question covers.
  private long noted;
  private long covered;

  public NodeGate(RankContext node, long lockLine, String resource) {
    this.node = node;
    this.window = node.window();
    this.lock = NodeLock.ofAgent(node, lockLine, resource);
  }

  @Override
  public Permission wanted() {
    return lock.wanted();
  }

  @Override
  public void noteTries() {
    noted = window.get(lock.lockLine() + Layout.TRIES);
  }

  @Override
  public boolean isTried() {
    return noted > covered && isAnyTry();
  }

  /** Not so when all have ended; a rank that died may have left one. */
  private boolean isAnyTry() {
    return window.get(lock.lockLine() + Layout.TRIES)
        != window.get(lock.lockLine() + Layout.ENDED_TRIES);
  }

  @Override
  public void uncoverTries() {
    covered = window.get(lock.lockLine() + Layout.REFUSED);
  }

  @Override
  public void coverTries() {
    covered = noted;
  }

  @Override
  public void refuseTries() {
    window.set(lock.lockLine() + Layout.REFUSED, covered);
    lock.ringAll();
  }

  @Override
  public void ringTries() {
    lock.ringRanks();
  }

  @Override
  public boolean close(Permission limit) {
    if (clearing) {
      openTo = openTo.compareTo(limit) < 0 ? openTo : limit;
    }
    if (lock.isPoisoned() && !isCleared()) {
      return true;
    }
    switch (state) {
      case OPEN -> {
        if (lock.tryOwn()) {
          own();
        } else if (lock.mayAsk()) { // else whoever ends the earlier request tells
          request = lock.startAsking();
          state = State.ASKING;
        }
      }
      case READABLE -> {
        if (limit == Permission.NONE) {
          lock.closeToReaders();
          state = State.DRAINING;
        }
      }
      default -> {}
    }
    if (state == State.ASKING && lock.tryFinishAsking()) {
      own();
    }
    if (state == State.DRAINING) {
      if (limit == Permission.SHARED) {
        letReadersIn();
      } else if (lock.haveReadersLeft()) {
        lock.stopDraining();
        window.set(lock.lockLine() + Layout.TOKEN, token() | LockWords.STALE);
        state = State.CLOSED;
      }
    }
    return state == State.CLOSED || (state == State.READABLE && limit == Permission.SHARED);
  }

  private void own() {
    state = State.DRAINING;
    mendAsAgent(); // of those whose death was noticed while somebody else owned
  }

  private void letReadersIn() {
    lock.stopDraining();
    lock.openToReaders(lock.isPhaseFair() || lock.wanted() != Permission.EXCLUSIVE);
    state = State.READABLE;
  }

  @Override
  public void open(Permission permission) {
    if (clearing) {
      openTo = permission;
    }
    if (lock.isPoisoned() && !isCleared()) {
      return;
    }
    if (permission == Permission.SHARED) {
      if (state == State.DRAINING || state == State.CLOSED) {
        letReadersIn();
      }
      return;
    }
    switch (state) {
      case OPEN -> {}
      case ASKING -> {
        if (lock.stopAsking(request)) {
          lock.releaseOwnership();
        }
      }
      case READABLE -> passOn(false);
      default -> passOn(true);
    }
    state = State.OPEN;
    if (isAnyTry()) {
      lock.ringRanks(); // those that did not get it: the ranks' own words tell from now on
    }
  }

  private void passOn(boolean counted) {
    lock.stopDraining();
    // By name: or the gate may be closed again before they look.
    if (lock.isPhaseFair() || lock.wanted() != Permission.EXCLUSIVE) {
      lock.admitReaders();
    }
    lock.passOn(counted);
  }

  @Override
  public long token() {
    return lock.token() & ~LockWords.STALE;
  }

  @Override
  public void token(long token) {
    window.set(lock.lockLine() + Layout.TOKEN, token);
  }

  @Override
  public long value() {
    return window.get(lock.valueIndex());
  }

  @Override
  public void value(long value) {
    window.set(lock.valueIndex(), value);
  }

  @Override
  public int deadWriter() {
    return clearing ? -1 : lock.poisonedBy();
  }

  @Override
  public void poison(int rank) {
    if (clearing) { // what another one poisoned, and could not be counted before this
      clearing = false;
      window.set(lock.lockLine() + Layout.POISONED_BY, rank + 1L);
    }
    lock.poison(rank);
  }

  @Override
  public boolean hasEnded(int rank) {
    return lock.hasEnded(rank);
  }

  @Override
  public void clear() {
    clearing = lock.isPoisoned();
    openTo = Permission.NONE;
    boolean _ = isCleared();
  }

  /** Whether the words do not say any more that they are poisoned; sees to it if it can. */
  private boolean isCleared() {
    if (!clearing || !lock.ownPoisoned()) {
      unsettled |= clearing;
      return false;
    }
    clearing = false;
    state = State.CLOSED;
    boolean opens = openTo != Permission.NONE;
    window.set(lock.lockLine() + Layout.TOKEN, opens ? token() : token() | LockWords.STALE);
    if (opens) {
      open(openTo);
    }
    lock.ringRanks();
    return true;
  }

  /** The rank because of which the resource is poisoned that a rank gives free, once; or -1. */
  int takeClear() {
    long word = window.get(lock.lockLine() + Layout.CLEAR);
    if (word != 0) {
      window.set(lock.lockLine() + Layout.CLEAR, 0);
    }
    return word > 0 && word <= node.jobSize() ? (int) word - 1 : -1;
  }

  void ringAll() {
    lock.ringAll();
  }

  /** Notes how long the node's ranks have held what others wait for. */
  void noteToken() {
    lock.noteToken();
  }

  /** Recovers what dead ranks of the node left; while the agent owns nobody else does. */
  void recover() {
    mendAttention();
    unsettled = false;
    if (clearing && !isCleared()) {
      return;
    }
    if (state != State.OPEN && state != State.ASKING) {
      mendAsAgent();
    }
    lock.recover();
  }

  private void mendAsAgent() {
    unsettled =
        !new Recovery(node, lock, new UndoRecord()).mendAsAgent(state == State.READABLE ? 0 : 1);
  }

  /** Whether there is more to recover than could be by now. */
  boolean isUnsettled() {
    return unsettled;
  }

  /** A rank that died before the resource was in the inbox left a mark that it is. */
  private void mendAttention() {
    long attention = lock.lockLine() + Layout.ATTENTION;
    long teller = window.get(attention);
    if (teller != 0 && node.isGone((int) teller - 1) && !isInInbox()) {
      window.set(attention, 0);
    }
  }

  /** Only the agent takes anything out, so what stands behind the first stays. */
  private boolean isInInbox() {
    long lockLine = window.get(Layout.INBOX);
    while (lockLine != 0 && lockLine != lock.lockLine()) {
      lockLine = window.get(lockLine + Layout.NEXT);
    }
    return lockLine != 0;
  }
}

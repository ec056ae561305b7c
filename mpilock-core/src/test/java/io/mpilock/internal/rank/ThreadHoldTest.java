/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a thread holds of a resource, with another rank beside it. */
@Timeout(20)
class ThreadHoldTest {
  private static final long SECOND = 1_000_000_000;

  private final long lockLine = Layout.directory(2, 2) + Layout.LINE;
  private final Simulation simulation =
      new Simulation(1, 2, (int) lockLine + Layout.LINE + 2 * Layout.RANK_WORDS, true);
  private final List<RankContext> nodes = new ArrayList<>();
  private final List<RankLock> locks = new ArrayList<>();
  private final RankLock lock;
  private final ThreadHold mine;
  private final NodeLock theirs;

  ThreadHoldTest() {
    for (int rank = 0; rank < 2; rank++) {
      simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      nodes.add(simulation.node(rank, Simulation.settings(false, 0, false)));
      locks.add(new RankLock("orders", new RankThreads(nodes.get(rank)), lockLine));
    }
    lock = locks.get(0);
    mine = lock.hold();
    theirs = new NodeLock(nodes.get(1), lockLine, 1);
  }

  @AfterEach
  void nobodyIsLeftInterrupted() {
    Thread.interrupted();
  }

  private long state() {
    return simulation.word(lockLine + Layout.STATE);
  }

  private long reads() {
    return LockWords.holds(simulation.word(lockLine + Layout.LINE + Layout.READS));
  }

  private void assertFree() {
    assertThat(mine.isHeld()).isFalse();
    assertThat(LockWords.isFree(state())).as("state %x is free", state()).isTrue();
    assertThat(reads()).isZero();
  }

  @Test
  void readsInReadsAreOneHoldForTheOthers() {
    assertThat(mine.isReading()).isFalse();
    for (int i = 0; i < 3; i++) {
      assertThat(mine.acquireRead(lock, 0)).isTrue();
      assertThat(reads()).isEqualTo(1);
    }
    assertThat(mine.isReading()).isTrue();
    assertThat(mine.isWriting()).isFalse();
    for (int i = 0; i < 3; i++) {
      assertThat(mine.isHeld()).isTrue();
      assertThat(reads()).isEqualTo(1);
      mine.releaseRead(lock);
    }
    assertFree();
  }

  @Test
  void writesInWritesAndReadsInWritesAreOneWrite() {
    assertThat(mine.acquireWrite(lock, 0)).isTrue();
    assertThat(mine.acquireWrite(lock, 0)).isTrue();
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    assertThat(mine.isWriting()).isTrue();
    assertThat(mine.isReading()).isTrue();
    assertThat(mine.token()).isEqualTo(1);
    assertThat(reads()).isZero();
    mine.releaseRead(lock);
    mine.releaseWrite(lock);
    assertThat(mine.isWriting()).isTrue();
    assertThat(LockWords.owner(state())).isEqualTo(1);
    mine.releaseWrite(lock);
    assertFree();
    assertThat(mine.acquireWrite(lock, 0)).isTrue();
    assertThat(mine.token()).isEqualTo(2);
  }

  @Test
  void theWriteIsGivenUpBeforeTheReadThatWasTakenInIt() {
    assertThat(mine.acquireWrite(lock, 0)).isTrue();
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    mine.releaseWrite(lock);
    assertThat(mine.isHeld()).isTrue();
    assertThat(mine.isWriting()).isFalse();
    assertThat(reads()).isEqualTo(1);
    assertThat(theirs.tryRead()).isTrue();
    theirs.releaseRead();
    mine.releaseRead(lock);
    assertFree();
  }

  @Test
  void aReadCarriesTheTokenOfTheLastWrite() {
    assertThat(theirs.tryOwn()).isTrue();
    theirs.beginWrite();
    theirs.releaseOwnership();
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    assertThat(mine.token()).isEqualTo(1);
  }

  @Test
  void aTryMeetsAWriterOrAReaderAndHoldsNothing() {
    assertThat(theirs.tryOwn()).isTrue();
    assertThat(mine.acquireRead(lock, 0)).isFalse();
    assertThat(mine.acquireWrite(lock, 0)).isFalse();
    assertThat(mine.waited()).isFalse();
    theirs.releaseOwnership();
    assertFree();
    assertThat(theirs.tryRead()).isTrue();
    assertThat(mine.acquireWrite(lock, 0)).isFalse();
    assertFree();
    assertThat(mine.acquireRead(lock, 0)).isTrue();
  }

  @Test
  void aWriteInAReadIsRefused() {
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    assertThatThrownBy(() -> mine.acquireWrite(lock, 0))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("of rank 0 asks for the write of resource 'orders'")
        .hasMessageContaining("ReadLease.upgrade()");
    assertThat(reads()).isEqualTo(1);
    mine.releaseRead(lock);
    assertFree();
  }

  @Test
  void onlyASingleReadIsUpgraded() {
    assertThatThrownBy(() -> mine.checkSoleRead(lock))
        .hasMessageContaining("0 read(s) and 0 write(s)");
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    mine.checkSoleRead(lock);
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    assertThatThrownBy(() -> mine.checkSoleRead(lock))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("2 read(s) and 0 write(s)");
    mine.releaseRead(lock);
    mine.releaseRead(lock);
    assertThat(mine.acquireWrite(lock, 0)).isTrue();
    assertThat(mine.acquireRead(lock, 0)).isTrue();
    assertThatThrownBy(() -> mine.checkSoleRead(lock))
        .hasMessageContaining("1 read(s) and 1 write(s)");
  }

  @Test
  void aHoldBelongsToItsThread() throws Exception {
    mine.checkOwner(lock, "close()");
    ThreadHold[] others = new ThreadHold[1];
    Thread thread = new Thread(() -> others[0] = locks.get(0).hold(), "other");
    thread.start();
    thread.join();
    assertThat(others[0]).isNotSameAs(mine);
    assertThat(locks.get(0).hold()).isSameAs(mine);
    assertThatThrownBy(() -> others[0].checkOwner(lock, "close()"))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("called close() on a lease of resource 'orders'")
        .hasMessageContaining("belongs to thread 'other' of rank 0");
  }

  @Test
  void whenAnObservedHoldBeganIsKeptOnceAndNeverZero() {
    mine.since(true, 0);
    mine.since(false, 6);
    assertThat(mine.readSince()).isEqualTo(1);
    assertThat(mine.writeSince()).isEqualTo(7);
    assertThat(mine.takeReadSince()).isEqualTo(1);
    assertThat(mine.takeWriteSince()).isEqualTo(7);
    assertThat(mine.readSince()).isZero();
    assertThat(mine.writeSince()).isZero();
    mine.since(false, 5);
    assertThat(mine.readSince()).isZero();
    assertThat(mine.writeSince()).isEqualTo(5);
  }

  @Test
  void afterTheCloseNothingIsGranted() {
    nodes.get(0).markClosed();
    assertThatThrownBy(() -> mine.acquireRead(lock, 0))
        .isInstanceOf(ControllerClosedException.class);
    assertFree();
    assertThatThrownBy(() -> mine.acquireWrite(lock, 0))
        .isInstanceOf(ControllerClosedException.class);
    assertFree();
    assertThat(theirs.tryOwn()).isTrue();
    assertThatThrownBy(() -> mine.acquireRead(lock, 0))
        .isInstanceOf(ControllerClosedException.class);
    assertThatThrownBy(() -> mine.acquireWrite(lock, SECOND))
        .isInstanceOf(ControllerClosedException.class);
    assertThat(mine.isHeld()).isFalse();
    assertThatThrownBy(() -> locks.get(0).optimisticStamp())
        .isInstanceOf(ControllerClosedException.class);
    assertThatThrownBy(() -> locks.get(0).validate(0))
        .isInstanceOf(ControllerClosedException.class);
  }

  @Test
  void anInterruptedWaitHoldsNothingAndSaysSo() {
    assertThat(theirs.tryOwn()).isTrue();
    for (boolean read : new boolean[] {true, false}) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> wait(read))
          .isInstanceOf(LockInterruptedException.class)
          .hasMessageContaining("of rank 0 was interrupted while it waited for the")
          .hasMessageContaining((read ? "read" : "write") + " of resource 'orders'");
      assertThat(Thread.interrupted()).as("stays interrupted").isTrue();
      assertThat(mine.waited()).isTrue();
    }
    theirs.releaseOwnership();
    assertFree();
    assertThat(theirs.tryRead()).isTrue();
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> wait(false)).isInstanceOf(LockInterruptedException.class);
    assertThat(mine.waited()).isTrue();
    assertFree();
    Thread.interrupted();
    assertThat(mine.acquireRead(lock, SECOND)).isTrue();
    assertThat(mine.waited()).as("of an earlier request").isFalse();
  }

  private boolean wait(boolean read) {
    return read
        ? mine.acquireRead(lock, ThreadHold.FOREVER)
        : mine.acquireWrite(lock, ThreadHold.FOREVER);
  }

  /** Time passes in the simulation when everybody sleeps. */
  @Test
  void aTimedWaitGivesUpInTimeAndHoldsNothing() throws Exception {
    List<Boolean> granted = new ArrayList<>();
    simulation.actor(
        0,
        "waits",
        () -> {
          ThreadHold hold = locks.get(0).hold();
          assertThat(theirs.tryOwn()).isTrue();
          granted.add(hold.acquireRead(lock, 3 * SECOND));
          granted.add(hold.acquireWrite(lock, 3 * SECOND));
          theirs.releaseOwnership();
          assertThat(theirs.tryRead()).isTrue();
          granted.add(hold.acquireWrite(lock, 3 * SECOND));
          theirs.releaseRead();
          assertThat(hold.isHeld()).isFalse();
          assertThat(hold.waited()).isTrue();
        });
    simulation.run();
    assertThat(granted).containsExactly(false, false, false);
    assertThat(simulation.clock() / SECOND).isEqualTo(9);
    assertFree();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.ScriptedNode;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.testing.Silent;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.local.LocalCluster;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a rank tells of a resource, and what its calls do when the window or a rank is gone. */
@Timeout(20)
@ExtendWith(Silent.class)
class RankLockTest {
  private final long lockLine = Layout.directory(2, 2) + Layout.LINE;
  private final Simulation simulation =
      new Simulation(1, 2, (int) lockLine + Layout.LINE + 2 * Layout.RANK_WORDS, false);
  private final ScriptedNode scripted = new ScriptedNode(simulation);
  private final RankContext node = scripted.node(0);
  private final RankLock lock = new RankLock("orders", new RankThreads(node), lockLine);
  private final NodeLock theirs = new NodeLock(scripted.node(1), lockLine, 1);

  RankLockTest() {
    simulation.word(Layout.slot(0) + Layout.LIFE, RankContext.OPEN);
    simulation.word(Layout.slot(1) + Layout.LIFE, RankContext.OPEN);
  }

  private String told(String text) {
    return text.replaceAll("\\(id \\d+\\)", "(id)").replaceAll("since [0-9T:.Z-]+", "since then");
  }

  @Test
  void itTellsItsNameAndWhoHolds() {
    assertThat(lock.name()).isEqualTo("orders");
    assertThat(lock.lockLine()).isEqualTo(lockLine);
    assertThat(lock).hasToString("resource 'orders': Nobody holds it now.");
    assertThat(lock.heldHere()).isNull();
    assertThat(lock.isAskedHere()).isFalse();
    assertThat(lock.hold().acquireWrite(lock, 0)).isTrue();
    String thread = "thread '" + Thread.currentThread().getName() + "' (id)";
    assertThat(told(lock.describe()))
        .isEqualTo("Held by rank 0 (host host0, pid 1), " + thread + ", write with token 1.");
    assertThat(told(String.valueOf(lock.heldHere()))).isEqualTo(thread + ", write with token 1");
    node.markClosed();
    assertThat(lock).hasToString("resource 'orders': closed.");
  }

  @Test
  void aRequestInTheTableIsTold() {
    simulation.word(
        lockLine + Layout.LINE + Layout.REQUEST, LockWords.request(1, LockWords.WAITING));
    assertThat(lock.isAskedHere()).isTrue();
  }

  @Test
  void aWriteThatWasWaitedForTellsSinceWhenAndTheNextOneDoesNot() {
    ThreadHold mine = lock.hold();
    lock.noteWriter(mine, true);
    long since = lockLine + Layout.LINE + Layout.WRITER_SINCE;
    assertThat(simulation.word(since)).isGreaterThan(1_600_000_000_000L);
    lock.noteWriter(mine, false);
    assertThat(simulation.word(since)).isZero();
    simulation.word(since, 5);
    lock.noteWriter(mine, false); // stands there already
    assertThat(simulation.word(since)).isEqualTo(5);
    ThreadHold other = new ThreadHold(new Thread(() -> {}, "other"), lock.lockLine());
    lock.noteWriter(other, false);
    assertThat(simulation.word(since)).isZero();
    assertThat(ThreadId.name(node.window(), lockLine + Layout.LINE + Layout.WRITER_THREAD))
        .isEqualTo("other");
  }

  @Test
  void theLastReaderIsNamed() {
    lock.noteReader(lock.hold());
    lock.noteReader(new ThreadHold(new Thread(() -> {}, "other"), lock.lockLine()));
    long word = lockLine + Layout.LINE + Layout.READER;
    assertThat(ThreadId.name(node.window(), word)).isEqualTo("other");
    simulation.word(word, 0);
    lock.noteReader(lock.hold());
    assertThat(simulation.word(word)).isEqualTo(Thread.currentThread().threadId());
  }

  @Test
  void aThreadHasOneHoldWhoeverWasTheLastOne() {
    ThreadHold mine = lock.hold();
    ThreadHold other = new ThreadHold(new Thread(() -> {}, "other"), lock.lockLine());
    lock.noteReader(mine);
    assertThat(lock.hold()).isSameAs(mine);
    lock.noteWriter(mine, false);
    assertThat(lock.hold()).isSameAs(mine);
    lock.noteReader(other);
    assertThat(lock.hold()).isSameAs(mine);
    lock.noteWriter(other, false);
    assertThat(lock.hold()).isSameAs(mine);
  }

  @Test
  void anOptimisticReadIsValidUntilTheNextWrite() {
    long stamp = lock.optimisticStamp();
    assertThat(stamp).isZero();
    assertThat(lock.validate(stamp)).isTrue();
    assertThat(theirs.tryOwn()).isTrue();
    assertThat(lock.optimisticStamp()).isEqualTo(-1);
    assertThat(lock.validate(stamp)).as("it has not begun to write").isTrue();
    theirs.beginWrite();
    assertThat(lock.validate(stamp)).isFalse();
    theirs.releaseOwnership();
    assertThat(lock.optimisticStamp()).isEqualTo(1);
  }

  @Test
  void aLoopOfTriesFindsOutThatAWriterDied() {
    assertThat(theirs.tryOwn()).isTrue();
    theirs.beginWrite();
    simulation.kill(1);
    assertThat(lock.hold().acquireRead(lock, 0)).isFalse();
    scripted.pass(250_000_000 - 1);
    assertThat(lock.hold().acquireWrite(lock, 0)).isFalse();
    scripted.pass(1);
    assertThatThrownBy(() -> lock.hold().acquireRead(lock, 0))
        .isInstanceOf(RankFailedException.class)
        .hasMessageContaining("rank 1")
        .hasMessageContaining("mpilock.on-holder-death=release");
    assertThatThrownBy(lock::optimisticStamp).isInstanceOf(RankFailedException.class);
    assertThatThrownBy(lock::checkUsable).isInstanceOf(RankFailedException.class);
  }

  @Test
  void aWaitFindsOutThatAWriterDied() {
    for (boolean read : new boolean[] {true, false}) {
      assertThat(theirs.tryOwn() || !read).isTrue();
      theirs.beginWrite();
      simulation.kill(1);
      long start = scripted.now();
      ThreadHold hold = lock.hold();
      assertThatThrownBy(
              () -> {
                if (read) {
                  hold.acquireRead(lock, ThreadHold.FOREVER);
                } else {
                  hold.acquireWrite(lock, ThreadHold.FOREVER);
                }
              })
          .isInstanceOf(RankFailedException.class);
      assertThat(scripted.now() - start).isLessThan(400_000_000);
    }
  }

  @Test
  void aLongWaitTellsWhoWaitsForWhatAndWhoHoldsIt() {
    assertThat(theirs.tryOwn()).isTrue();
    assertThat(lock.hold().acquireRead(lock, 3_000_000_000L)).isFalse();
    assertThat(lock.hold().acquireWrite(lock, 3_000_000_000L)).isFalse();
    String thread = Thread.currentThread().getName();
    assertThat(scripted.stalls).hasSize(2);
    assertThat(told(scripted.stalls.get(0)))
        .startsWith(
            "orders: Thread '"
                + thread
                + "' of rank 0 (host host0, pid 1) has waited 2.0 s for the read of resource"
                + " 'orders'. No other write was granted for at least 1.7 s. Held by rank 1")
        .endsWith("; waiting: rank 0 (1 reader, thread '" + thread + "' (id) since then).");
    assertThat(simulation.word(lockLine + Layout.LINE + Layout.WAITING_READER))
        .as("it does not wait any more")
        .isZero();
    assertThat(told(scripted.stalls.get(1)))
        .contains("has waited 2.0 s for the write of resource 'orders'.")
        .endsWith("; waiting: rank 0 (write, thread '" + thread + "' (id) since then).");
  }

  @Test
  void aWindowThatIsGoneIsToldAsSuch() {
    NodeWindow freed =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (proxy, method, arguments) -> {
                  throw new IllegalStateException("freed");
                });
    RankContext without =
        new RankContext(
            new LocalCluster(1).world(0),
            freed,
            node.settings(),
            new RankContext.Pace(0, 0, scripted::now));
    RankLock gone = new RankLock("orders", new RankThreads(without), lockLine);
    assertThatThrownBy(() -> gone.hold().acquireRead(gone, 0))
        .isInstanceOf(MpilockException.class)
        .hasMessageContaining("MPI was finalised before the controller was closed");
    assertThatThrownBy(() -> gone.hold().acquireWrite(gone, 0))
        .isInstanceOf(MpilockException.class);
    assertThatThrownBy(gone::optimisticStamp).isInstanceOf(MpilockException.class);
    assertThatThrownBy(() -> gone.validate(0)).isInstanceOf(MpilockException.class);
    IllegalStateException refused = new IllegalStateException("freed");
    assertThatThrownBy(() -> gone.swallowIfClosed(refused)).isSameAs(refused);
    without.markClosed();
    gone.swallowIfClosed(refused);
    assertThatThrownBy(() -> gone.hold().acquireRead(gone, 0))
        .isInstanceOf(ControllerClosedException.class);
    assertThat(gone.unusable(refused)).isInstanceOf(ControllerClosedException.class);
  }

  @Test
  void aThreadThatIsForgottenBeginsAnew() {
    ThreadHold hold = lock.hold();
    assertThat(lock.hold()).isSameAs(hold);
    lock.threads().holds().forget();
    assertThat(lock.hold()).isNotSameAs(hold);
  }

  @Test
  void aFullWindowSaysHowLargeItIs() {
    assertThat(RankLock.full("orders", 1 << 17))
        .hasMessageContaining("no room for resource 'orders' in the window of 1048576 bytes");
  }

  @Test
  void aThreadWaitsForItsTurnBehindAnotherOfItsRank() {
    assertThat(theirs.tryOwn()).isTrue();
    List<Object> seen = new ArrayList<>();
    scripted.meanwhile(() -> seen.add(resultOf(() -> acquireWrite(60_000_000))));
    scripted.meanwhile(() -> {});
    scripted.meanwhile(() ->
        seen.add(
            resultOf(() -> {
              Thread.currentThread().interrupt();
              return acquireWrite(60_000_000);
            })));
    scripted.meanwhile(theirs::releaseOwnership);
    assertThat(acquireWrite(ThreadHold.FOREVER)).isTrue();
    assertThat(seen.getFirst()).isEqualTo(false);
    assertThat(seen.getLast())
        .isInstanceOf(LockInterruptedException.class)
        .asString()
        .contains("was interrupted while it waited for the write of resource 'orders'");
    assertThat(simulation.word(lockLine + Layout.STATE) >>> 16 & 0xFFFF)
        .as("pending")
        .isLessThan(2);
  }

  @Test
  void withoutTheOtherNodesNothingIsAskedOfThem() {
    Simulation several =
        new Simulation(1, 1, 1, (int) lockLine + Layout.LINE + 2 * Layout.RANK_WORDS, false);
    several.word(Layout.slot(0) + Layout.LIFE, RankContext.OPEN);
    several.word(Layout.slot(1) + Layout.LIFE, RankContext.OPEN);
    ScriptedNode desk = new ScriptedNode(several);
    RankLock far = new RankLock("orders", new RankThreads(desk.node(0)), lockLine);
    several.word(Layout.BROKEN, 1 + 1);
    assertThat(far.describe()).isEqualTo("On node 0: Nobody holds it now.");
    assertThat(far.hold().acquireWrite(far, 0)).as("the node still has it").isTrue();
    far.hold().releaseWrite(far);
    several.word(lockLine + Layout.STATE, 1 << 16 | 2); // the agent's
    for (long nanos : new long[] {0, ThreadHold.FOREVER}) {
      for (boolean read : new boolean[] {true, false}) {
        assertThatThrownBy(
                () -> {
                  boolean _ =
                      read
                          ? far.hold().acquireRead(far, nanos)
                          : far.hold().acquireWrite(far, nanos);
                })
            .isInstanceOf(RankFailedException.class)
            .hasMessageContaining("no lock can be requested across nodes any more");
      }
    }
    assertThatThrownBy(far::optimisticStamp).isInstanceOf(RankFailedException.class);
    assertThat(desk.now()).as("nobody waited").isEqualTo(1_000_000_000);
  }

  /**
   * The agent may grant what a try needs at any moment, also between two looks of that try: nobody
   * is in its way then, and it must not be refused.
   */
  @ParameterizedTest
  @ValueSource(strings = {"read", "write", "optimistic read"})
  void aTryIsNotRefusedWhereverTheAgentGrantsIt(String mode) {
    for (int access = 0; access < 60; access++) {
      Simulation several =
          new Simulation(1, 1, 1, (int) lockLine + Layout.LINE + 2 * Layout.RANK_WORDS, false);
      several.word(Layout.slot(0) + Layout.LIFE, RankContext.OPEN);
      several.word(Layout.slot(1) + Layout.LIFE, RankContext.OPEN);
      several.word(lockLine + Layout.STATE, 1 << 16 | 2); // the agent's
      ScriptedNode desk = new ScriptedNode(several);
      RankLock far = new RankLock("orders", new RankThreads(desk.node(0)), lockLine);
      ThreadHold hold = far.hold();
      NodeLock agent = new NodeLock(desk.node(0), lockLine, 1);
      desk.beforeAccess(
          access,
          () -> {
            if (mode.equals("write")) {
              agent.releaseOwnership();
            } else {
              several.word(lockLine + Layout.STATE, 2); // readers may enter
              agent.admitReaders();
            }
          });
      boolean granted =
          switch (mode) {
            case "read" -> hold.acquireRead(far, 0);
            case "write" -> hold.acquireWrite(far, 0);
            default -> far.optimisticStamp() >= 0;
          };
      assertThat(granted).as("granted before access %d", access).isTrue();
    }
  }

  /** Whoever has met the poison is told, also if it ends between two looks; nobody gets nothing. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRequestWithoutAnEndIsGrantedOrToldWhereverThePoisonEnds(boolean reads) {
    int told = 0;
    int granted = 0;
    for (int access = 0; access < 80; access++) {
      Simulation one =
          new Simulation(1, 2, (int) lockLine + Layout.LINE + 2 * Layout.RANK_WORDS, false);
      one.word(Layout.slot(0) + Layout.LIFE, RankContext.OPEN);
      one.word(Layout.slot(1) + Layout.LIFE, RankContext.OPEN);
      ScriptedNode desk = new ScriptedNode(one);
      RankLock mine = new RankLock("orders", new RankThreads(desk.node(0)), lockLine);
      NodeLock other = new NodeLock(one.node(1, Simulation.settings(false, 0, false)), lockLine, 1);
      other.poison(1);
      desk.beforeAccess(
          access,
          () -> {
            boolean _ = other.clearPoison(1); // not while the request is about to be made
          });
      ThreadHold hold = mine.hold();
      try {
        assertThat(
                reads
                    ? hold.acquireRead(mine, ThreadHold.FOREVER)
                    : hold.acquireWrite(mine, ThreadHold.FOREVER))
            .as("cleared before access %d", access)
            .isTrue();
        granted++;
      } catch (RankFailedException e) {
        assertThat(e.rank()).isEqualTo(1);
        told++;
      }
    }
    assertThat(granted).isPositive();
    assertThat(told).isPositive();
  }

  @Test
  void aLateClearEndsNoOtherPoison() {
    theirs.poison(1);
    assertThat(new NodeLock(node, lockLine, 0).clearPoison(0)).isTrue();
    assertThat(theirs.poisonedBy()).as("another one's").isEqualTo(1);
    assertThat(lock.clearPoison(0)).isEqualTo(-1);
    assertThat(theirs.poisonedBy()).isEqualTo(1);
  }

  private boolean acquireWrite(long nanos) {
    return lock.hold().acquireWrite(lock, nanos);
  }

  /** What a call gives, or throws, in a thread of its own. */
  private Object resultOf(Callable<Object> call) {
    CompletableFuture<Object> result = new CompletableFuture<>();
    Thread thread =
        new Thread(() -> {
          try {
            result.complete(call.call());
          } catch (Exception e) {
            result.complete(e);
          }
        });
    thread.start();
    while (!result.isDone()) {
      scripted.pass(1_000_000); // a wait for the own rank's turn lasts as long as it really does
      LockSupport.parkNanos(1_000_000);
    }
    return result.join();
  }
}

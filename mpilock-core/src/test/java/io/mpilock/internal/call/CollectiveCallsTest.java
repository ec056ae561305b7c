/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static io.mpilock.internal.job.Verdict.CLOSE;
import static io.mpilock.internal.job.Verdict.DIED;
import static io.mpilock.internal.job.Verdict.DIFFER;
import static io.mpilock.internal.job.Verdict.GO;
import static io.mpilock.internal.job.Verdict.GONE_ON;
import static io.mpilock.internal.job.Verdict.INTERRUPTED;
import static io.mpilock.internal.job.Verdict.LEFT;
import static io.mpilock.internal.job.Verdict.REFUSED;
import static io.mpilock.internal.job.Verdict.SINGLE_WRITE;
import static io.mpilock.internal.job.Verdict.TIMED_OUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.ScriptedNode;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What rank 0 makes of each thing that rank 1, or the agent, may have written into the words of the
 * collective calls, and what it writes itself.
 */
@Timeout(20)
class CollectiveCallsTest {
  private static final int HOLDS_READ = 1;
  private static final int HOLDS_WRITE = 2;
  private static final int NO_SUCH_RANK = 3;
  private static final int ARRIVED = 1;
  private static final int SEEN = 2;
  private static final long SECOND = 1_000_000_000;

  private final Logger logger = Logger.getLogger("io.mpilock");
  private final List<String> logged = new ArrayList<>();
  private final Handler recorder =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          logged.add(entry.getLevel() + " " + entry.getParameters()[0]);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };
  private final List<String> outcomes = new ArrayList<>();

  @BeforeEach
  void listen() {
    logger.setUseParentHandlers(false);
    logger.addHandler(recorder);
  }

  @AfterEach
  void listenNoMore() {
    logger.removeHandler(recorder);
    logger.setUseParentHandlers(true);
    assertThat(Thread.interrupted()).isFalse();
  }

  /** Two ranks of a node, and perhaps two more elsewhere, which makes an agent. */
  private final class Desk {
    final int members;
    final long lockLine;
    final long otherHome;
    final ScriptedNode scripted;
    final Simulation words;
    final RankContext node;
    final CollectiveCalls collectives;
    final RankLock lock;

    Desk(int elsewhere) {
      members = elsewhere == 0 ? 2 : 3;
      lockLine = Layout.directory(members, 2 + elsewhere) + Layout.LINE;
      otherHome = lockLine + Layout.LINE + (long) members * Layout.RANK_WORDS;
      words =
          new Simulation(1, 2, elsewhere, (int) (2 * otherHome - lockLine) + Layout.LINE, false);
      scripted = new ScriptedNode(words);
      node = scripted.node(0);
      for (int member = 0; member < members; member++) {
        life(member, RankContext.OPEN);
      }
      collectives = new CollectiveCalls(node, line -> line == lockLine ? "'orders'" : "'others'");
      lock = new RankLock("orders", new RankThreads(node), lockLine);
    }

    void life(int member, long life) {
      words.word(Layout.slot(member) + Layout.LIFE, life);
    }

    void arrives(long call, long kind, int writer, long resource, long refusal) {
      long slot = Layout.callSlot(1, call);
      words.word(slot + Layout.KIND, kind);
      words.word(slot + Layout.WRITER, writer);
      words.word(slot + Layout.RESOURCE, resource);
      words.word(slot + Layout.REFUSAL, refusal);
      marks(call, ARRIVED);
    }

    void agrees(long call, int writer) {
      arrives(call, SINGLE_WRITE, writer, lockLine, 0);
    }

    void marks(long call, int mark) {
      words.word(Layout.callSlot(1, call) + Layout.CALL, call << 8 | mark);
    }

    void decides(long call, int code, int rank) {
      words.word(Layout.decision(call), CallSlots.decision(call, code, rank));
    }

    void assertDecided(long call, int code, int rank) {
      assertThat(words.word(Layout.decision(call))).isEqualTo(CallSlots.decision(call, code, rank));
    }

    void assertProposed(long call, int code, int rank) {
      assertThat(words.word(Layout.proposal(call))).isEqualTo(CallSlots.decision(call, code, rank));
    }

    long mark(long call) {
      return words.word(Layout.callSlot(0, call) + Layout.CALL);
    }

    SingleWriteCall singleWrite(int writer, long nanos) {
      return collectives.singleWrite(lock, writer, nanos, CollectiveCallsTest.this::ended);
    }

    SingleWriteCall singleWrite(int writer) {
      return singleWrite(writer, Waiter.FOREVER);
    }

    /** A call that fails in the same way for all, and leaves rank 0 ready for the next. */
    org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertMismatch(
        int writer) {
      var failure =
          assertThatThrownBy(() -> singleWrite(writer))
              .isInstanceOf(CollectiveMismatchException.class);
      assertThat(collectives.isBusy()).isFalse();
      assertThat(mark(1)).isEqualTo(1 << 8 | SEEN);
      assertThat(outcomes).hasSize(1);
      return failure;
    }
  }

  private void ended(boolean writer, long nanos, long bytes, @Nullable Throwable failure) {
    outcomes.add(
        "%s %d %d %s"
            .formatted(
                writer, nanos, bytes, failure == null ? "" : failure.getClass().getSimpleName()));
  }

  @Nested
  class OnOneNode {
    private final Desk desk = new Desk(0);

    @Test
    void theWriterDecidesWhenAllCallTheSame() {
      desk.scripted.sleeps(1);
      desk.scripted.meanwhile(() -> desk.agrees(1, 0));
      SingleWriteCall section = desk.singleWrite(0);
      assertThat(section.isWriter()).isTrue();
      desk.assertDecided(1, GO, 0);
      assertThat(desk.mark(1)).isEqualTo(1 << 8 | SEEN);
      assertThat(desk.collectives.isBusy()).isTrue();
      assertThat(desk.collectives.isMine()).isTrue();
      assertThat(desk.lock.hold().isWriting()).isTrue();
      desk.scripted.pass(7);
      section.share(new byte[] {1, 2, 3});
      section.close();
      assertThat(outcomes).containsExactly("true " + (desk.scripted.now() - SECOND) + " 3 ");
      assertThat(desk.collectives.isBusy()).isFalse();
      assertThat(desk.lock.hold().isWriting()).isFalse();
    }

    @Test
    void whatIsCalledStandsInTheSlotBeforeItsMark() {
      desk.scripted.meanwhile(() -> {
        long slot = Layout.callSlot(0, 1);
        assertThat(desk.mark(1)).isEqualTo(1 << 8 | ARRIVED);
        assertThat(desk.words.word(slot + Layout.KIND)).isEqualTo(SINGLE_WRITE);
        assertThat(desk.words.word(slot + Layout.WRITER)).isEqualTo(1);
        assertThat(desk.words.word(slot + Layout.RESOURCE)).isEqualTo(desk.lockLine);
        assertThat(desk.words.word(slot + Layout.REFUSAL)).isZero();
        desk.agrees(1, 1);
      });
      desk.scripted.sleeps(1);
      desk.scripted.meanwhile(() -> desk.decides(1, GO, 1));
      SingleWriteCall section = desk.singleWrite(1);
      assertThat(section.isWriter()).isFalse();
      assertThat(desk.scripted.isPlayed()).as("only the writer says that they go").isTrue();
    }

    @Test
    void anotherWriterIsToldToAll() {
      desk.agrees(1, 1);
      desk.assertMismatch(0)
          .hasMessageContaining("Collective call 1 failed, since the ranks disagree:")
          .hasMessageContaining("rank 0 called singleWrite('orders', writer 0);")
          .hasMessageContaining("rank 1 called singleWrite('orders', writer 1). Every rank");
      desk.assertDecided(1, DIFFER, 1);
    }

    @Test
    void anotherResourceIsToldToAll() {
      desk.arrives(1, SINGLE_WRITE, 0, desk.otherHome, 0);
      desk.assertMismatch(0).hasMessageContaining("rank 1 called singleWrite('others', writer 0)");
      desk.assertDecided(1, DIFFER, 1);
    }

    @ParameterizedTest
    @CsvSource({
      HOLDS_READ + ", ' while holding a read of it'",
      HOLDS_WRITE + ", ' while holding its write'",
      NO_SUCH_RANK + ", ', which is no rank'"
    })
    void aRefusalIsToldToAll(int refusal, String words) {
      desk.arrives(1, SINGLE_WRITE, 0, desk.lockLine, refusal);
      desk.assertMismatch(0)
          .hasMessageContaining("since rank 1 refused it")
          .hasMessageContaining("rank 1 called singleWrite('orders', writer 0)" + words + ".");
      desk.assertDecided(1, REFUSED, 1);
    }

    @Test
    void aCloseInTheSameCallIsToldToAll() {
      desk.arrives(1, CLOSE, -1, 0, 0);
      desk.assertMismatch(0)
          .hasMessageContaining("since rank 1 is closing")
          .hasMessageContaining("rank 1 called close.");
      desk.assertDecided(1, LEFT, 1);
    }

    @ParameterizedTest
    @CsvSource({RankContext.CLOSING + "", RankContext.LEFT + "", RankContext.LEFT_HOLDING + ""})
    void aRankThatClosesIsNotWaitedFor(long life) {
      desk.scripted.meanwhile(() -> desk.life(1, life));
      desk.assertMismatch(0)
          .hasMessageContaining("since rank 1 is closing")
          .hasMessageContaining("rank 1 called close.");
      desk.assertDecided(1, LEFT, 1);
    }

    @Test
    void aRankThatDiedIsNotWaitedFor() {
      desk.scripted.meanwhile(() -> desk.words.kill(1));
      assertThatThrownBy(() -> desk.singleWrite(0))
          .isInstanceOfSatisfying(RankFailedException.class, e -> assertThat(e.rank()).isEqualTo(1))
          .hasMessageContaining("since rank 1 died")
          .hasMessageContaining("rank 1 died.");
      desk.assertDecided(1, DIED, 1);
      assertThat(desk.scripted.now()).isLessThan(2 * SECOND);
      assertThat(outcomes)
          .containsExactly("true " + (desk.scripted.now() - SECOND) + " 0 RankFailedException");
    }

    @Test
    void aRankThatIsAheadHasGivenThisCallUp() {
      desk.marks(3, ARRIVED);
      desk.assertMismatch(0)
          .hasMessageContaining("since other ranks gave it up and went on")
          .hasMessageContaining("rank 1 gave up and went on.");
      desk.assertDecided(1, GONE_ON, 1);
    }

    @Test
    void aDecisionOfALaterCallMeansThatThisOneFailed() {
      desk.scripted.meanwhile(() -> desk.decides(3, GO, 1));
      desk.assertMismatch(0).hasMessageContaining("other ranks gave it up and went on");
    }

    @Test
    void whoWaitsTooLongTellsTheOthers() {
      assertThatThrownBy(() -> desk.singleWrite(0, SECOND))
          .isInstanceOf(LockTimeoutException.class)
          .hasMessageContaining("since rank 0 had waited for its time-out")
          .hasMessageContaining("rank 1 has called nothing.");
      desk.assertDecided(1, TIMED_OUT, 0);
      assertThat(desk.mark(1)).isEqualTo(1 << 8 | SEEN);
      assertThat(desk.scripted.now()).isEqualTo(2 * SECOND);
      assertThat(outcomes).containsExactly("true " + SECOND + " 0 LockTimeoutException");
    }

    @Test
    void theTimeOutOfAnotherIsAMismatchHere() {
      desk.scripted.meanwhile(() -> desk.decides(1, TIMED_OUT, 1));
      desk.assertMismatch(0).hasMessageContaining("since rank 1 had waited for its time-out");
    }

    @Test
    void theInterruptOfAnotherIsAMismatchHere() {
      desk.scripted.meanwhile(() -> desk.decides(1, INTERRUPTED, 1));
      desk.assertMismatch(0).hasMessageContaining("since rank 1 was interrupted");
    }

    @Test
    void whoIsInterruptedTellsTheOthers() {
      desk.scripted.meanwhile(() -> Thread.currentThread().interrupt());
      assertThatThrownBy(() -> desk.singleWrite(0))
          .isInstanceOf(LockInterruptedException.class)
          .hasMessageContaining("since rank 0 was interrupted");
      desk.assertDecided(1, INTERRUPTED, 0);
      assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void whoseControllerClosesMeanwhileTellsTheOthers() {
      desk.scripted.meanwhile(desk.node::markClosed);
      assertThatThrownBy(() -> desk.singleWrite(0)).isInstanceOf(ControllerClosedException.class);
      desk.assertDecided(1, LEFT, 0);
    }

    @Test
    void aWriterThatDiedAfterItCameIsNotWaitedFor() {
      desk.agrees(1, 1);
      desk.scripted.meanwhile(() -> desk.life(1, RankContext.DEAD));
      assertThatThrownBy(() -> desk.singleWrite(1)).isInstanceOf(RankFailedException.class);
      desk.assertDecided(1, DIED, 1);
    }

    @Test
    void aWriterThatLeftAfterItCameIsNotWaitedFor() {
      desk.agrees(1, 1);
      desk.scripted.meanwhile(
          () -> desk.life(1, RankContext.CLOSING)); // it decides before it leaves
      desk.scripted.meanwhile(() -> assertThat(desk.words.word(Layout.decision(1))).isZero());
      desk.scripted.meanwhile(() -> desk.life(1, RankContext.LEFT));
      desk.assertMismatch(1).hasMessageContaining("since rank 1 is closing");
      desk.assertDecided(1, LEFT, 1);
    }

    /** Two calls have failed, and rank 1 has not read how the first of them was decided. */
    private void standStillInTheFirstOfTwoCalls() {
      desk.agrees(1, 0);
      assertThatThrownBy(() -> desk.singleWrite(5)).isInstanceOf(IllegalArgumentException.class);
      desk.assertDecided(1, REFUSED, 0);
      assertThat(desk.mark(1)).isEqualTo(1 << 8 | SEEN);
      assertThat(desk.collectives.slots().isSeen(1)).as("rank 1 has not read it").isFalse();
      assertThatThrownBy(() -> desk.singleWrite(-1)).isInstanceOf(IllegalArgumentException.class);
      desk.assertDecided(2, REFUSED, 0);
      outcomes.clear();
    }

    @Test
    void aDecisionWaitsUntilTheOneBeforeThePreviousIsRead() {
      standStillInTheFirstOfTwoCalls();
      for (int i = 0; i < 150; i++) { // 3 s
        desk.scripted.meanwhile(() -> desk.assertDecided(1, REFUSED, 0));
      }
      desk.scripted.meanwhile(() -> {
        assertThat(desk.mark(3)).as("rank 0 has come").isEqualTo(3 << 8 | ARRIVED);
        desk.marks(1, SEEN);
        desk.agrees(3, 0);
      });
      assertThat(desk.singleWrite(0).isWriter()).isTrue();
      assertThat(desk.scripted.isPlayed()).isTrue();
      desk.assertDecided(3, GO, 0);
      assertThat(desk.scripted.stalls)
          .containsExactly(
              "orders: rank 0 (host host0, pid 1) has waited 2.0 s in the single write of resource"
                  + " 'orders' (writer 0) for rank 1 (host host0, pid 1).");
    }

    @Test
    void whoStandsStillBeforeItReadsADecisionKeepsNobodyBeyondItsTime() {
      standStillInTheFirstOfTwoCalls();
      assertThatThrownBy(() -> desk.singleWrite(0, SECOND))
          .isInstanceOf(LockTimeoutException.class)
          .hasMessageContaining(
              "Collective call 3 failed, since rank 0 had waited for its time-out")
          .hasMessageContaining("rank 0 called singleWrite('orders', writer 0), and gave up;")
          .hasMessageContaining("rank 1 has called nothing.");
      assertThat(desk.scripted.now()).isEqualTo(2 * SECOND);
      assertThat(outcomes).containsExactly("true " + SECOND + " 0 LockTimeoutException");
      desk.assertDecided(1, REFUSED, 0);
      assertThat(desk.mark(3)).isEqualTo(3 << 8 | SEEN);

      // When it goes on, the call that was given up fails there, and both are in step.
      desk.marks(1, SEEN);
      CollectiveCalls theirs = new CollectiveCalls(desk.scripted.node(1), line -> "'orders'");
      RankLock theirLock =
          new RankLock("orders", new RankThreads(desk.scripted.node(1)), desk.lockLine);
      desk.marks(2, SEEN);
      for (int call = 1; call <= 2; call++) {
        assertThatThrownBy(
                () -> theirs.singleWrite(theirLock, -1, 0, CollectiveCallsTest.this::ended))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() ->
              theirs.singleWrite(theirLock, 0, Waiter.FOREVER, CollectiveCallsTest.this::ended))
          .isInstanceOf(CollectiveMismatchException.class)
          .hasMessageContaining("rank 0 had waited for its time-out");
      desk.assertDecided(3, TIMED_OUT, 0);
      desk.agrees(4, 0);
      assertThat(desk.singleWrite(0).isWriter()).isTrue();
    }

    @Test
    void anInterruptAndTheCloseEndThatWait() {
      standStillInTheFirstOfTwoCalls();
      desk.scripted.meanwhile(() -> Thread.currentThread().interrupt());
      assertThatThrownBy(() -> desk.singleWrite(0)).isInstanceOf(LockInterruptedException.class);
      assertThat(Thread.interrupted()).isTrue();
      desk.scripted.meanwhile(desk.node::markClosed);
      assertThatThrownBy(() -> desk.singleWrite(0)).isInstanceOf(ControllerClosedException.class);
      desk.assertDecided(4, LEFT, 0);
      desk.assertDecided(1, REFUSED, 0);
    }

    @Test
    void whatIsThrownInThatWaitIsToldWhenADecisionCanBeMade() {
      standStillInTheFirstOfTwoCalls();
      desk.scripted.meanwhile(() -> {
        throw new StackOverflowError();
      });
      assertThatThrownBy(() -> desk.singleWrite(0)).isInstanceOf(StackOverflowError.class);
      assertThat(desk.mark(3)).isEqualTo(3 << 8 | SEEN);
      assertThat(desk.words.word(Layout.callSlot(0, 3) + Layout.REFUSAL)).isNotZero();
      assertThat(desk.collectives.isBusy()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({RankContext.DEAD + "", RankContext.LEFT + ""})
    void whoIsGoneNeedNotReadADecision(long life) {
      desk.marks(1, ARRIVED);
      assertThat(desk.collectives.slots().isSeen(1)).isFalse();
      desk.life(1, life);
      assertThat(desk.collectives.slots().isSeen(1)).isTrue();
    }

    @Test
    void aRankThatDiesBeforeItReadsADecisionIsNotWaitedFor() {
      desk.agrees(1, 0);
      assertThatThrownBy(() -> desk.singleWrite(5)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> desk.singleWrite(5)).isInstanceOf(IllegalArgumentException.class);
      desk.scripted.meanwhile(() -> desk.words.kill(1));
      assertThatThrownBy(() -> desk.singleWrite(0)).isInstanceOf(RankFailedException.class);
    }

    @Test
    void aLongWaitTellsWhoIsMissing() {
      desk.scripted.sleeps(100);
      desk.scripted.meanwhile(() -> desk.agrees(1, 1));
      desk.scripted.sleeps(100);
      desk.scripted.meanwhile(() -> desk.decides(1, GO, 1));
      desk.singleWrite(1);
      String begins =
          "orders: rank 0 (host host0, pid 1) has waited %s s in the single write of resource"
              + " 'orders' (writer 1) for ";
      assertThat(desk.scripted.stalls)
          .containsExactly(
              begins.formatted("2.0") + "rank 1 (host host0, pid 1).",
              begins.formatted("4.0") + "the decision.");
    }

    @Test
    void aLongWaitForTheWriterTellsSo() {
      desk.agrees(1, 1);
      desk.decides(1, GO, 1);
      SingleWriteCall section = desk.singleWrite(1);
      desk.scripted.sleeps(100);
      desk.scripted.meanwhile(() -> desk.words.kill(1));
      assertThatThrownBy(section::awaitWriter)
          .isInstanceOf(RankFailedException.class)
          .hasMessageContaining("its single write of resource 'orders' never ends");
      assertThat(desk.scripted.stalls)
          .singleElement()
          .asString()
          .startsWith(
              "orders: rank 0 (host host0, pid 1) has waited 2.0 s for rank 1 to end its single"
                  + " write of resource 'orders'. Nobody holds it now.");
      desk.scripted.pass(5);
      section.close();
      assertThat(outcomes)
          .containsExactly("false " + (desk.scripted.now() - SECOND) + " 0 RankFailedException");
    }

    @Test
    void aReaderThatStandsStillKeepsAFailureFromNobody() {
      desk.agrees(1, 0);
      SingleWriteCall section = desk.singleWrite(0);
      section.share(new byte[4 * Layout.CHUNK_BYTES - 1]);
      Thread.currentThread().interrupt();
      section.fail(new IllegalArgumentException("on purpose"));
      long start = desk.scripted.now();
      section.close();
      assertThat(Thread.interrupted()).isTrue();
      assertThat(desk.scripted.now() - start).isEqualTo(2 * SECOND);
      assertThat(desk.lock.hold().isWriting()).isFalse();

      desk.decides(1, GO, 0);
      SingleWriteCall theirs = theirPart();
      assertThatThrownBy(theirs::collect)
          .isInstanceOf(SingleWriteFailedException.class)
          .hasMessageContaining("could not be sent, because a rank does not respond");
    }

    private SingleWriteCall theirPart() {
      RankContext other = desk.scripted.node(1);
      CollectiveCalls calls = new CollectiveCalls(other, line -> "'orders'");
      RankLock lock = new RankLock("orders", new RankThreads(other), desk.lockLine);
      return calls.singleWrite(lock, 0, SECOND, CollectiveCallsTest.this::ended);
    }

    @Test
    void aSecondSingleWriteInsideOneIsRefused() {
      desk.agrees(1, 1);
      desk.decides(1, GO, 1);
      desk.singleWrite(1);
      assertThatThrownBy(() -> desk.singleWrite(1))
          .isInstanceOf(LockUseException.class)
          .hasMessageContaining("inside one that is not closed");
      assertThat(desk.collectives.isBusy()).as("the first goes on").isTrue();
    }

    @ParameterizedTest
    @CsvSource({"false, 1, read", "true, 1, write", "false, 0, read"})
    void aHoldThatTheWriterWouldWaitForIsRefused(boolean write, int writer, String mode) {
      ThreadHold hold = desk.lock.hold();
      assertThat(write ? hold.acquireWrite(desk.lock, 0) : hold.acquireRead(desk.lock, 0)).isTrue();
      assertThatThrownBy(() -> desk.singleWrite(writer))
          .isInstanceOf(LockUseException.class)
          .hasMessageContaining(
              "of rank 0 calls singleWrite on resource 'orders' while it holds a "
                  + mode
                  + " of it, which rank "
                  + writer
                  + " would wait for");
      desk.assertDecided(1, REFUSED, 0);
      assertThat(desk.words.word(Layout.callSlot(0, 1) + Layout.REFUSAL))
          .isEqualTo(write ? HOLDS_WRITE : HOLDS_READ);
      assertThat(desk.mark(1)).isEqualTo(1 << 8 | SEEN);
      assertThat(desk.collectives.isBusy()).isFalse();
    }

    @Test
    void theWritersOwnWriteIsNoHindrance() {
      ThreadHold hold = desk.lock.hold();
      assertThat(hold.acquireWrite(desk.lock, 0)).isTrue();
      assertThat(hold.acquireRead(desk.lock, 0)).isTrue();
      desk.agrees(1, 0);
      assertThat(desk.singleWrite(0).isWriter()).isTrue();
    }

    @Test
    void aWriterThatGetsNoLockTellsTheOthersWhy() {
      NodeLock theirs = new NodeLock(desk.scripted.node(1), desk.lockLine, 1);
      assertThat(theirs.tryOwn()).isTrue();
      desk.agrees(1, 0);
      assertThatThrownBy(() -> desk.singleWrite(0, SECOND))
          .isInstanceOf(LockTimeoutException.class)
          .hasMessageContaining(
              "Rank 0 did not get the write of resource 'orders' for its single write in time");
      desk.assertDecided(1, GO, 0);
      assertThat(desk.words.word(Layout.PRODUCED)).as("a text").isEqualTo(1 << 24 | 1);
      assertThat(desk.words.word(Layout.ENDED)).as("the end").isEqualTo(1 << 24 | 1);
      assertThat(desk.words.word(Layout.END_KIND)).isEqualTo(ShareStream.END);
      assertThat(desk.collectives.isBusy()).isFalse();
    }

    @Test
    void aWriterThatWaitsForReadersTellsWhoIsSlow() {
      desk.agrees(1, 0);
      SingleWriteCall section = desk.singleWrite(0);
      desk.scripted.sleeps(100);
      desk.scripted.meanwhile(() -> desk.words.kill(1));
      section.share(new byte[Layout.RING_CHUNKS * Layout.CHUNK_BYTES + 1]);
      section.close();
      assertThat(desk.scripted.stalls)
          .containsExactly(
              ": rank 0 (host host0, pid 1) has waited 2.0 s, sharing an object, for rank 1 (host"
                  + " host0, pid 1) to take it.");
    }

    @Test
    void whatCannotBeEncodedFailsForAllAndIsToldOnce() {
      desk.agrees(1, 0);
      SingleWriteCall section = desk.singleWrite(0);
      assertThatThrownBy(() -> section.share("no array of bytes"))
          .isInstanceOf(ShareException.class)
          .hasMessageContaining("Rank 0 could not encode a java.lang.String to share it");
      assertThatThrownBy(() -> section.share(new byte[0])).isInstanceOf(LockUseException.class);
      section.close(); // its own exception was told
      assertThat(outcomes)
          .containsExactly(
              "true " + (desk.scripted.now() - SECOND) + " 0 SingleWriteFailedException");
    }

    @Test
    void onlyTheWriterSaysHowItWent() {
      desk.agrees(1, 1);
      desk.decides(1, GO, 1);
      SingleWriteCall section = desk.singleWrite(1);
      for (Runnable call :
          List.<Runnable>of(
              section::complete,
              () -> section.fail(new ArithmeticException()),
              () -> section.share(new byte[0]))) {
        assertThatThrownBy(call::run)
            .isInstanceOf(LockUseException.class)
            .hasMessageContaining("was called on rank 0, but rank 1 writes");
      }
    }

    @Test
    void oneThreadAfterAnotherWritesTogether() throws Exception {
      CompletableFuture<@Nullable Void> other = new CompletableFuture<>();
      CountDownLatch within = new CountDownLatch(1);
      CountDownLatch leave = new CountDownLatch(1);
      desk.agrees(1, 1);
      desk.decides(1, GO, 1);
      Thread thread =
          new Thread(() -> {
            SingleWriteCall section = desk.singleWrite(1);
            within.countDown();
            try {
              leave.await();
              section.close();
              other.completeExceptionally(new AssertionError("the writer never came"));
            } catch (ControllerClosedException e) {
              other.complete(null);
            } catch (Throwable e) {
              other.completeExceptionally(e);
            }
          });
      thread.start();
      within.await();
      assertThatThrownBy(() -> desk.singleWrite(1, 0))
          .isInstanceOf(LockTimeoutException.class)
          .hasMessage(
              "The single write of resource 'orders' could not begin: another thread of rank 0 is in"
                  + " a collective call.");
      assertThat(desk.collectives.isMine()).isFalse();
      assertThat(desk.mark(2)).as("no call was made").isZero();
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> desk.singleWrite(1))
          .isInstanceOf(LockInterruptedException.class)
          .hasMessageContaining("before its single write of resource 'orders' began");
      assertThat(Thread.interrupted()).isTrue();
      desk.node.markClosed();
      assertThatThrownBy(() -> desk.singleWrite(1)).isInstanceOf(ControllerClosedException.class);
      leave.countDown();
      other.get();
      thread.join();
      assertThatThrownBy(() -> desk.singleWrite(1)).isInstanceOf(ControllerClosedException.class);
      assertThat(desk.collectives.isBusy()).isFalse();
    }
  }

  @Nested
  class Close {
    private final Desk desk = new Desk(0);

    @Test
    void theLastToCloseDoesNotWait() {
      desk.life(1, RankContext.CLOSING);
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
      assertThat(desk.scripted.now()).isEqualTo(SECOND);
      assertThat(desk.words.word(Layout.slot(0) + Layout.LIFE)).isEqualTo(RankContext.CLOSING);
      assertThat(desk.words.word(Layout.callSlot(0, 1) + Layout.KIND)).isEqualTo(CLOSE);
      assertThat(desk.mark(1)).isEqualTo(1 << 8 | ARRIVED);
      assertThat(desk.collectives.areAllThrough()).isTrue();
    }

    @Test
    void whoClosesFirstWaitsForTheOthers() {
      assertThat(desk.collectives.areAllThrough()).isFalse();
      desk.scripted.sleeps(5);
      desk.scripted.meanwhile(() -> desk.life(1, RankContext.LEFT));
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
      assertThat(desk.scripted.isPlayed()).isTrue();
      assertThat(logged).isEmpty();
    }

    @Test
    void aSingleWriteOfAnotherIsAMistake() {
      desk.agrees(1, 0);
      desk.scripted.sleeps(1);
      desk.scripted.meanwhile(() -> desk.decides(1, LEFT, 0));
      assertThat(desk.collectives.close(Waiter.FOREVER))
          .contains("Collective call 1 failed, since rank 0 is closing")
          .contains("rank 0 called close; rank 1 called singleWrite('orders', writer 0)");
    }

    @ParameterizedTest
    @CsvSource({DIED + "", GONE_ON + ""})
    void whatBecameOfOthersIsNoMistake(int code) {
      desk.decides(1, code, 1);
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
    }

    @Test
    void aDeadRankIsNotWaitedFor() {
      desk.scripted.meanwhile(() -> desk.words.kill(1));
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
      assertThat(desk.scripted.now()).isLessThan(2 * SECOND);
    }

    @Test
    void whoIsNotThereInTimeIsNamed() {
      assertThat(desk.collectives.close(3 * SECOND)).isNull();
      assertThat(desk.scripted.now()).isEqualTo(4 * SECOND);
      assertThat(desk.scripted.stalls)
          .containsExactly(
              ": rank 0 (host host0, pid 1) has waited 2.0 s in close for rank 1 (host host0, pid"
                  + " 1).");
      assertThat(logged)
          .containsExactly(
              "WARNING rank 0 (host host0, pid 1) has waited 2.0 s in close for rank 1 (host host0,"
                  + " pid 1).",
              "INFO Rank 0 closed before rank 1 (host host0, pid 1); the locks go on without it.");
    }

    @Test
    void whoDoesNotWantToWaitSaysNothing() {
      assertThat(desk.collectives.close(0)).isNull();
      assertThat(logged).isEmpty();
    }

    @Test
    void anInterruptEndsTheWaitInSilence() {
      Thread.currentThread().interrupt();
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
      assertThat(Thread.interrupted()).isTrue();
      assertThat(logged).isEmpty();
    }
  }

  @Nested
  class OnSeveralNodes {
    private final Desk desk = new Desk(2);

    @Test
    void theAgentSaysThatTheyGo() {
      desk.scripted.meanwhile(() -> desk.agrees(1, 2));
      desk.scripted.meanwhile(() -> assertThat(desk.words.word(Layout.proposal(1))).isZero());
      desk.scripted.meanwhile(() -> desk.decides(1, GO, 2));
      assertThat(desk.singleWrite(2).isWriter()).isFalse();
      assertThat(desk.scripted.isPlayed()).isTrue();
    }

    @Test
    void aReasonToFailIsProposedAndObeyedWhenTheAgentHasDecided() {
      desk.agrees(1, 1);
      desk.scripted.meanwhile(() -> {
        desk.assertProposed(1, DIFFER, 1);
        assertThat(desk.words.word(Layout.decision(1))).isZero();
        desk.node.putText(Layout.report(desk.members, 1), "what the ranks of all nodes called");
        desk.decides(1, DIFFER, 1);
      });
      desk.assertMismatch(0)
          .hasMessageContaining("the ranks disagree: what the ranks of all nodes called.");
    }

    @Test
    void aCloseElsewhereIsAReasonToFail() {
      desk.words.word(Layout.CLOSING_CALL, 1 << 24 | 3);
      desk.scripted.meanwhile(() -> {
        desk.assertProposed(1, LEFT, 3);
        desk.decides(1, LEFT, 3);
      });
      desk.assertMismatch(0).hasMessageContaining("since rank 3 is closing");
    }

    @Test
    void aCloseInALaterCallIsNone() {
      desk.words.word(Layout.CLOSING_CALL, 2 << 24 | 3);
      desk.scripted.meanwhile(() -> {
        assertThat(desk.words.word(Layout.proposal(1))).isZero();
        desk.decides(1, GO, 3);
      });
      assertThat(desk.singleWrite(3).isWriter()).isFalse();
    }

    @Test
    void aDeathElsewhereIsAReasonToFail() {
      desk.node.markLost(3);
      desk.scripted.meanwhile(() -> {
        desk.assertProposed(1, DIED, 3);
        desk.decides(1, DIED, 3);
      });
      assertThatThrownBy(() -> desk.singleWrite(0))
          .isInstanceOfSatisfying(
              RankFailedException.class, e -> assertThat(e.rank()).isEqualTo(3));
    }

    @Test
    void whoGivesUpObeysWhatTheAgentHasDecided() {
      desk.scripted.sleeps(50); // its second
      desk.scripted.meanwhile(() -> desk.assertProposed(1, TIMED_OUT, 0));
      desk.scripted.meanwhile(() -> desk.decides(1, GO, 2));
      assertThat(desk.singleWrite(2, SECOND).isWriter()).as("it came too late").isFalse();
      assertThat(desk.scripted.isPlayed()).isTrue();
    }

    @Test
    void anAgentThatStandsStillKeepsNobodyWhoseCallItHasNotReported() {
      assertThatThrownBy(() -> desk.singleWrite(2, SECOND))
          .isInstanceOf(LockTimeoutException.class)
          .hasMessageContaining("rank 1 has called nothing");
      desk.assertProposed(1, TIMED_OUT, 0);
      assertThat(desk.scripted.now()).as("half a second for an answer").isEqualTo(5 * SECOND / 2);
      assertThat(desk.mark(1)).isEqualTo(1 << 8 | SEEN);
      assertThat(desk.words.word(Layout.callSlot(0, 1) + Layout.REFUSAL)).isNotZero();
      desk.scripted.meanwhile(() -> Thread.currentThread().interrupt());
      assertThatThrownBy(() -> desk.singleWrite(2)).isInstanceOf(LockInterruptedException.class);
      assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void whoseCallIsReportedWaitsForTheDecisionWhichMayBeToGo() {
      desk.words.word(Layout.REPORTED_CALL, 1);
      desk.scripted.sleeps(50); // its second
      for (int i = 1; i <= 250; i++) { // longer than the heartbeat's time-out of 4 s
        long beat = i;
        desk.scripted.meanwhile(() -> desk.words.word(Layout.AGENT_BEAT, beat));
      }
      desk.scripted.meanwhile(() -> desk.decides(1, GO, 2));
      assertThat(desk.singleWrite(2, SECOND).isWriter()).isFalse();
      assertThat(desk.scripted.stalls)
          .first()
          .asString()
          .contains("gave collective call 1 up, and has waited 2.0 s since");
    }

    @Test
    void anAgentThatStandsStillAfterItsReportIsLostAfterTheHeartbeatsTimeOut() {
      desk.words.word(Layout.REPORTED_CALL, 1);
      assertThatThrownBy(() -> desk.singleWrite(2, SECOND))
          .isInstanceOfSatisfying(RankFailedException.class, e -> assertThat(e.rank()).isZero())
          .hasMessageContaining("cannot be reached");
      assertThat(desk.words.word(Layout.BROKEN)).isEqualTo(1);
      assertThat(desk.scripted.now()).isBetween(6 * SECOND, 7 * SECOND);
      assertThat(desk.collectives.isBusy()).isFalse();
    }

    @Test
    void whoseCallIsReportedIsToldWhenTheJobBreaks() {
      desk.words.word(Layout.REPORTED_CALL, 1);
      desk.scripted.sleeps(100);
      desk.scripted.meanwhile(() -> desk.words.word(Layout.BROKEN, 3 + 1));
      assertThatThrownBy(() -> desk.singleWrite(2, SECOND)).isInstanceOf(RankFailedException.class);
    }

    @Test
    void anAgentThatIsGoneEndsTheWait() {
      desk.scripted.meanwhile(() -> desk.words.word(Layout.BROKEN, 3 + 1));
      assertThatThrownBy(() -> desk.singleWrite(0))
          .isInstanceOf(RankFailedException.class)
          .hasMessageContaining("no lock can be requested across nodes any more");
      assertThat(desk.collectives.isBusy()).isFalse();
    }

    @Test
    void aLongWaitTellsThatOtherNodesAreMissing() {
      desk.agrees(1, 2);
      desk.scripted.sleeps(100);
      desk.scripted.meanwhile(() -> desk.decides(1, GO, 2));
      SingleWriteCall section = desk.singleWrite(2);
      assertThat(desk.scripted.stalls)
          .singleElement()
          .asString()
          .endsWith("(writer 2) for ranks of other nodes.");
      desk.scripted.meanwhile(() -> desk.words.word(Layout.BROKEN, 2 + 1));
      assertThatThrownBy(section::awaitWriter).isInstanceOf(RankFailedException.class);
    }

    @Test
    void closeWaitsForTheOtherNodesToo() {
      desk.life(1, RankContext.CLOSING);
      desk.scripted.sleeps(150);
      desk.scripted.meanwhile(() -> desk.words.word(Layout.JOB_THROUGH, 1));
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
      assertThat(desk.scripted.isPlayed()).isTrue();
      assertThat(desk.scripted.stalls)
          .singleElement()
          .asString()
          .endsWith("has waited 2.0 s in close for ranks of other nodes.");
    }

    @Test
    void closeDoesNotWaitForABrokenJob() {
      desk.life(1, RankContext.CLOSING);
      desk.scripted.meanwhile(() -> desk.words.word(Layout.BROKEN, 3 + 1));
      assertThat(desk.collectives.close(Waiter.FOREVER)).isNull();
    }
  }
}

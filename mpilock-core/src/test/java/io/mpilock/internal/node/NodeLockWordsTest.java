/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.OneNode;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.agent.NodeGate;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import io.mpilock.testing.BareCommunicator;
import io.mpilock.testing.Silent;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.local.LocalCluster;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What each step of the lock does to the words of the window, one step after another, on a node of
 * two ranks and an agent. docs/architecture.md has the words.
 */
@Timeout(20)
@ExtendWith(Silent.class)
class NodeLockWordsTest {
  private static final int AGENT = 2;
  private static final int MEMBERS = 3;

  private final long lockLine = Layout.directory(MEMBERS, MEMBERS) + Layout.LINE;
  private final Simulation simulation =
      new Simulation(1, 2, 1, (int) lockLine + Layout.LINE + MEMBERS * Layout.RANK_WORDS, false);
  private final List<NodeLock> locks = new ArrayList<>();
  private final List<RankContext> nodes = new ArrayList<>();
  private final NodeLock agent;

  NodeLockWordsTest() {
    for (int rank = 0; rank < 2; rank++) {
      nodes.add(simulation.node(rank, Simulation.settings(false, 0, false)));
      locks.add(new NodeLock(nodes.get(rank), lockLine, rank));
    }
    nodes.add(nodes.get(0));
    agent = new NodeLock(nodes.get(0), lockLine, AGENT);
    locks.add(agent);
    for (int member = 0; member < MEMBERS; member++) {
      simulation.word(Layout.slot(member) + Layout.LIFE, RankContext.OPEN);
    }
  }

  @AfterEach
  void nobodyIsLeftInterrupted() {
    Thread.interrupted();
  }

  private long line(int member) {
    return lockLine + Layout.LINE + (long) member * Layout.RANK_WORDS;
  }

  private long word(int member, int word) {
    return simulation.word(line(member) + word);
  }

  private void word(int member, int word, long value) {
    simulation.word(line(member) + word, value);
  }

  private void state(int sequence, int pending, int owner) {
    simulation.word(lockLine + Layout.STATE, (long) sequence << 32 | (long) pending << 16 | owner);
  }

  private void assertState(int sequence, int pending, int owner) {
    long state = simulation.word(lockLine + Layout.STATE);
    assertThat(List.of(LockWords.sequence(state), LockWords.pending(state), LockWords.owner(state)))
        .as("sequence, pending, owner")
        .containsExactly(sequence, pending, owner);
  }

  private void asks(int member, int sequence) {
    word(member, Layout.REQUEST, LockWords.request(sequence, LockWords.WAITING));
  }

  private void assertPhase(int member, int phase) {
    assertThat(LockWords.phase(word(member, Layout.REQUEST)))
        .as("phase of member %d", member)
        .isEqualTo(phase);
  }

  private void sleeps(long bell) {
    simulation.word(bell + 1, 1);
  }

  private void assertRung(long bell, int times) {
    assertThat(simulation.word(bell)).as("rings of the bell at %d", bell).isEqualTo(times);
  }

  private Waiter waiter(int rank) {
    Waiter.Watch watch =
        new Waiter.Watch() {
          @Override
          public void check() {}

          @Override
          public String describe(long waitedNanos) {
            return "";
          }
        };
    return new Waiter(nodes.get(rank), "r", 0, Waiter.FOREVER, watch);
  }

  // The agent.

  @Test
  void theNodeMayNotReadWhileTheAgentOwnsAndIsCounted() {
    NodeLock lock = locks.get(0);
    state(0, 1, AGENT + 1);
    assertThat(lock.isAgents()).isTrue();
    assertThat(lock.isClosedToReaders()).isTrue();
    assertThat(lock.tryRead()).isFalse();
    state(0, 0, AGENT + 1);
    assertThat(lock.isAgents()).isTrue();
    assertThat(lock.isClosedToReaders()).isFalse();
    assertThat(lock.tryOwn()).isFalse();
    assertThat(lock.tryRead()).isTrue();
    lock.releaseRead();
    state(0, 1, 1);
    assertThat(lock.isAgents()).isFalse();
    assertThat(lock.isClosedToReaders()).isFalse();
  }

  @Test
  void theAgentIsToldOnceUntilItHasTakenNote() {
    sleeps(Layout.AGENT_BELL);
    simulation.word(Layout.INBOX, 4242);
    locks.get(1).tellAgent();
    assertThat(simulation.word(Layout.INBOX)).isEqualTo(lockLine);
    assertThat(simulation.word(lockLine + Layout.NEXT)).isEqualTo(4242);
    assertThat(simulation.word(lockLine + Layout.ATTENTION)).isEqualTo(2);
    assertRung(Layout.AGENT_BELL, 1);
    locks.get(0).tellAgent();
    assertThat(simulation.word(lockLine + Layout.NEXT)).isEqualTo(4242);
    assertThat(simulation.word(lockLine + Layout.ATTENTION)).isEqualTo(2);
    assertRung(Layout.AGENT_BELL, 1);
    state(0, 1, AGENT + 1);
    locks.get(0).remindAgent();
    assertRung(Layout.AGENT_BELL, 2);
    state(0, 1, 1);
    locks.get(0).remindAgent();
    assertRung(Layout.AGENT_BELL, 2);
  }

  @Test
  void theBellOfTheAgentIsItsInbox() {
    sleeps(Layout.AGENT_BELL);
    sleeps(line(1) + Layout.WRITER_BELL);
    locks.get(0).ring(1);
    assertRung(line(1) + Layout.WRITER_BELL, 1);
    assertRung(Layout.AGENT_BELL, 0);
    locks.get(0).ring(AGENT);
    assertRung(Layout.AGENT_BELL, 1);
    assertThat(simulation.word(Layout.INBOX)).isEqualTo(lockLine);
  }

  @Test
  void aTryIsRefusedByItsNumber() {
    state(0, 1, AGENT + 1);
    assertThat(locks.get(0).countTry(new UndoRecord())).isEqualTo(1);
    assertThat(locks.get(1).countTry(new UndoRecord())).isEqualTo(2);
    assertThat(simulation.word(lockLine + Layout.TRIES)).isEqualTo(2);
    simulation.word(lockLine + Layout.REFUSED, 1);
    assertThat(locks.get(0).isRefused(1, true)).isTrue();
    assertThat(locks.get(1).isRefused(2, true)).isFalse();
    locks.get(0).endTry(new UndoRecord());
    assertThat(simulation.word(lockLine + Layout.ENDED_TRIES)).isEqualTo(1);
  }

  @Test
  void aTryIsRefusedByRanksOfItsOwnNode() {
    NodeLock lock = locks.get(0);
    state(0, 1, AGENT + 1);
    assertThat(lock.isRefused(1, true)).isFalse();
    assertThat(lock.isRefused(1, false)).isFalse();
    simulation.word(line(1) + Layout.READS, LockWords.ONE_HOLD);
    assertThat(lock.isRefused(1, true)).as("a reader does not keep a reader out").isFalse();
    assertThat(lock.isRefused(1, false)).isTrue();
    simulation.word(line(1) + Layout.READS, 0);
    simulation.word(line(1) + Layout.REQUEST, LockWords.request(1, LockWords.WAITING));
    assertThat(lock.isRefused(1, true)).as("writers first").isTrue();
    state(0, 1, 2);
    assertThat(lock.isRefused(1, false)).as("a rank owns").isTrue();
  }

  /**
   * Between two steps of the agent nobody may own, and yet it is the agent that keeps ranks out.
   */
  @Test
  void anAgentThatAsksForWhatIsFreeKeepsRanksOut() {
    NodeLock lock = locks.get(0);
    assertThat(lock.isKeptByAgent()).isFalse();
    state(0, 1, 0);
    simulation.word(line(AGENT) + Layout.REQUEST, LockWords.request(1, LockWords.WAITING));
    assertThat(lock.isKeptByAgent()).isTrue();
    assertThat(lock.isKeptFromReading()).isTrue();
    state(0, 1, 2);
    assertThat(lock.isKeptByAgent()).isFalse();
  }

  @Test
  void aBrokenControllerIsToldOnlyWhereTheAgentIsNeeded() {
    simulation.word(Layout.BROKEN, 3);
    NodeLock lock = locks.get(0);
    lock.throwIfBroken();
    state(0, 1, AGENT + 1);
    assertThatThrownBy(lock::throwIfBroken).isInstanceOf(RankFailedException.class);
    state(0, 0, 0);
    asks(AGENT, 1);
    assertThatThrownBy(lock::throwIfBroken).isInstanceOf(RankFailedException.class);
  }

  @Test
  void theAgentAsksAndTakesWhatIsFreeAndTakesBackWhatIsNotClaimed() {
    state(5, 0, 0);
    long mine = agent.startAsking();
    assertState(6, 1, 0);
    assertThat(word(AGENT, Layout.REQUEST)).isEqualTo(mine);
    assertThat(mine).isEqualTo(LockWords.request(6, LockWords.WAITING));
    assertThat(agent.tryFinishAsking()).isTrue();
    assertState(6, 1, AGENT + 1);
    assertPhase(AGENT, LockWords.NONE);

    state(6, 1, 1); // rank 0 owns
    mine = agent.startAsking();
    assertThat(agent.tryFinishAsking()).isFalse();
    assertState(7, 2, 1);
    assertThat(agent.stopAsking(mine)).isFalse();
    assertState(7, 1, 1);
    assertPhase(AGENT, LockWords.NONE);

    agent.startAsking();
    word(AGENT, Layout.REQUEST, LockWords.request(8, LockWords.CLAIMED));
    assertThat(agent.tryFinishAsking()).as("claimed, and not yet named").isFalse();
    state(8, 1, AGENT + 1);
    assertThat(agent.tryFinishAsking()).isTrue();
    assertPhase(AGENT, LockWords.NONE);

    state(8, 1, 1);
    mine = agent.startAsking();
    state(9, 1, AGENT + 1);
    word(AGENT, Layout.REQUEST, LockWords.request(9, LockWords.CLAIMED));
    assertThat(agent.stopAsking(mine)).as("named at the last moment").isTrue();
    assertPhase(AGENT, LockWords.NONE);
  }

  // Who gives up when its request is claimed, and it is not yet named the owner.

  @Test
  void aClaimedRequestIsAbandonedAndWhoNamesItTheOwnerTakesItBack() {
    state(8, 2, 1);
    word(1, Layout.REQUEST, LockWords.request(8, LockWords.CLAIMED)); // rank 0 stands still
    assertThat(locks.get(1).stopAsking(LockWords.request(8, LockWords.WAITING))).isFalse();
    assertThat(word(1, Layout.REQUEST)).isEqualTo(LockWords.request(8, LockWords.ABANDONED));
    assertState(8, 2, 1);
    assertThat(locks.get(1).mayAsk()).isFalse();
    locks.get(1).recover();
    assertState(8, 2, 1);
    for (int by = 0; by < 2; by++) { // rank 0 itself, or whoever comes by
      word(1, Layout.REQUEST, LockWords.request(8, LockWords.ABANDONED));
      state(8, 1, 2);
      sleeps(line(1) + Layout.WRITER_BELL);
      simulation.word(line(1) + Layout.WRITER_BELL, 0);
      locks.get(by).takeBack();
      assertState(8, 0, 0);
      assertPhase(1, LockWords.NONE);
      assertRung(line(1) + Layout.WRITER_BELL, 1); // it may wait to ask again
    }
    assertThat(locks.get(1).mayAsk()).isTrue();
  }

  @Test
  void whatIsTakenBackGoesToTheNext() {
    word(1, Layout.REQUEST, LockWords.request(8, LockWords.ABANDONED));
    state(9, 2, 2);
    asks(AGENT, 9);
    sleeps(Layout.AGENT_BELL);
    locks.get(0).recover();
    assertState(9, 1, AGENT + 1);
    assertPhase(AGENT, LockWords.CLAIMED);
    assertPhase(1, LockWords.NONE);
    assertRung(Layout.AGENT_BELL, 1);
  }

  @Test
  void whatAThreadOfThatRankOwnsIsNotTakenBack() {
    state(8, 1, 2);
    word(1, Layout.REQUEST, LockWords.request(8, LockWords.CLAIMED));
    locks.get(0).takeBack();
    word(1, Layout.REQUEST, LockWords.NONE);
    locks.get(0).takeBack();
    assertState(8, 1, 2);
  }

  @Test
  void anAgentThatGaveUpTooLateAsksAgainOnlyWhenThatIsOver() {
    NodeGate gate = new NodeGate(nodes.get(0), lockLine, "r");
    state(0, 1, AGENT + 1);
    gate.open(Permission.EXCLUSIVE);
    assertState(0, 0, 0);
    assertThat(locks.get(0).tryOwn()).isTrue();
    assertThat(gate.close(Permission.NONE)).isFalse();
    word(AGENT, Layout.REQUEST, LockWords.request(2, LockWords.CLAIMED)); // and rank 0 stands still
    gate.open(Permission.EXCLUSIVE);
    assertPhase(AGENT, LockWords.ABANDONED);
    assertThat(gate.close(Permission.NONE)).isFalse();
    assertState(2, 2, 1);
    state(2, 1, AGENT + 1); // rank 0 goes on
    locks.get(0).takeBack();
    assertState(2, 0, 0);
    assertThat(simulation.word(Layout.INBOX)).as("the agent is told").isEqualTo(lockLine);
    assertThat(gate.close(Permission.NONE)).isTrue();
    assertState(3, 1, AGENT + 1);
  }

  @Test
  void aDeadOwnerWhoseHeirHasGivenUpHasNotWritten() {
    simulation.kill(1);
    state(4, 2, 2);
    word(0, Layout.REQUEST, LockWords.request(4, LockWords.ABANDONED));
    locks.get(0).recover();
    assertState(4, 0, 0);
    assertPhase(0, LockWords.NONE);
  }

  // Who is gone, and goes on.

  @Test
  void aLateReleaseChangesNothing() {
    for (boolean fair : new boolean[] {false, true}) {
      nodes.set(0, simulation.node(0, Simulation.settings(fair, 0, false)));
      NodeLock late = new NodeLock(nodes.get(0), lockLine, 0);
      state(1, 1, 1);
      nodes.get(0).go(RankContext.DEAD);
      for (int owner : new int[] {0, 2, LockWords.POISONED}) {
        for (int pending = 1; pending <= 3; pending++) {
          state(1, pending, owner);
          asks(1, 1);
          word(1, Layout.READS, LockWords.ONE_WAITING);
          late.releaseOwnership();
          assertState(1, pending, owner);
          assertPhase(1, LockWords.WAITING);
          assertThat(word(1, Layout.READS)).isEqualTo(LockWords.ONE_WAITING);
        }
      }
      word(1, Layout.REQUEST, LockWords.NONE);
      word(1, Layout.READS, 0);
      state(1, 1, 1);
      late.releaseOwnership(); // nobody has recovered it yet
      assertState(1, 0, 0);
    }
  }

  /** Its thread goes on between the two accesses of the beginning of a write. */
  @Test
  void aWriteThatBeginsLateDoesNotSetBackTheTokenOfThoseWhoGotTheLockInItsPlace() {
    CoreSettings settings = Simulation.settings(false, 0, true);
    NodeLock theirs = new NodeLock(simulation.node(1, settings), lockLine, 1);
    List<Runnable> meanwhile = new ArrayList<>();
    RankContext node = nodeThatReadsTheToken(0, settings, meanwhile);
    NodeLock late = new NodeLock(node, lockLine, 0);
    simulation.word(lockLine + Layout.TOKEN, 5);
    assertThat(late.tryOwn()).isTrue();
    meanwhile.add(() -> {
      node.go(RankContext.DEAD);
      theirs.recover();
      for (long token = 6; token <= 8; token++) {
        assertThat(theirs.tryOwn()).isTrue();
        assertThat(theirs.beginWrite()).isEqualTo(token);
        theirs.releaseOwnership();
      }
    });
    late.beginWrite();
    late.releaseOwnership();
    assertThat(simulation.word(lockLine + Layout.TOKEN)).isEqualTo(8);
    assertThat(theirs.tryOwn()).isTrue();
    assertThat(theirs.beginWrite()).isEqualTo(9);
    assertThat(meanwhile).isEmpty();
  }

  /** What is late may come first: the token goes on by one more, and is nobody's twice. */
  @Test
  void aWriteOfWhoLivesGoesOnBehindTheTokenOfOneThatIsLate() {
    List<Runnable> meanwhile = new ArrayList<>();
    RankContext node = nodeThatReadsTheToken(1, Simulation.settings(false, 0, true), meanwhile);
    NodeLock lock = new NodeLock(node, lockLine, 1);
    simulation.word(lockLine + Layout.TOKEN, 5);
    assertThat(lock.tryOwn()).isTrue();
    meanwhile.add(() -> simulation.word(lockLine + Layout.TOKEN, 6));
    assertThat(lock.beginWrite()).isEqualTo(7);
    assertThat(simulation.word(lockLine + Layout.TOKEN)).isEqualTo(7);
  }

  /** A rank to which things happen directly behind its looks at the token. */
  private RankContext nodeThatReadsTheToken(
      int rank, CoreSettings settings, List<Runnable> meanwhile) {
    NodeWindow words = simulation.node(rank, settings).window();
    NodeWindow window =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (proxy, method, arguments) -> {
                  Object value = method.invoke(words, arguments);
                  if (method.getName().equals("get")
                      && arguments[0].equals(lockLine + Layout.TOKEN)
                      && !meanwhile.isEmpty()) {
                    meanwhile.removeFirst().run();
                  }
                  return value;
                });
    return new RankContext(
        nodes.get(rank).communicator(), window, settings, new RankContext.Pace(0, 0, () -> 1));
  }

  @Test
  void aRankThatIsGoneAsksForNothingAndTakesNothingBack() {
    state(1, 1, 2);
    asks(0, 1);
    nodes.get(0).go(RankContext.DEAD);
    NodeLock late = locks.get(0);
    assertThat(late.stopAsking(LockWords.request(1, LockWords.WAITING))).isFalse();
    assertPhase(0, LockWords.WAITING);
    assertState(1, 1, 2);
    word(0, Layout.REQUEST, LockWords.NONE);
    assertThat(late.awaitOwnership(new ThreadId(Thread.currentThread()), waiter(0))).isFalse();
    assertPhase(0, LockWords.NONE);
    assertState(1, 1, 2);
    word(1, Layout.REQUEST, LockWords.request(1, LockWords.ABANDONED));
    late.recover();
    assertPhase(1, LockWords.ABANDONED);
    assertState(1, 1, 2);
  }

  /** Who has seen it wait for readers gives the lock to others. */
  @Test
  void aRankThatIsGoneBeginsNoWriteWhenTheReadersHaveLeft() {
    state(1, 1, 1);
    nodes.get(0).go(RankContext.DEAD);
    assertThat(locks.get(0).awaitNoReaders(waiter(0))).isFalse();
    assertThat(word(0, Layout.DRAINS)).isZero();
    assertState(1, 0, 0);
  }

  /**
   * The rank that recovers sees rank 1 own, and gone; then that releases, and another takes the
   * lock.
   */
  @Test
  void aDeadOwnerThatReleasesLateIsNotMended() {
    state(4, 2, AGENT + 1);
    locks.get(0).poison(1, 2);
    assertState(4, 2, AGENT + 1);
    assertThat(locks.get(0).poisonedBy()).isEqualTo(-1);
    locks.get(0).poison(1, AGENT + 1);
    assertState(4, 3, LockWords.POISONED);
    assertThat(locks.get(0).poisonedBy()).isEqualTo(1);
  }

  // How many readers there are.

  @Test
  void moreThreadsThanCanBeCountedAreRefusedBeforeTheyCarry() {
    NodeLock lock = locks.get(0);
    word(0, Layout.READS, LockWords.MANY_HOLDS - 1);
    assertThat(lock.tryRead()).isTrue();
    assertThatThrownBy(lock::tryRead)
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("More than 524288 threads of rank 0 read a resource at once");
    assertThat(word(0, Layout.READS)).isEqualTo(LockWords.MANY_HOLDS);
    assertThatThrownBy(() -> lock.enterRead(new UndoRecord())).isInstanceOf(LockUseException.class);
    lock.releaseRead();
    assertThat(lock.enterRead(new UndoRecord())).isZero();

    state(1, 1, 2);
    word(0, Layout.READS, LockWords.MANY_WAITING * LockWords.ONE_WAITING);
    assertThatThrownBy(() -> lock.awaitRead(waiter(0)))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("More than 262144 threads of rank 0 wait to read");
    assertThat(word(0, Layout.READS)).isEqualTo(LockWords.MANY_WAITING * LockWords.ONE_WAITING);
    assertThat(word(0, Layout.WAITING_READERS)).isZero();

    long full = LockWords.COUNT_MASK + LockWords.ONE_WAITING;
    word(0, Layout.READS, full);
    lock.admitReaders();
    assertThat(word(0, Layout.READS)).as("they look for themselves").isEqualTo(full);
  }

  @Test
  void threadsThatCountThemselvesAtOnceDoNotCarryEither() throws Exception {
    int threads = 16;
    long room = 5;
    NodeWindow window = new LocalCluster(1).world(0).allocate(lockLine + 1024);
    window.set(line(0) + Layout.READS, LockWords.MANY_HOLDS - room);
    NodeLock lock =
        new NodeLock(
            new RankContext(
                new OneNode(0, 1, window),
                window,
                nodes.get(0).settings(),
                new RankContext.Pace(0, 0, System::nanoTime)),
            lockLine,
            0);
    AtomicInteger entered = new AtomicInteger();
    CountDownLatch together = new CountDownLatch(threads);
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      all.add(
          Thread.ofPlatform()
              .start(() -> {
                together.countDown();
                for (int turn = 0; turn < 2_000; turn++) {
                  try {
                    if (lock.tryRead()) {
                      entered.incrementAndGet();
                    }
                  } catch (LockUseException e) {
                    Thread.onSpinWait();
                  }
                }
              }));
    }
    for (Thread thread : all) {
      thread.join();
    }
    assertThat(window.get(line(0) + Layout.READS))
        .isEqualTo(LockWords.MANY_HOLDS - room + entered.get());
    assertThat(entered.get()).isEqualTo((int) room);
  }

  /** An access that is refused though the window is there is a fault, and not the end of it. */
  @Test
  void anExceptionThatDoesNotComeFromAFreedWindowEndsNoAgentInSilence() {
    IllegalStateException fault = new IllegalStateException("a fault");
    assertThat(nodes.get(0).unusable(fault)).isSameAs(fault);
    Messenger faulty =
        new Messenger() {
          @Override
          public void send(int rank, ByteBuffer frame) {}

          @Override
          public int receive(ByteBuffer frame) {
            throw fault;
          }

          @Override
          public long pollNanos() {
            return 1;
          }

          @Override
          public boolean isFlushed() {
            return true;
          }

          @Override
          public void close() {}
        };
    Agent failing = new Agent(nodes.get(0), faulty, 0, Agent.onThread(), Agent.ARITY);
    assertThatThrownBy(failing::run).isSameAs(fault);
    assertThat(simulation.word(Layout.BROKEN)).isEqualTo(1);
  }

  // Who stands still between two steps.

  @Test
  void aReportSaysWhoStandsStill() {
    assertThat(locks.get(0).describeStandstill()).isEmpty();
    state(4, 2, 2);
    word(0, Layout.REQUEST, LockWords.request(4, LockWords.CLAIMED));
    assertThat(locks.get(0).describeStandstill())
        .contains("rank 1 (")
        .contains("is about to give the write to rank 0 (")
        .contains("check whether the process is stopped");
    word(0, Layout.REQUEST, LockWords.request(0, LockWords.INTENT));
    assertThat(locks.get(1).describeStandstill()).contains("rank 0 (").contains("about to ask");
    word(0, Layout.REQUEST, LockWords.NONE);
    simulation.word(lockLine + Layout.RECOVERER, 1);
    assertThat(locks.get(1).describeStandstill()).contains("rank 0 (").contains("recovers");
  }

  @Test
  void aMenderDoesNotWaitForWhoIsAboutToAsk() {
    simulation.kill(1);
    word(0, Layout.REQUEST, LockWords.request(0, LockWords.INTENT)); // a thread of rank 0
    state(4, 1, 2);
    word(1, Layout.DRAINS, 1);
    asks(1, 3);
    new Recovery(nodes.get(0), agent, new UndoRecord()).recover();
    assertState(4, 1, 2);
    assertThat(simulation.word(lockLine + Layout.RECOVERER)).isZero();
    state(4, 1, 0); // nobody owns, and the dead asks
    new Recovery(nodes.get(0), agent, new UndoRecord()).recover();
    assertThat(LockWords.pending(simulation.word(lockLine + Layout.STATE))).isEqualTo(1);
    assertThat(new Recovery(nodes.get(0), agent, new UndoRecord()).mendAsAgent(0)).isFalse();
    assertThat(word(1, Layout.REQUEST)).isNotZero();
    word(0, Layout.REQUEST, LockWords.NONE);
    new Recovery(nodes.get(0), agent, new UndoRecord()).recover();
    assertState(4, 0, 0);
    assertPhase(1, LockWords.NONE);
  }

  @Test
  void readersAreLetInAndKeptOutByTheAgentsPlaceInPending() {
    long readerBell = lockLine + Layout.READER_BELL;
    sleeps(readerBell);
    state(3, 1, AGENT + 1);
    word(0, Layout.READS, 2 * LockWords.ONE_WAITING);
    agent.openToReaders(false);
    assertState(3, 0, AGENT + 1);
    assertRung(readerBell, 1);
    assertThat(LockWords.holds(word(0, Layout.READS))).isZero();
    agent.closeToReaders();
    assertState(3, 1, AGENT + 1);
    agent.openToReaders(true);
    assertThat(LockWords.holds(word(0, Layout.READS))).isEqualTo(2);
    assertThat(LockWords.waiting(word(0, Layout.READS))).isZero();
    assertThat(LockWords.batch(word(0, Layout.READS))).isEqualTo(1);
    assertState(3, 0, AGENT + 1);
    state(3, 2, AGENT + 1);
    simulation.word(readerBell, 0);
    agent.openToReaders(false);
    assertRung(readerBell, 0); // somebody else still asks
  }

  @Test
  void theReadersThatAreLeftAreMarkedSoThatTheLastTells() {
    sleeps(Layout.AGENT_BELL);
    word(0, Layout.READS, 2);
    word(1, Layout.READS, 1);
    state(0, 1, AGENT + 1);
    assertThat(agent.haveReadersLeft()).isFalse();
    assertThat(word(0, Layout.READS)).isEqualTo(LockWords.DRAINING + 2);
    assertThat(word(1, Layout.READS)).isEqualTo(LockWords.DRAINING + 1);
    locks.get(0).releaseRead();
    assertRung(Layout.AGENT_BELL, 0);
    locks.get(0).releaseRead();
    assertRung(Layout.AGENT_BELL, 1);
    assertThat(agent.haveReadersLeft()).isFalse();
    locks.get(1).releaseRead();
    assertThat(agent.haveReadersLeft()).isTrue();
    agent.stopDraining();
    for (int member = 0; member < MEMBERS; member++) {
      assertThat(word(member, Layout.READS)).isZero();
    }
  }

  @Test
  void whatTheRanksWantIsTheMostThatOneWants() {
    assertThat(agent.wanted()).isEqualTo(Permission.NONE);
    asks(AGENT, 1);
    assertThat(agent.wanted()).as("its own request").isEqualTo(Permission.NONE);
    word(1, Layout.REQUEST, LockWords.request(1, LockWords.INTENT));
    assertThat(agent.wanted()).isEqualTo(Permission.NONE);
    word(1, Layout.READS, LockWords.ONE_WAITING);
    assertThat(agent.wanted()).isEqualTo(Permission.SHARED);
    asks(0, 2);
    assertThat(agent.wanted()).isEqualTo(Permission.EXCLUSIVE);
  }

  @Test
  void anOptimisticReadNeedsATokenThatHoldsAndNobodyWhoWrites() {
    NodeLock lock = locks.get(0);
    simulation.word(lockLine + Layout.TOKEN, 7);
    assertThat(lock.optimisticStamp()).isEqualTo(7);
    state(0, 0, AGENT + 1);
    assertThat(lock.optimisticStamp()).as("the node may read").isEqualTo(7);
    state(0, 1, AGENT + 1);
    assertThat(lock.optimisticStamp()).isNegative();
    state(0, 1, 2);
    assertThat(lock.optimisticStamp()).isNegative();
    state(0, 0, 0);
    simulation.word(lockLine + Layout.TOKEN, 7 | LockWords.STALE);
    assertThat(lock.optimisticStamp()).isNegative();
    simulation.word(lockLine + Layout.TOKEN, 0);
    assertThat(lock.optimisticStamp()).isZero();
    lock.poison(1);
    assertThatThrownBy(lock::optimisticStamp).isInstanceOf(RankFailedException.class);
  }

  // Who is next.

  @Test
  void theWriteGoesToTheFirstWhoAskedAndItsBellRings() {
    sleeps(line(1) + Layout.WRITER_BELL);
    assertThat(locks.get(0).tryOwn()).isTrue();
    state(9, 2, 1);
    asks(1, 9);
    locks.get(0).releaseOwnership();
    assertState(9, 1, 2);
    assertPhase(1, LockWords.CLAIMED);
    assertRung(line(1) + Layout.WRITER_BELL, 1);
    assertThat(locks.get(1).finishClaim()).isTrue();
    assertPhase(1, LockWords.NONE);
  }

  @Test
  void theAgentGoesBeforeThoseWhoAskedEarlierAndBeforeAHandover() {
    sleeps(Layout.AGENT_BELL);
    state(9, 3, 1);
    asks(0, 7);
    asks(1, 6);
    asks(AGENT, 9);
    locks.get(0).releaseOwnership();
    assertState(9, 2, AGENT + 1);
    assertPhase(AGENT, LockWords.CLAIMED);
    assertPhase(0, LockWords.WAITING);
    assertPhase(1, LockWords.WAITING);
    assertRung(Layout.AGENT_BELL, 1);
  }

  @Test
  void theLastWhoOwnsSetsItFreeAndTheReadersBellRings() {
    sleeps(lockLine + Layout.READER_BELL);
    state(9, 1, 1);
    locks.get(0).releaseOwnership();
    assertState(9, 0, 0);
    assertRung(lockLine + Layout.READER_BELL, 1);
    state(9, 2, 1); // somebody is about to publish
    locks.get(0).releaseOwnership();
    assertState(9, 1, 0);
    assertRung(lockLine + Layout.READER_BELL, 1);
    state(9, 1, 1);
    locks.get(0).passOn(true);
    assertState(9, 0, 0);
    assertRung(lockLine + Layout.READER_BELL, 2);
  }

  @Test
  void waitingReadersBecomeABatchAndTheirBellRingsOnlyForThem() {
    sleeps(lockLine + Layout.READER_BELL);
    locks.get(0).admitReaders();
    assertRung(lockLine + Layout.READER_BELL, 0);
    word(0, Layout.READS, LockWords.DRAINING + 3 * LockWords.ONE_WAITING + 1);
    word(1, Layout.READS, 5 * LockWords.ONE_BATCH + LockWords.ONE_WAITING);
    locks.get(0).admitReaders();
    assertThat(word(0, Layout.READS)).isEqualTo(LockWords.ONE_BATCH + LockWords.DRAINING + 4);
    assertThat(word(1, Layout.READS)).isEqualTo(6 * LockWords.ONE_BATCH + 1);
    assertRung(lockLine + Layout.READER_BELL, 1);
  }

  @Test
  void aRequestAfterTheCloseIsNotMade() {
    state(4, 1, 2);
    nodes.get(0).markClosed();
    assertThat(locks.get(0).awaitOwnership(new ThreadId(Thread.currentThread()), waiter(0)))
        .isFalse();
    assertState(4, 1, 2);
    assertPhase(0, LockWords.NONE);
  }

  @Test
  void whoGivesUpTellsTheAgentThatItWantsNothingAnyMore() {
    state(4, 1, AGENT + 1);
    Thread.currentThread().interrupt();
    assertThat(locks.get(0).awaitOwnership(new ThreadId(Thread.currentThread()), waiter(0)))
        .isFalse();
    assertState(5, 1, AGENT + 1);
    assertThat(simulation.word(Layout.INBOX)).isEqualTo(lockLine);
    assertThat(agent.wanted()).isEqualTo(Permission.NONE);
    simulation.word(Layout.INBOX, 0);
    simulation.word(lockLine + Layout.ATTENTION, 0);
    assertThat(locks.get(0).awaitRead(waiter(0))).isFalse();
    assertThat(simulation.word(Layout.INBOX)).isEqualTo(lockLine);
    assertThat(word(0, Layout.READS)).isZero();
    assertThat(word(0, Layout.WAITING_READERS)).isZero();
  }

  // The dead.

  @Test
  void aPoisonedLockLetsNobodyInAndRingsForAll() {
    for (int rank = 0; rank < 2; rank++) {
      sleeps(line(rank) + Layout.WRITER_BELL);
    }
    sleeps(lockLine + Layout.READER_BELL);
    sleeps(Layout.AGENT_BELL);
    state(4, 2, 2);
    assertThat(locks.get(0).isPoisoned()).isFalse();
    assertThat(locks.get(0).poisonedBy()).isEqualTo(-1);
    locks.get(0).poison(1);
    locks.get(0).poison(0); // the first wins
    assertState(4, 3, LockWords.POISONED);
    assertThat(locks.get(0).isPoisoned()).isTrue();
    assertThat(locks.get(1).poisonedBy()).isEqualTo(1);
    assertThat(locks.get(0).tryRead()).isFalse();
    assertThat(locks.get(0).tryOwn()).isFalse();
    assertThatThrownBy(() -> locks.get(0).throwIfPoisoned())
        .isInstanceOf(RankFailedException.class)
        .hasMessageContaining("rank 1");
    assertThatThrownBy(
            () -> locks.get(0).awaitOwnership(new ThreadId(Thread.currentThread()), waiter(0)))
        .isInstanceOf(RankFailedException.class);
    assertPhase(0, LockWords.NONE);
    assertThatThrownBy(() -> locks.get(0).awaitRead(waiter(0)))
        .isInstanceOf(RankFailedException.class);
    assertThat(word(0, Layout.READS)).isZero();
    for (int rank = 0; rank < 2; rank++) {
      assertThat(simulation.word(line(rank) + Layout.WRITER_BELL)).isPositive();
    }
    assertThat(simulation.word(lockLine + Layout.READER_BELL)).isPositive();
    assertThat(simulation.word(Layout.AGENT_BELL)).isPositive();
  }

  @Test
  void aClaimOfAPoisonedLockIsGivenUp() {
    word(0, Layout.REQUEST, LockWords.request(3, LockWords.CLAIMED));
    state(4, 2, LockWords.POISONED);
    assertThat(locks.get(0).stopAsking(LockWords.request(3, LockWords.WAITING))).isFalse();
    assertPhase(0, LockWords.NONE);
  }

  @Test
  void theReadsOfTheDeadAreClearedAndTheWriterWhoWaitsForThemIsRung() {
    simulation.kill(1);
    sleeps(line(0) + Layout.WRITER_BELL);
    state(4, 1, 1);
    word(0, Layout.READS, 3);
    word(1, Layout.READS, LockWords.DRAINING + 2 * LockWords.ONE_WAITING + 5);
    word(1, Layout.WAITING_READERS, 2);
    locks.get(0).recover();
    assertThat(word(0, Layout.READS)).isEqualTo(3);
    assertThat(word(1, Layout.READS)).isEqualTo(LockWords.DRAINING);
    assertThat(word(1, Layout.WAITING_READERS)).isZero();
    assertRung(line(0) + Layout.WRITER_BELL, 1);
    assertThat(simulation.word(lockLine + Layout.RECOVERER)).isZero();
    assertState(4, 1, 1);
  }

  @Test
  void oneMendsAtATimeUnlessTheMenderDied() {
    simulation.kill(1);
    word(1, Layout.READS, 5);
    simulation.word(lockLine + Layout.RECOVERER, AGENT + 1); // lives
    locks.get(0).recover();
    assertThat(word(1, Layout.READS)).isEqualTo(5);
    assertThat(simulation.word(lockLine + Layout.RECOVERER)).isEqualTo(AGENT + 1);
    simulation.word(lockLine + Layout.RECOVERER, 2);
    locks.get(0).recover();
    assertThat(word(1, Layout.READS)).isZero();
    assertThat(simulation.word(lockLine + Layout.RECOVERER)).isZero();
  }

  @Test
  void whatADeadRankAskedForIsCountedNoMore() {
    simulation.kill(1);
    state(4, 1, 0);
    asks(1, 4);
    locks.get(0).recover();
    assertPhase(1, LockWords.NONE);
    assertState(4, 0, 0);
  }

  @Test
  void whatADeadOwnerHadChosenIsItsHeir() {
    simulation.kill(1);
    sleeps(line(0) + Layout.WRITER_BELL);
    state(4, 2, 2);
    word(0, Layout.REQUEST, LockWords.request(4, LockWords.CLAIMED));
    locks.get(0).recover();
    assertState(4, 1, 1);
    assertPhase(0, LockWords.CLAIMED);
    assertRung(line(0) + Layout.WRITER_BELL, 1);
  }

  @Test
  void aDeadOwnerThatStillWaitedForReadersHasNotWritten() {
    simulation.kill(1);
    state(4, 1, 2);
    word(1, Layout.DRAINS, 1);
    locks.get(0).recover();
    assertState(4, 0, 0);
    state(4, 1, 2);
    word(1, Layout.DRAINS, 0);
    locks.get(0).recover();
    assertThat(locks.get(0).poisonedBy()).isEqualTo(1);
  }

  /**
   * The rank that recovers sees rank 1 own; before it asks whether rank 1 lives, that gives the
   * lock away.
   */
  @Test
  void anOwnerThatGaveTheLockAwayAndThenDiedIsNotMended() {
    OneNode alive = new OneNode(0, 3, nodes.get(0).window());
    for (boolean releaseOnDeath : new boolean[] {true, false}) {
      BareCommunicator communicator =
          new BareCommunicator() {
            private int looks;

            @Override
            public int rank() {
              return 0;
            }

            @Override
            public int size() {
              return 3;
            }

            @Override
            public Member member(int rank) {
              return alive.member(rank);
            }

            @Override
            public boolean isAlive(int rank) {
              if (rank == 1
                  && ++looks == 2) { // the first look is whether there is anything to recover
                state(5, 1, 1);
                return false;
              }
              return rank != 2;
            }
          };
      simulation.word(Layout.slot(1) + Layout.LIFE, RankContext.OPEN);
      state(4, 1, 2);
      word(2, Layout.READS, 1); // so that there is something to recover
      RankContext node =
          new RankContext(
              communicator,
              nodes.get(0).window(),
              Simulation.settings(false, 0, releaseOnDeath),
              new RankContext.Pace(0, 0, () -> 0));
      new NodeLock(node, lockLine, 0).recover();
      assertThat(simulation.word(Layout.slot(1) + Layout.LIFE)).isEqualTo(RankContext.DEAD);
      assertState(5, 1, 1);
    }
  }

  @Test
  void theAgentClearsTheRequestsOfTheDeadWhileItOwns() {
    simulation.kill(1);
    sleeps(lockLine + Layout.READER_BELL);
    state(4, 3, AGENT + 1);
    asks(0, 3);
    asks(1, 4);
    new Recovery(nodes.get(0), agent, new UndoRecord()).mendAsAgent(1);
    assertState(4, 2, AGENT + 1);
    assertPhase(0, LockWords.WAITING);
    assertPhase(1, LockWords.NONE);
    assertRung(lockLine + Layout.READER_BELL, 1);
    asks(1, 4);
    new Recovery(nodes.get(0), agent, new UndoRecord()).mendAsAgent(0);
    assertState(4, 1, AGENT + 1);
  }

  @Test
  void whatADeadAgentOwnedIsGivenToNobody() {
    simulation.kill(0); // and with it the agent
    state(4, 1, AGENT + 1);
    locks.get(1).recover();
    assertState(4, 1, AGENT + 1);
    word(1, Layout.REQUEST, LockWords.request(4, LockWords.CLAIMED));
    locks.get(1).recover();
    assertThat(LockWords.owner(simulation.word(lockLine + Layout.STATE)))
        .as("it was on its way to rank 1")
        .isEqualTo(2);
  }
}

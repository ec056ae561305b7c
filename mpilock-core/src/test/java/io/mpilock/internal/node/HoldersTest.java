/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.mpilock.internal.Simulation;
import io.mpilock.internal.job.NodeReport.Use;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.transport.NodeWindow;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is told of who holds a resource and who waits, sentence by sentence. */
class HoldersTest {
  private static final int RANKS = 3;

  private final long lockLine = Layout.directory(RANKS, RANKS) + Layout.LINE;
  private final Simulation simulation =
      new Simulation(1, RANKS, (int) Layout.directory(RANKS, RANKS) + 16 * Layout.LINE, false);
  private final List<NodeLock> locks = new ArrayList<>();
  private final List<RankContext> nodes = new ArrayList<>();

  HoldersTest() {
    for (int rank = 0; rank < RANKS; rank++) {
      nodes.add(simulation.node(rank, Simulation.settings(false, 0, false)));
      locks.add(new NodeLock(nodes.get(rank), lockLine, rank));
      simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
    }
  }

  private void word(int rank, int word, long value) {
    simulation.word(locks.get(rank).line(rank) + word, value);
  }

  private void name(int rank, int word, String name) {
    new ThreadId(new Thread(() -> {}, name))
        .put(nodes.get(rank).window(), locks.get(rank).line(rank) + word);
  }

  /** Thread ids differ from run to run. */
  private String describe() {
    return new Holders(nodes.get(1), locks.get(1)).describe().replaceAll("\\(id \\d+\\)", "(id)");
  }

  @Test
  void nobodyHoldsIt() {
    assertThat(describe()).isEqualTo("Nobody holds it now.");
    for (int rank = 0; rank < RANKS; rank++) {
      assertThat(new Holders(nodes.get(0), locks.get(0)).heldBy(rank)).isNull();
    }
  }

  @Test
  void aWriterIsNamedWithItsToken() {
    assertThat(locks.get(2).tryOwn()).isTrue();
    locks.get(2).beginWrite();
    name(2, Layout.WRITER_THREAD, "writer");
    assertThat(describe())
        .isEqualTo("Held by rank 2 (host host0, pid 1), thread 'writer' (id), write with token 1.");
    word(2, Layout.WRITER_SINCE, 1_000_000_000_123L);
    assertThat(describe()).endsWith("write with token 1 since 2001-09-09T01:46:40.123Z.");
  }

  @Test
  void ofAWriteThatWasGrantedAtOnceItIsToldForHowLongAtLeast() {
    assertThat(locks.get(2).tryOwn()).isTrue();
    locks.get(2).beginWrite();
    name(2, Layout.WRITER_THREAD, "writer");
    simulation.word(lockLine + Layout.SEEN_TOKEN, 1);
    simulation.word(lockLine + Layout.SEEN_SINCE, 1_000_000_000_000L);
    Holders holders = new Holders(nodes.get(1), locks.get(1));
    assertThat(Holders.describe(nodes.get(1), holders.uses(), 1, 1_000_000_012_300L))
        .endsWith(", write with token 1 for at least 12.3 s.");
  }

  @Test
  void aThreadThatHasEndedIsSaidToHave() {
    assertThat(locks.get(2).tryOwn()).isTrue();
    locks.get(2).beginWrite();
    name(2, Layout.WRITER_THREAD, "writer");
    word(2, Layout.ENDED_THREAD, 1);
    assertThat(describe()).as("another has").doesNotContain("ended");
    long id = simulation.word(locks.get(2).line(2) + Layout.WRITER_THREAD);
    word(2, Layout.ENDED_THREAD, id);
    assertThat(describe())
        .contains("thread 'writer' (id), which has ended and releases nothing, write with");
  }

  @Test
  void readersAreCountedAndTheLastIsNamed() {
    assertThat(locks.get(0).tryRead()).isTrue();
    name(0, Layout.READER, "one");
    assertThat(describe())
        .isEqualTo("Held by rank 0 (host host0, pid 1), 1 read, thread 'one' (id).");
    assertThat(locks.get(0).tryRead()).isTrue();
    assertThat(locks.get(2).tryRead()).isTrue();
    name(0, Layout.READER, "two");
    name(2, Layout.READER, "three");
    assertThat(describe())
        .isEqualTo(
            "Held by rank 0 (host host0, pid 1), 2 reads, the last by thread 'two' (id);"
                + " rank 2 (host host0, pid 1), 1 read, thread 'three' (id).");
  }

  @Test
  void aRankThatWritesAndReadsIsNamedForBoth() {
    assertThat(locks.get(0).tryOwn()).isTrue();
    locks.get(0).addReadUnderWrite();
    name(0, Layout.WRITER_THREAD, "w");
    name(0, Layout.READER, "r");
    assertThat(describe())
        .isEqualTo(
            "Held by rank 0 (host host0, pid 1), thread 'w' (id), write with token 0, and 1 read,"
                + " thread 'r' (id).");
  }

  @Test
  void thoseWhoWaitAreNamedBehindThoseWhoHold() {
    assertThat(locks.get(0).tryOwn()).isTrue();
    name(0, Layout.WRITER_THREAD, "w");
    word(1, Layout.WAITING_READERS, 1);
    word(2, Layout.WAITING_READERS, 2);
    word(2, Layout.REQUEST, LockWords.request(2, LockWords.WAITING));
    name(2, Layout.WAITER, "asks");
    assertThat(describe())
        .isEqualTo(
            "Held by rank 0 (host host0, pid 1), thread 'w' (id), write with token 0; waiting:"
                + " rank 1 (1 reader), rank 2 (write, thread 'asks' (id), 2 readers).");
    word(2, Layout.REQUEST, LockWords.request(2, LockWords.INTENT));
    word(2, Layout.WAITING_READERS, 0);
    word(1, Layout.WAITING_READERS, 0);
    assertThat(describe()).doesNotContain("waiting");
  }

  @Test
  void whoOwnsAndWaitsForReadersWaits() {
    assertThat(locks.get(0).tryRead()).isTrue();
    name(0, Layout.READER, "r");
    assertThat(locks.get(2).tryOwn()).isTrue();
    name(2, Layout.WRITER_THREAD, "w");
    word(2, Layout.DRAINS, 1);
    word(2, Layout.WRITER_SINCE, 1_000_000_000_000L);
    assertThat(describe().replaceAll("at least [0-9.]+ s", "at least N s"))
        .as("and the read is as old, since none begins while a writer waits")
        .isEqualTo(
            "Held by rank 0 (host host0, pid 1), 1 read, thread 'r' (id) for at least N s; waiting: rank 2 (write, thread 'w' (id) since"
                + " 2001-09-09T01:46:40Z).");
  }

  @Test
  void whoIsSecondInItsRankDoesNotHideTheFirst() {
    assertThat(locks.get(0).tryRead()).isTrue();
    name(0, Layout.READER, "r");
    assertThat(locks.get(2).tryOwn()).isTrue();
    name(2, Layout.WRITER_THREAD, "w");
    word(2, Layout.DRAINS, 1);
    word(2, Layout.REQUEST, LockWords.request(2, LockWords.WAITING));
    name(2, Layout.WAITER, "second");
    assertThat(describe())
        .endsWith("; waiting: rank 2 (write, thread 'w' (id), and another thread).");
    word(2, Layout.WAITING_WRITERS, 1);
    assertThat(describe()).endsWith("thread 'w' (id), and 2 other threads).");
    word(2, Layout.DRAINS, 0);
    assertThat(describe()).endsWith("thread 'second' (id), and another thread).");
  }

  @Test
  void whoHasJustBecomeTheOwnerBesideReadersDoesNotHold() {
    assertThat(locks.get(0).tryRead()).isTrue();
    assertThat(locks.get(2).tryOwn()).isTrue();
    assertThat(new Holders(nodes.get(1), locks.get(1)).uses())
        .as("it will look for readers next, and then wait")
        .extracting(Use::rank, Use::holds, Use::writes)
        .containsExactly(tuple(0, true, false));
    locks.get(0).releaseRead();
    assertThat(new Holders(nodes.get(1), locks.get(1)).uses())
        .extracting(Use::rank, Use::holds, Use::writes)
        .containsExactly(tuple(2, true, true));
  }

  @Test
  void whoWasChosenAndHasNotNoticedWaits() {
    assertThat(locks.get(2).tryOwn()).isTrue();
    word(2, Layout.REQUEST, LockWords.request(2, LockWords.CLAIMED));
    assertThat(new Holders(nodes.get(1), locks.get(1)).uses())
        .extracting(Use::rank, Use::holds, Use::writes)
        .containsExactly(tuple(2, false, true));
  }

  @Test
  void aReadIsAsOldAsTheFirstWriterThatWaits() {
    assertThat(locks.get(0).tryRead()).isTrue();
    for (int rank = 1; rank < RANKS; rank++) {
      word(rank, Layout.REQUEST, LockWords.request(rank, LockWords.WAITING));
      word(rank, Layout.WAITER_SINCE, 5000 - rank * 1000L);
    }
    assertThat(new Holders(nodes.get(1), locks.get(1)).uses())
        .extracting(Use::rank, Use::holds, Use::since)
        .containsExactly(tuple(0, true, 3000L), tuple(1, false, 4000L), tuple(2, false, 3000L));
  }

  @Test
  void withPhaseFairNobodyKnowsHowOldAReadIs() {
    RankContext fair = simulation.node(0, Simulation.settings(true, 0, false));
    assertThat(locks.get(0).tryRead()).isTrue();
    word(1, Layout.REQUEST, LockWords.request(1, LockWords.WAITING));
    word(1, Layout.WAITER_SINCE, 4000);
    assertThat(new Holders(fair, new NodeLock(fair, lockLine, 0)).uses())
        .extracting(Use::rank, Use::since)
        .containsExactly(tuple(0, 0L), tuple(1, 4000L));
  }

  @Test
  void aWriteThatWasGrantedAtOnceIsAsOldAsAWaiterSaw() {
    assertThat(locks.get(0).tryOwn()).isTrue();
    locks.get(0).beginWrite();
    assertThat(locks.get(1).tokenSince()).isZero();
    locks.get(1).noteToken();
    long seen = locks.get(2).tokenSince();
    assertThat(seen).isNotZero();
    simulation.word(lockLine + Layout.SEEN_SINCE, seen - 10);
    locks.get(2).noteToken();
    assertThat(locks.get(2).tokenSince()).as("the first that saw it").isEqualTo(seen - 10);
    assertThat(new Holders(nodes.get(1), locks.get(1)).uses())
        .extracting(Use::since)
        .containsExactly(seen - 10);
    word(0, Layout.WRITER_SINCE, 7000);
    assertThat(new Holders(nodes.get(1), locks.get(1)).uses())
        .as("it knows better itself")
        .extracting(Use::since)
        .containsExactly(7000L);
    locks.get(0).releaseOwnership();
    assertThat(locks.get(0).tryOwn()).isTrue();
    locks.get(0).beginWrite();
    assertThat(locks.get(1).tokenSince()).as("another write").isZero();
  }

  @Test
  void thoseWhoWaitForTheirRanksTurnAndTheReaderThatWaitsLongestAreTold() {
    word(1, Layout.REQUEST, LockWords.request(1, LockWords.WAITING));
    word(1, Layout.WAITING_WRITERS, 1);
    name(1, Layout.WAITER, "w");
    word(2, Layout.REQUEST, LockWords.request(2, LockWords.WAITING));
    word(2, Layout.WAITING_WRITERS, 2);
    word(2, Layout.WAITING_READERS, 2);
    name(2, Layout.WAITER, "w");
    name(2, Layout.WAITING_READER, "r");
    word(2, Layout.WAITING_READER_SINCE, 1_000_000_000_000L);
    assertThat(describe())
        .isEqualTo(
            "Nobody holds it now; waiting: rank 1 (write, thread 'w' (id), and another thread),"
                + " rank 2 (write, thread 'w' (id), and 2 other threads, 2 readers, thread 'r' (id)"
                + " since 2001-09-09T01:46:40Z).");
    simulation.word(Layout.slot(2) + Layout.LIFE, RankContext.DEAD);
    assertThat(describe()).as("the dead do not wait").doesNotContain("rank 2");
  }

  @Test
  void aNameIsCutAndAThreadWithoutOneIsCalledUnnamed() {
    assertThat(locks.get(0).tryRead()).isTrue();
    name(0, Layout.READER, "a name of more than twenty-four bytes");
    assertThat(describe()).contains("thread 'a name of more than twen' (id)");
    name(0, Layout.READER, "");
    assertThat(describe()).contains("thread 'unnamed' (id)");
  }

  @Test
  void aThreadThatIsNamedAlreadyIsNotWrittenAgain() {
    Thread thread = new Thread(() -> {}, "first");
    ThreadId id = new ThreadId(thread);
    id.put(nodes.get(0).window(), lockLine);
    simulation.word(lockLine + 1, 0x4142430000000000L);
    id.put(nodes.get(0).window(), lockLine);
    assertThat(ThreadId.name(nodes.get(0).window(), lockLine)).isEqualTo("ABC");
  }

  @Test
  void whoSeesAThreadSeesItsWholeName() {
    NodeWindow window = nodes.get(0).window();
    NodeWindow watched =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (_, method, arguments) -> {
                  Object result = method.invoke(window, arguments);
                  if (window.get(lockLine) != 0) {
                    assertThat(ThreadId.name(window, lockLine)).isEqualTo("in three words of it");
                  }
                  return result;
                });
    new ThreadId(new Thread(() -> {}, "in three words of it")).put(watched, lockLine);
    assertThat(window.get(lockLine)).isNotZero();
  }
}

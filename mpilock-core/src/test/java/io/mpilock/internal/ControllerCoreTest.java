/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.status.RankStatus;
import io.mpilock.testing.BareCommunicator;
import io.mpilock.testing.Recorded;
import io.mpilock.testing.Silent;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** How a rank's part begins and ends, and what its transport is told. */
@Timeout(180)
@ExtendWith(Silent.class)
class ControllerCoreTest {
  private static final Duration NEVER = Duration.ofHours(1);
  private static final Duration SOON = Duration.ofMillis(50);

  private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();

  private CoreSettings settings(Duration stallWarning, Duration shutdownTimeout, long words) {
    return settings(stallWarning, shutdownTimeout, NEVER, words);
  }

  private CoreSettings settings(
      Duration stallWarning, Duration shutdownTimeout, Duration heartbeatTimeout, long words) {
    return new CoreSettings(
        0,
        false,
        Set.of(),
        0,
        false,
        true,
        stallWarning,
        shutdownTimeout,
        heartbeatTimeout,
        words,
        (value, out) -> {},
        in -> "",
        (resource, report) -> reports.add(report));
  }

  private CoreSettings settings() {
    return settings(NEVER, Duration.ofSeconds(PlayedNodes.SECONDS), 128 * 1024);
  }

  private String report() throws InterruptedException {
    String report = reports.poll(PlayedNodes.SECONDS, TimeUnit.SECONDS);
    assertThat(report).as("a report of a stall").isNotNull();
    return report;
  }

  private static CompletableFuture<ControllerCore> opening(
      Communicator world, CoreSettings settings) {
    return PlayedNodes.start(() -> ControllerCore.open(world, settings));
  }

  @Test
  void moreRanksThanTheWordsHaveRoomForAreRefused() {
    for (int[] size :
        new int[][] {{65_533, 1}, {65_534, 1}, {65_533, 2}, {65_536, 4}, {65_537, 4}}) {
      BareCommunicator ranks =
          new BareCommunicator() {
            @Override
            public int rank() {
              return 0;
            }

            @Override
            public int size() {
              return size[0];
            }

            @Override
            public Member member(int rank) {
              return new Member(rank, rank % size[1], "host", 1);
            }
          };
      boolean fits = (size[0] + size[1] - 1) / size[1] + (size[1] > 1 ? 1 : 0) <= 65_533;
      if (fits && size[0] <= 65_536) {
        assertThatThrownBy(() -> ControllerCore.open(ranks, settings()))
            .as("no room is looked for here")
            .isInstanceOf(UnsupportedOperationException.class);
      } else {
        assertThatThrownBy(() -> ControllerCore.open(ranks, settings()))
            .isInstanceOf(StartupException.class)
            .hasMessageContaining("at most 65536")
            .hasMessageContaining("a node 65533, its agent included");
      }
    }
  }

  private static List<ControllerCore> open(
      LocalCluster cluster, CoreSettings settings, Recorded record) throws Exception {
    List<CompletableFuture<ControllerCore>> opening = new ArrayList<>();
    for (int rank = 0; rank < cluster.size(); rank++) {
      opening.add(opening(record.of(cluster.world(rank)), settings));
    }
    List<ControllerCore> cores = new ArrayList<>();
    for (CompletableFuture<ControllerCore> each : opening) {
      cores.add(PlayedNodes.get(each));
    }
    return cores;
  }

  /** A rank that has its window, and does not come to the sync. */
  private CompletableFuture<Boolean> lingering(LocalCluster cluster, int rank) {
    return PlayedNodes.start(() -> {
      Communicator world = cluster.world(rank);
      var _ = world.allocate(settings().windowWords());
      if (cluster.nodes() > 1) {
        var _ = world.messenger(() -> {});
      }
      return true;
    });
  }

  private static void write(ControllerCore core) {
    RankLock lock = core.resource("r");
    assertThat(lock.hold().acquireWrite(lock, ThreadHold.FOREVER)).isTrue();
    lock.hold().releaseWrite(lock);
  }

  /** For good: the thread ends without closing it. */
  private static void readOnAnotherThread(ControllerCore core) throws Exception {
    CompletableFuture<Boolean> read =
        PlayedNodes.start(() -> {
          RankLock lock = core.resource("r");
          return lock.hold().acquireRead(lock, 0);
        });
    assertThat(PlayedNodes.get(read)).isTrue();
  }

  // The beginning.

  @Test
  void aRankThatDiesBeforeItsSyncEndsThatOfTheOthers() throws Exception {
    LocalCluster cluster = LocalCluster.of(0, 0, 1);
    Recorded record = new Recorded();
    CompletableFuture<ControllerCore> opening = opening(record.of(cluster.world(0)), settings());
    CompletableFuture<Boolean> other = lingering(cluster, 2);
    assertThat(PlayedNodes.get(lingering(cluster, 1))).isTrue();
    assertThat(PlayedNodes.get(other)).isTrue();
    cluster.kill(1);
    assertThatThrownBy(() -> PlayedNodes.get(opening))
        .isInstanceOf(RankFailedException.class)
        .hasMessageContaining("rank 1 ")
        .hasMessageContaining("it cannot take part in sync");
    assertThat(record.calls())
        .as("nothing stays")
        .contains("Messenger.close")
        .filteredOn("NodeWindow.free"::equals)
        .as("its own and its agent's")
        .hasSize(2);
  }

  @Test
  void whoIsInterruptedInSyncTakesNoPart() throws Exception {
    LocalCluster cluster = LocalCluster.of(0, 0);
    Recorded record = new Recorded();
    Thread[] caller = new Thread[1];
    CountDownLatch begun = new CountDownLatch(1);
    CompletableFuture<ControllerCore> opening =
        PlayedNodes.start(() -> {
          caller[0] = Thread.currentThread();
          begun.countDown();
          return ControllerCore.open(record.of(cluster.world(0)), settings());
        });
    begun.await();
    assertThat(PlayedNodes.get(lingering(cluster, 1))).isTrue();
    caller[0].interrupt();
    assertThatThrownBy(() -> PlayedNodes.get(opening))
        .isInstanceOf(MpilockException.class)
        .hasMessageContaining("Rank 0 was interrupted while it waited in sync");
    assertThat(record.calls()).endsWith("NodeWindow.free");
  }

  @Test
  void whoWaitsLongInSyncSaysForWhom() throws Exception {
    LocalCluster cluster = LocalCluster.of(0, 0);
    CoreSettings impatient = settings(SOON, NEVER, 128 * 1024);
    CompletableFuture<ControllerCore> first = opening(cluster.world(0), impatient);
    CountDownLatch told = new CountDownLatch(1);
    Communicator late =
        new Shown(
            cluster.world(1),
            window -> assertThat(told.await(PlayedNodes.SECONDS, TimeUnit.SECONDS)).isTrue());
    CompletableFuture<ControllerCore> second = opening(late, impatient);
    assertThat(report())
        .contains("rank 0 ", "in sync for all 2 ranks; 1 of 2 have arrived on this node. Look at");
    told.countDown();
    write(PlayedNodes.get(first));
    write(PlayedNodes.get(second));
  }

  @Test
  void whoWaitsLongInSyncForAnotherNodeSaysSo() throws Exception {
    LocalCluster cluster = LocalCluster.of(0, 1);
    CompletableFuture<ControllerCore> opening =
        opening(cluster.world(0), settings(SOON, NEVER, Duration.ofSeconds(1), 128 * 1024));
    assertThat(PlayedNodes.get(lingering(cluster, 1))).isTrue();
    assertThat(report())
        .contains(
            "1 of 1 have arrived on this node, and ranks of another node have not arrived"
                + " yet.");
    cluster.kill(1);
    assertThatThrownBy(() -> PlayedNodes.get(opening)).isInstanceOf(RankFailedException.class);
  }

  @Test
  void ranksWithOtherSettingsAreAllToldAndKeepNothing() throws Exception {
    LocalCluster cluster = LocalCluster.of(0, 0, 0);
    Recorded record = new Recorded();
    List<CompletableFuture<ControllerCore>> opening = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      CoreSettings mine = settings(NEVER, NEVER, 128 * 1024 + rank / 2);
      opening.add(opening(record.of(cluster.world(rank)), mine));
    }
    for (CompletableFuture<ControllerCore> each : opening) {
      assertThatThrownBy(() -> PlayedNodes.get(each))
          .isInstanceOf(StartupException.class)
          .hasMessageContaining("Rank 2 was given other settings");
    }
    assertThat(record.calls()).filteredOn("NodeWindow.free"::equals).hasSize(3);
  }

  /** A transport clears the first words only. */
  @Test
  void whatTheWindowHeldBeforeDoesNotMatter() throws Exception {
    int ranks = 24;
    LocalCluster cluster = new LocalCluster(ranks);
    CountDownLatch filled = new CountDownLatch(1);
    List<CompletableFuture<ControllerCore>> opening = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      Communicator world = cluster.world(rank);
      boolean fills = rank == 0;
      Communicator dirty =
          new Shown(
              world,
              window -> {
                for (long i = Communicator.ZEROED_WORDS; fills && i < window.words(); i++) {
                  window.set(i, 0x7070_7070_7070_7070L);
                }
                if (fills) {
                  filled.countDown();
                }
                assertThat(filled.await(PlayedNodes.SECONDS, TimeUnit.SECONDS)).isTrue();
              });
      opening.add(opening(dirty, settings(NEVER, NEVER, 16 * 1024)));
    }
    for (CompletableFuture<ControllerCore> each : opening) {
      write(PlayedNodes.get(each));
    }
    List<CompletableFuture<Boolean>> closing = new ArrayList<>();
    for (CompletableFuture<ControllerCore> each : opening) {
      ControllerCore core = PlayedNodes.get(each);
      assertThat(core.status(0).ranks())
          .extracting(RankStatus::state)
          .containsOnly(RankStatus.State.OPEN);
      assertThat(core.messages()).isZero();
    }
    for (CompletableFuture<ControllerCore> each : opening) {
      closing.add(PlayedNodes.start(PlayedNodes.get(each)::close));
    }
    for (CompletableFuture<Boolean> each : closing) {
      assertThat(PlayedNodes.get(each)).isTrue();
    }
  }

  @Test
  void aWindowIsNeverSmallerThanWhatSyncNeeds() throws Exception {
    for (int ranks : new int[] {1, 2, 3}) {
      Recorded record = new Recorded();
      List<ControllerCore> cores = open(new LocalCluster(ranks), settings(NEVER, NEVER, 1), record);
      long least = Layout.directory(ranks + 1, ranks) + Layout.LINE;
      assertThat(record.calls())
          .filteredOn(call -> call.startsWith("allocate"))
          .hasSize(ranks)
          .containsOnly("allocate " + Math.ceilDiv(least, ranks));
      cores.forEach(ControllerCore::abandon);
    }
  }

  // In between.

  @Test
  void afterTheCloseNothingIsGivenAndBeforeOnlyWhatHasAName() throws Exception {
    ControllerCore core = open(new LocalCluster(1), settings(), new Recorded()).getFirst();
    assertThatThrownBy(() -> core.resource("")).isInstanceOf(IllegalArgumentException.class);
    assertThat(core.resource("r")).isSameAs(core.resource("r"));
    assertThat(core.messages()).isZero();
    assertThat(core.status(0).silentNodes()).isEmpty();
    assertThat(core.isClosed()).isFalse();
    assertThat(core.close()).isTrue();
    assertThat(core.isClosed()).isTrue();
    assertThat(core.close()).isFalse();
    assertThat(core.abandon()).isFalse();
    assertThatThrownBy(() -> core.resource("r")).isInstanceOf(ControllerClosedException.class);
    assertThatThrownBy(core::messages).isInstanceOf(ControllerClosedException.class);
    assertThatThrownBy(() -> core.status(0)).isInstanceOf(ControllerClosedException.class);
  }

  /** Somebody else has freed the window, such as MPI_Finalize. */
  @Test
  void aWindowThatWentAwayIsNotTakenForAClose() throws Exception {
    NodeWindow[] window = new NodeWindow[1];
    Communicator world = new Shown(new LocalCluster(1).world(0), made -> window[0] = made);
    ControllerCore core = PlayedNodes.get(opening(world, settings()));
    window[0].free();
    assertThatThrownBy(() -> core.resource("r")).isExactlyInstanceOf(MpilockException.class);
    assertThatThrownBy(core::messages).isExactlyInstanceOf(MpilockException.class);
    assertThatThrownBy(() -> core.status(0)).isExactlyInstanceOf(MpilockException.class);
    assertThat(core.close()).as("there is nothing left to close").isTrue();
    assertThat(core.close()).isFalse();
  }

  // The end.

  @Test
  void theTransportKnowsWhileARankIsInItsClose() throws Exception {
    Recorded record = new Recorded();
    ControllerCore core = open(new LocalCluster(1), settings(), record).getFirst();
    assertThat(core.close()).isTrue();
    assertThat(record.calls())
        .filteredOn(call -> !call.startsWith("allocate"))
        .containsExactly("leaving true", "NodeWindow.free", "leaving false");
  }

  /** Nor the other ranks: the one that comes late has not come to its close when this is told. */
  @Test
  void aLeaseOfTheClosingThreadIsToldAtOnce() throws Exception {
    List<ControllerCore> cores =
        open(new LocalCluster(2), settings(NEVER, NEVER, 128 * 1024), new Recorded());
    CompletableFuture<Boolean> closing =
        PlayedNodes.start(() -> {
          RankLock lock = cores.getFirst().resource("r");
          assertThat(lock.hold().acquireWrite(lock, 0)).isTrue();
          assertThat(cores.getFirst().beginShutdown()).isZero();
          return cores.getFirst().close();
        });
    assertThatThrownBy(() -> PlayedNodes.get(closing))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("Thread 'rank' of rank 0 closed its controller while it holds")
        .hasMessageContaining("resource 'r' by thread 'rank'");
    assertThat(PlayedNodes.get(PlayedNodes.start(cores.get(1)::close))).isTrue();
  }

  /** The clock stands at 20 of 30 s when the lease ends, and then goes on by 11. */
  @Test
  void leasesAndOtherRanksAreWaitedForUntilOneDeadline() throws Exception {
    AtomicLong clock = new AtomicLong();
    RankContext.Pace pace = new RankContext.Pace(20, 0, clock::get);
    CoreSettings settings = settings(NEVER, Duration.ofSeconds(30), 128 * 1024);
    LocalCluster cluster = new LocalCluster(2);
    List<CompletableFuture<ControllerCore>> opening = new ArrayList<>();
    for (int rank = 0; rank < 2; rank++) {
      Communicator world = cluster.world(rank);
      opening.add(
          PlayedNodes.start(
              () -> ControllerCore.open(world, settings, pace, Agent.onThread(), Agent.ARITY)));
    }
    ControllerCore closes = PlayedNodes.get(opening.get(0));
    ControllerCore stays = PlayedNodes.get(opening.get(1));
    assertThat(closes.beginShutdown()).isEqualTo(Duration.ofSeconds(30).toNanos());
    clock.addAndGet(Duration.ofSeconds(5).toNanos());
    assertThat(closes.beginShutdown())
        .as("what comes before the close counts")
        .isEqualTo(Duration.ofSeconds(25).toNanos());
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch enough = new CountDownLatch(1);
    CompletableFuture<Boolean> holding =
        PlayedNodes.start(() -> {
          RankLock lock = closes.resource("r");
          assertThat(lock.hold().acquireWrite(lock, 0)).isTrue();
          held.countDown();
          enough.await();
          lock.hold().releaseWrite(lock);
          return true;
        });
    held.await();
    CompletableFuture<Boolean> closing = PlayedNodes.start(closes::close);
    clock.addAndGet(Duration.ofSeconds(15).toNanos());
    enough.countDown();
    assertThat(PlayedNodes.get(holding)).isTrue();
    while (stays.status(0).ranks().getFirst().state() != RankStatus.State.CLOSING) {
      Thread.sleep(1);
    }
    assertThat(closing.isDone()).as("it waits for the other rank").isFalse();
    clock.addAndGet(Duration.ofSeconds(11).toNanos());
    assertThat(PlayedNodes.get(closing)).isTrue();
    assertThat(PlayedNodes.get(PlayedNodes.start(stays::close))).isTrue();
  }

  @Test
  void aLeaseOfAnotherThreadIsWaitedForAndTold() throws Exception {
    ControllerCore core =
        open(new LocalCluster(1), settings(SOON, NEVER, 128 * 1024), new Recorded()).getFirst();
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch held = new CountDownLatch(1);
    CompletableFuture<Boolean> holding =
        PlayedNodes.start(() -> {
          RankLock lock = core.resource("r");
          assertThat(lock.hold().acquireRead(lock, 0)).isTrue();
          held.countDown();
          told.await();
          lock.hold().releaseRead(lock);
          return true;
        });
    held.await();
    CompletableFuture<Boolean> closing = PlayedNodes.start(core::close);
    String report = report();
    assertThat(report)
        .startsWith("Rank 0 waits in close for resource 'r' by 1 read, thread 'rank'");
    assertThat(report()).as("again after as long").isEqualTo(report);
    assertThat(closing.isDone()).isFalse();
    told.countDown();
    assertThat(PlayedNodes.get(holding)).isTrue();
    assertThat(PlayedNodes.get(closing)).isTrue();
  }

  @Test
  void aLeaseOfAnotherThreadIsNotWaitedForForEver() throws Exception {
    ControllerCore core =
        open(new LocalCluster(1), settings(NEVER, SOON, 128 * 1024), new Recorded()).getFirst();
    readOnAnotherThread(core);
    assertThatThrownBy(() -> PlayedNodes.get(PlayedNodes.start(core::close)))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("at most 0.1 s after it began to: resource 'r' by 1 read");
  }

  @Test
  void aSingleWriteOfTheClosingThreadIsNotWaitedFor() throws Exception {
    ControllerCore core =
        open(new LocalCluster(1), settings(NEVER, NEVER, 128 * 1024), new Recorded()).getFirst();
    CompletableFuture<Boolean> closing =
        PlayedNodes.start(() -> {
          SingleWriteCall _ =
              core.collectives()
                  .singleWrite(
                      core.resource("r"),
                      0,
                      ThreadHold.FOREVER,
                      (writer, nanos, bytes, cause) -> {});
          return core.close();
        });
    assertThatThrownBy(() -> PlayedNodes.get(closing))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("a collective call that is not over");
  }

  @Test
  void anInterruptEndsTheWaitForALease() throws Exception {
    ControllerCore core =
        open(new LocalCluster(1), settings(NEVER, NEVER, 128 * 1024), new Recorded()).getFirst();
    readOnAnotherThread(core);
    CompletableFuture<Boolean> closing =
        PlayedNodes.start(() -> {
          Thread.currentThread().interrupt();
          return core.close();
        });
    assertThatThrownBy(() -> PlayedNodes.get(closing)).isInstanceOf(LockUseException.class);
  }

  @Test
  void whoGivesItselfUpCountsAsDeadAtOnce() throws Exception {
    Recorded record = new Recorded();
    List<ControllerCore> cores = open(new LocalCluster(2), settings(), record);
    assertThat(cores.get(1).abandon()).isTrue();
    assertThat(record.calls()).endsWith("NodeWindow.free");
    assertThat(cores.get(1).isClosed()).isTrue();
    assertThat(cores.get(1).abandon()).isFalse();
    assertThat(cores.get(1).close()).isFalse();
    assertThat(cores.getFirst().status(0).ranks())
        .extracting(RankStatus::state)
        .containsExactly(RankStatus.State.OPEN, RankStatus.State.DEAD);
  }

  @Test
  void atTheEndTheTransportIsToldWhomItNeedNotWaitFor() throws Exception {
    LocalCluster cluster = LocalCluster.of(0, 0, 1, 1);
    List<Recorded> records = new ArrayList<>();
    List<CompletableFuture<ControllerCore>> opening = new ArrayList<>();
    for (int rank = 0; rank < 4; rank++) {
      records.add(new Recorded());
      opening.add(opening(records.get(rank).of(cluster.world(rank)), settings()));
    }
    List<ControllerCore> cores = new ArrayList<>();
    for (CompletableFuture<ControllerCore> each : opening) {
      cores.add(PlayedNodes.get(each));
    }
    cluster.kill(3);
    while (!records.get(0).calls().contains("lost 3")) { // the agent knows, and so does the node
      Thread.onSpinWait();
    }
    assertThat(records.get(1).calls()).doesNotContain("lost 3", "Messenger.close");
    List<CompletableFuture<Boolean>> closing = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      closing.add(PlayedNodes.start(cores.get(rank)::close));
    }
    for (CompletableFuture<Boolean> each : closing) {
      assertThat(PlayedNodes.get(each)).isTrue();
    }
    assertThat(records.get(1).calls())
        .contains("lost 3")
        .doesNotContain("lost 0", "lost 2")
        .containsSubsequence("Messenger.close", "NodeWindow.free");
  }

  /** A window is shown to the test before it is used. */
  private record Shown(Communicator real, Sight sight) implements BareCommunicator {
    interface Sight {
      void see(NodeWindow window) throws InterruptedException;
    }

    @Override
    public int rank() {
      return real.rank();
    }

    @Override
    public int size() {
      return real.size();
    }

    @Override
    public Member member(int rank) {
      return real.member(rank);
    }

    @Override
    public NodeWindow allocate(long wordsPerRank) {
      NodeWindow window = real.allocate(wordsPerRank);
      try {
        sight.see(window);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      return window;
    }
  }
}

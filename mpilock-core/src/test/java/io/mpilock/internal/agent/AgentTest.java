/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.internal.ControllerCore;
import io.mpilock.internal.PlayedNodes;
import io.mpilock.internal.call.ShareStream;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.job.NodeReport.Use;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.status.JobStatus;
import io.mpilock.status.LockUser;
import io.mpilock.status.RankStatus;
import io.mpilock.status.ResourceStatus;
import io.mpilock.testing.Logged;
import io.mpilock.testing.Recorded;
import io.mpilock.testing.Silent;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a node says to the others and what they say to it, message by message. */
@Timeout(180)
@ExtendWith(Silent.class)
class AgentTest {
  private static final String DEFAULT = CoreSettings.DEFAULT_RESOURCE;
  private static final Duration USUAL = Duration.ofSeconds(4);
  private static final Duration NEVER = Duration.ofHours(1);

  /** Rank 0 is real; rank 1 is played, on a node of its own. */
  private static PlayedNodes pair(int master) throws Exception {
    PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(master, NEVER), 0, 0, 1);
    nodes.greet();
    return nodes;
  }

  private static CompletableFuture<Long> reads(PlayedNodes nodes, String resource, long nanos) {
    return PlayedNodes.start(() -> {
      RankLock lock = nodes.core(0).resource(resource);
      ThreadHold hold = lock.hold();
      if (!hold.acquireRead(lock, nanos)) {
        return -1L;
      }
      hold.releaseRead(lock);
      return hold.token();
    });
  }

  private static CompletableFuture<Long> writes(PlayedNodes nodes, String resource) {
    return PlayedNodes.start(() -> {
      RankLock lock = nodes.core(0).resource(resource);
      ThreadHold hold = lock.hold();
      assertThat(hold.acquireWrite(lock, ThreadHold.FOREVER)).isTrue();
      hold.releaseWrite(lock);
      return hold.token();
    });
  }

  private static void assertBroken(PlayedNodes nodes, int rank) throws Exception {
    assertThatThrownBy(() -> PlayedNodes.get(reads(nodes, "asks for it", ThreadHold.FOREVER)))
        .isInstanceOf(RankFailedException.class)
        .extracting(e -> ((RankFailedException) e).rank())
        .isEqualTo(rank);
  }

  // The beginning.

  @Test
  void aNodeWithOtherSettingsIsToldToBoth() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 1, 2)) {
      Message.Hello hello = nodes.next(1, Message.Hello.class);
      assertThat(nodes.next(2, Message.Hello.class)).isEqualTo(hello);
      nodes.send(1, new Message.Hello(hello.settings() + 1));
      nodes.send(1, hello); // only the first word counts
      nodes.send(2, hello);
      assertThatThrownBy(() -> nodes.core(0))
          .isInstanceOf(StartupException.class)
          .hasMessageContaining("other settings");
    }
  }

  @Test
  void aNodeWhoseOwnRanksDifferTellsTheOthers() throws Exception {
    Message.Hello alike;
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 1)) {
      alike = nodes.next(1, Message.Hello.class);
    }
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), 0, 0, 1)) {
      assertThat(nodes.next(1, Message.Hello.class)).isNotEqualTo(alike);
    }
  }

  @Test
  void nobodyIsThroughTheStartBeforeAllHaveGreeted() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 1, 2)) {
      Message.Hello hello = nodes.next(1, Message.Hello.class);
      nodes.send(1, hello);
      nodes.send(1, hello);
      nodes.settle(1);
      CompletableFuture<ControllerCore> opened = PlayedNodes.start(() -> nodes.core(0));
      assertThat(opened.isDone()).isFalse();
      nodes.send(2, hello);
      assertThat(PlayedNodes.get(opened).messages()).isZero();
    }
  }

  // Locks.

  @Test
  void atTheHomeAnotherNodesRequestIsServedAndItsPermissionRecalled() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      nodes.send(1, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0));
      assertThat(nodes.next(1, Message.Grant.class))
          .isEqualTo(new Message.Grant(DEFAULT, Permission.EXCLUSIVE, 0, 0));
      CompletableFuture<Long> write = writes(nodes, DEFAULT);
      assertThat(nodes.next(1, Message.Recall.class))
          .isEqualTo(new Message.Recall(DEFAULT, Permission.NONE));
      nodes.send(1, new Message.Yield(DEFAULT, Permission.NONE, 7, 0, -1));
      assertThat(PlayedNodes.get(write)).isEqualTo(8);
      assertThat(nodes.core(0).messages()).as("Grant and Recall").isEqualTo(2);
    }
  }

  @Test
  void atTheHomeATryOfAnotherNodeIsRefusedWhileARankHolds() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      RankLock lock = nodes.core(0).resource(DEFAULT);
      ThreadHold hold = lock.hold();
      assertThat(hold.acquireWrite(lock, ThreadHold.FOREVER)).isTrue();
      nodes.send(1, new Message.Request(DEFAULT, Permission.SHARED, 1));
      assertThat(nodes.next(1, Message.Refuse.class)).isEqualTo(new Message.Refuse(DEFAULT, 1));
      nodes.send(1, new Message.Cancel(DEFAULT));
      nodes.settle(1);
      hold.releaseWrite(lock);
      nodes.settle(1);
      assertThat(nodes.all(1)).isEmpty();
    }
  }

  @Test
  void atTheHomeANodeThatHoldsOnRefusesTheTryOfARank() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      nodes.send(1, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0));
      nodes.next(1, Message.Grant.class);
      CompletableFuture<Long> read = reads(nodes, DEFAULT, 0);
      assertThat(nodes.next(1, Message.Recall.class))
          .isEqualTo(new Message.Recall(DEFAULT, Permission.SHARED));
      assertThat(nodes.next(1, Message.Settle.class)).isEqualTo(new Message.Settle(DEFAULT));
      nodes.send(1, new Message.Settled(DEFAULT));
      assertThat(PlayedNodes.get(read)).isEqualTo(-1);
      assertThat(nodes.next(1, Message.Recall.class).limit()).isEqualTo(Permission.EXCLUSIVE);
    }
  }

  @Test
  void aWriterThatDiedElsewherePoisonsHere() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      nodes.send(1, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0));
      nodes.next(1, Message.Grant.class);
      CompletableFuture<Long> read = reads(nodes, DEFAULT, ThreadHold.FOREVER);
      nodes.next(1, Message.Recall.class);
      nodes.send(1, new Message.Yield(DEFAULT, Permission.NONE, 7, 0, 1));
      assertThatThrownBy(() -> PlayedNodes.get(read))
          .isInstanceOf(RankFailedException.class)
          .hasMessageContaining("rank 1");
    }
  }

  @Test
  void whatTheHomeGrantsIsUsedAndKeptUntilItIsRecalled() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      CompletableFuture<Long> read = reads(nodes, DEFAULT, ThreadHold.FOREVER);
      assertThat(nodes.next(1, Message.Request.class))
          .isEqualTo(new Message.Request(DEFAULT, Permission.SHARED, 0));
      nodes.send(1, new Message.Grant(DEFAULT, Permission.SHARED, 41, 0));
      assertThat(PlayedNodes.get(read)).isEqualTo(41);
      assertThat(PlayedNodes.get(reads(nodes, DEFAULT, 0))).isEqualTo(41);
      nodes.settle(1);
      assertThat(nodes.all(1)).isEmpty();
      nodes.send(1, new Message.Recall(DEFAULT, Permission.NONE));
      assertThat(nodes.next(1, Message.Yield.class))
          .isEqualTo(new Message.Yield(DEFAULT, Permission.NONE, 41, 0, -1));
      assertThat(nodes.core(0).messages()).as("Request and Yield").isEqualTo(2);
    }
  }

  @Test
  void aTryThatTheHomeRefusesEnds() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      CompletableFuture<Long> read = reads(nodes, DEFAULT, 0);
      assertThat(nodes.next(1, Message.Request.class))
          .isEqualTo(new Message.Request(DEFAULT, Permission.SHARED, 1));
      nodes.send(1, new Message.Refuse(DEFAULT, 1));
      assertThat(PlayedNodes.get(read)).isEqualTo(-1);
      assertThat(nodes.next(1, Message.Cancel.class)).isEqualTo(new Message.Cancel(DEFAULT));
    }
  }

  @Test
  void aResourceThatTheHomePoisonsFails() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      CompletableFuture<Long> read = reads(nodes, DEFAULT, ThreadHold.FOREVER);
      nodes.next(1, Message.Request.class);
      nodes.send(1, new Message.Poison(DEFAULT, 1));
      assertThatThrownBy(() -> PlayedNodes.get(read)).isInstanceOf(RankFailedException.class);
    }
  }

  @Test
  void namedResourcesAreAtHomeOnAllNodesAndTheDefaultOnTheMasters() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      int asked = 0;
      for (int i = 0; i < 40; i++) {
        String resource = "r" + i;
        CompletableFuture<Long> write = writes(nodes, resource);
        while (!write.isDone()) {
          for (Object message : nodes.all(1)) {
            assertThat(message).isEqualTo(new Message.Request(resource, Permission.EXCLUSIVE, 0));
            nodes.send(1, new Message.Grant(resource, Permission.EXCLUSIVE, 0, 0));
            asked++;
          }
          Thread.onSpinWait();
        }
        assertThat(PlayedNodes.get(write)).isEqualTo(1);
      }
      assertThat(asked).isBetween(5, 35);
    }
  }

  /**
   * As all versions of this library must agree; hash codes of strings are fixed by the language.
   */
  @ParameterizedTest
  @CsvSource({"orders, 0", "customers, 1", "flights, 0", "journal, 1", "Aa, 0"})
  void aNameHasTheSameHomeEverywhere(String resource, int lockLine) throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      nodes.send(1, new Message.Request(resource, Permission.EXCLUSIVE, 0));
      nodes.settle(1);
      assertThat(nodes.all(1))
          .isEqualTo(
              lockLine == 0
                  ? List.of(new Message.Grant(resource, Permission.EXCLUSIVE, 0, 0))
                  : List.of());
    }
  }

  @Test
  void theFirstRankMayBeTheWriterThatDied() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), 1, 0, 1)) {
      nodes.greet();
      nodes.send(0, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0));
      nodes.next(0, Message.Grant.class);
      CompletableFuture<Boolean> write =
          PlayedNodes.start(() -> {
            RankLock lock = nodes.core(1).resource(DEFAULT);
            return lock.hold().acquireWrite(lock, ThreadHold.FOREVER);
          });
      nodes.next(0, Message.Recall.class);
      nodes.send(0, new Message.Yield(DEFAULT, Permission.NONE, 7, 0, 0));
      assertThatThrownBy(() -> PlayedNodes.get(write))
          .isInstanceOf(RankFailedException.class)
          .hasMessageContaining("rank 0");
    }
  }

  // Frames that no real node sends.

  @Test
  void aFrameThatMakesNoSenseIsDropped() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), 0, 0, 1, 2)) {
      nodes.greet();
      CompletableFuture<Long> read = reads(nodes, DEFAULT, ThreadHold.FOREVER);
      nodes.next(1, Message.Request.class);
      nodes.send(2, ByteBuffer.wrap(new byte[] {99, 1, 2, 3}));
      nodes.send(2, ByteBuffer.wrap(new byte[] {Message.STREAM, 1, 2, 3}));
      nodes.send(2, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0)); // not at home here
      nodes.send(2, new Message.Grant("nobody named this", Permission.EXCLUSIVE, 0, 0));
      nodes.send(2, new Message.Poison(DEFAULT, -1));
      nodes.send(2, new Message.Poison(DEFAULT, 3));
      nodes.send(2, new Message.Died(3));
      nodes.send(2, new Message.Broken(-1));
      nodes.send(2, new Message.Through(true)); // the root is elsewhere
      nodes.send(2, new Message.Arrived(1, Verdict.SINGLE_WRITE, 0, DEFAULT));
      nodes.send(2, new Message.Closing(1, 3));
      nodes.send(2, new Message.Closing(1, 2)); // that is the root's to say
      nodes.send(2, new Message.Ask(1));
      nodes.send(2, new Message.AllThrough());
      nodes.send(1, new Message.Decide(1, Verdict.DIED, 3, ""));
      nodes.send(1, new Message.Decide(2, Verdict.DIED, 0, "")); // not the next
      nodes.send(2, new Message.Fail(1, Verdict.DIED, 0));
      nodes.send(2, new Message.Summary(1, "x"));
      nodes.settle(2);
      assertThat(nodes.all(2)).isEmpty();
      assertThat(read.isDone()).isFalse();
      nodes.send(1, new Message.Grant(DEFAULT, Permission.SHARED, 3, 0));
      assertThat(PlayedNodes.get(read)).isEqualTo(3);
    }
  }

  @Test
  void aDeathOfNobodyAtTheHomeIsDropped() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      nodes.send(1, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0));
      nodes.next(1, Message.Grant.class);
      CompletableFuture<Long> read = reads(nodes, DEFAULT, ThreadHold.FOREVER);
      nodes.next(1, Message.Recall.class);
      nodes.send(1, new Message.Yield(DEFAULT, Permission.NONE, 7, 0, 2)); // there is no rank 2
      nodes.settle(1);
      assertThat(read.isDone()).isFalse();
      nodes.send(1, new Message.Yield(DEFAULT, Permission.NONE, 7, 0, -1));
      assertThat(PlayedNodes.get(read)).isEqualTo(7);
    }
  }

  // Who dies.

  @Test
  void aNodeThatSaysItIsBrokenEndsTheLocks() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), 0, 0, 1, 2)) {
      nodes.greet();
      nodes.send(1, new Message.Broken(2));
      nodes.settle(1);
      assertBroken(nodes, 2);
    }
  }

  @Test
  void aDeathOfALeaderBreaksAndAnotherRanksDoesNot() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 1, 1)) {
      nodes.greet();
      nodes.send(1, new Message.Died(2));
      nodes.settle(1);
      assertThat(PlayedNodes.get(writes(nodes, DEFAULT))).isEqualTo(1);
      CompletableFuture<SingleWriteCall> call =
          PlayedNodes.start(() ->
              nodes
                  .core(0)
                  .collectives()
                  .singleWrite(
                      nodes.core(0).resource(DEFAULT),
                      0,
                      ThreadHold.FOREVER,
                      (writer, nanos, bytes, failure) -> {}));
      assertThat(nodes.next(1, Message.Ask.class).call()).isEqualTo(1);
      nodes.send(1, new Message.Summary(1, "what they called"));
      assertThatThrownBy(() -> PlayedNodes.get(call))
          .isInstanceOf(RankFailedException.class)
          .hasMessageContaining("rank 2 died")
          .hasMessageContaining("what they called");
      nodes.send(1, new Message.Died(1));
      nodes.settle(1);
      assertBroken(nodes, 1);
    }
  }

  @Test
  void aDeathOnThisNodeIsToldToTheOthers() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, USUAL), 0, 0, 0, 1)) {
      nodes.greet();
      nodes.cluster().kill(1);
      assertThat(nodes.next(2, Message.Died.class)).isEqualTo(new Message.Died(1));
    }
  }

  @Test
  void aRankOfThisNodeThatGivesItselfUpIsToldAsDead() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      nodes.core(1).abandon();
      assertThat(nodes.next(2, Message.Died.class)).isEqualTo(new Message.Died(1));
    }
  }

  @Test
  void aSilentNodeBreaksAndTheOthersAreTold() throws Exception {
    Duration brief = Duration.ofMillis(500);
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, brief), 0, 0, 1)) {
      nodes.greet();
      assertThat(nodes.next(1, Message.Broken.class)).isEqualTo(new Message.Broken(1));
      assertBroken(nodes, 1);
    }
  }

  /** Tried again if this machine was too busy for the played node to speak in time. */
  @Test
  void aNodeThatSpeaksInTimeIsNotSilent() throws Exception {
    Duration brief = Duration.ofMillis(800);
    boolean spokeInTime;
    boolean broken;
    do {
      try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, brief), 0, 0, 1)) {
        long last = System.nanoTime();
        nodes.greet();
        long longest = 0;
        broken = false;
        for (long start = last; last - start < 2 * brief.toNanos(); ) {
          nodes.send(1, new Message.Heartbeat(false, false));
          long now = System.nanoTime();
          longest = Math.max(longest, now - last);
          last = now;
          Thread.sleep(20);
          broken |= nodes.all(1).contains(new Message.Broken(1));
        }
        spokeInTime = longest < brief.toNanos() / 2;
      }
    } while (broken && !spokeInTime);
    assertThat(broken).isFalse();
  }

  @Test
  void aNodeWithNothingToSaySendsHeartbeats() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, USUAL), 0, 0, 1)) {
      nodes.greet();
      nodes.next(1, Message.Heartbeat.class);
      nodes.send(1, new Message.Heartbeat(false, false));
      nodes.next(1, Message.Heartbeat.class);
    }
  }

  @Test
  void anAgentThatItsOwnNodeTookForLostTellsTheOthersWhenItGoesOn() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      RankContext node = nodes.core(0).node();
      long beat = node.window().get(Layout.AGENT_BEAT);
      while (node.window().get(Layout.AGENT_BEAT) == beat) {
        Thread.sleep(1);
      }
      node.breakFor(0);
      assertThat(nodes.next(1, Message.Broken.class)).isEqualTo(new Message.Broken(0));
      assertBroken(nodes, 0);
    }
  }

  @Test
  void whoGivesItselfUpSaysSoBeforeItGoes() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      nodes.core(0).abandon();
      assertThat(nodes.next(1, Message.Broken.class)).isEqualTo(new Message.Broken(0));
    }
  }

  private interface Acquire {
    boolean by(ThreadHold hold, RankLock lock, long nanos);
  }

  /** Rank 1 is real and holds; rank 2 is played and asks to write, in vain until rank 1 dies. */
  private static void rankOneDiesWhileRankTwoWaits(PlayedNodes nodes, Acquire acquire)
      throws Exception {
    CompletableFuture<Boolean> held =
        PlayedNodes.start(() -> {
          RankLock lock = nodes.core(1).resource(DEFAULT);
          return acquire.by(lock.hold(), lock, ThreadHold.FOREVER);
        });
    assertThat(PlayedNodes.get(held)).isTrue();
    nodes.send(2, new Message.Request(DEFAULT, Permission.EXCLUSIVE, 0));
    nodes.settle(2);
    assertThat(nodes.all(2)).isEmpty();
    nodes.cluster().kill(1);
  }

  @Test
  void aWriterThatDiesHerePoisonsForTheNodeThatWaits() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      rankOneDiesWhileRankTwoWaits(nodes, ThreadHold::acquireWrite);
      assertThat(nodes.next(2, Message.Poison.class)).isEqualTo(new Message.Poison(DEFAULT, 1));
    }
  }

  @Test
  void aReaderThatDiesHereIsNotWaitedForByOtherNodes() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      rankOneDiesWhileRankTwoWaits(nodes, ThreadHold::acquireRead);
      assertThat(nodes.next(2, Message.Grant.class).permission()).isEqualTo(Permission.EXCLUSIVE);
    }
  }

  @Test
  void theTransportIsToldOfThoseThatAreLostElsewhere() throws Exception {
    Recorded record = new Recorded();
    try (Logged log = new Logged();
        PlayedNodes nodes =
            new PlayedNodes(PlayedNodes.settings(0, NEVER), record::of, 0, 0, 1, 1, 2, 2)) {
      nodes.greet();
      nodes.send(1, new Message.Died(2));
      nodes.send(1, new Message.Died(2)); // news only once
      nodes.settle(1);
      assertThat(record.calls()).filteredOn(call -> call.startsWith("lost")).containsOnly("lost 2");
      assertThat(log.messages())
          .filteredOn(text -> text.endsWith("has died"))
          .singleElement(InstanceOfAssertFactories.STRING)
          .startsWith("WARNING rank 2 ");
      nodes.send(1, new Message.Broken(3));
      nodes.settle(1);
      assertThat(record.calls())
          .filteredOn(call -> call.startsWith("lost"))
          .containsOnly("lost 2", "lost 3", "lost 4");
      assertThat(log.messages())
          .filteredOn(text -> text.startsWith("SEVERE The locks go no further than node 0: "))
          .hasSize(1);
    }
  }

  @Test
  void anAgentWhoseTransportFailsSaysSoAndEndsTheLocks() throws Exception {
    Recorded record = new Recorded();
    try (Logged log = new Logged();
        PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), record::of, 0, 0, 1)) {
      nodes.greet();
      record.before(call -> {
        if (call.equals("Messenger.receive")) {
          throw new UnsupportedOperationException("a torn cable");
        }
      });
      nodes.send(1, new Message.Heartbeat(false, false));
      assertBroken(nodes, 0);
      while (!record.calls().contains("NodeWindow.free")) {
        Thread.onSpinWait();
      }
      assertThat(nodes.next(1, Message.Broken.class)).isEqualTo(new Message.Broken(0));
      assertThat(record.calls()).containsSubsequence("Messenger.close", "NodeWindow.free");
      assertThat(log.messages()).anyMatch(text -> text.startsWith("SEVERE The agent of rank 0 "));
    }
  }

  @Test
  void anAgentThatFailsTellsAlsoTheNodesBehindOneThatItCannotReach() throws Exception {
    Recorded record = new Recorded();
    AtomicBoolean reachesTheFirst = new AtomicBoolean(true);
    try (Logged _ = new Logged();
        PlayedNodes nodes =
            new PlayedNodes(PlayedNodes.settings(1, NEVER), record::of, 0, 0, 1, 2)) {
      nodes.greet();
      record.before(call -> {
        if (call.equals("Messenger.receive")
            || (call.equals("Messenger.send") && reachesTheFirst.getAndSet(false))) {
          throw new UnsupportedOperationException("a torn cable");
        }
      });
      assertBroken(nodes, 0);
      assertThat(nodes.next(2, Message.Broken.class)).isEqualTo(new Message.Broken(0));
    }
  }

  @Test
  void aDroppedFrameIsLogged() throws Exception {
    try (Logged log = new Logged();
        PlayedNodes nodes = pair(1)) {
      nodes.send(1, ByteBuffer.wrap(new byte[] {99, 1, 2, 3}));
      nodes.settle(1);
      assertThat(log.messages())
          .anyMatch(text ->
              text.startsWith("WARNING A frame from rank 1 ") && text.contains("is dropped"));
    }
  }

  // The end.

  private static CompletableFuture<Boolean> closing(PlayedNodes nodes, int rank) throws Exception {
    return PlayedNodes.start(nodes.core(rank)::close);
  }

  @Test
  void aCloseEndsWhenTheRootHasSaidThatAllAreThrough() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(2, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      CompletableFuture<Boolean> first = closing(nodes, 1);
      assertThat(nodes.next(2, Message.Closing.class)).isEqualTo(new Message.Closing(1, 1));
      nodes.settle(2);
      assertThat(nodes.all(2)).as("rank 0 is not in a close").isEmpty();
      CompletableFuture<Boolean> second = closing(nodes, 0);
      List<Object> told = new ArrayList<>();
      while (told.size() < 2) {
        told.addAll(nodes.all(2));
        Thread.onSpinWait();
      }
      assertThat(told).containsExactlyInAnyOrder(new Message.Through(true), new Message.Closed());
      nodes.settle(2);
      assertThat(first.isDone() || second.isDone()).as("other nodes are not through").isFalse();
      nodes.send(2, new Message.AllThrough());
      assertThat(PlayedNodes.get(first)).isTrue();
      assertThat(PlayedNodes.get(second)).isTrue();
      nodes.settle(2); // the agent goes on for others
      assertThat(nodes.all(2)).isEmpty();
    }
  }

  @Test
  void theAgentEndsWhenAllNodesHaveClosed() throws Exception {
    Recorded record = new Recorded();
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), record::of, 0, 0, 1)) {
      nodes.greet();
      CompletableFuture<Boolean> close = closing(nodes, 0);
      nodes.next(1, Message.Closed.class);
      nodes.send(1, new Message.AllThrough());
      assertThat(PlayedNodes.get(close)).isTrue();
      assertThat(record.calls()).as("it goes on alone").doesNotContain("Messenger.close");
      nodes.send(1, new Message.Closed());
      while (!record.calls().contains("Messenger.close")) {
        Thread.onSpinWait();
      }
      assertThat(nodes.all(1))
          .as("a goodbye that alarms nobody")
          .doesNotHaveAnyElementsOfTypes(Message.Broken.class);
    }
  }

  @Test
  void allNodesClosedIsAllThrough() throws Exception {
    Recorded record = new Recorded();
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), record::of, 0, 0, 1)) {
      nodes.greet();
      nodes.send(1, new Message.Closed());
      nodes.send(1, new Message.Closed()); // counts once
      nodes.settle(1);
      CompletableFuture<Boolean> close = closing(nodes, 0);
      assertThat(PlayedNodes.get(close)).isTrue();
      while (!record.calls().contains("Messenger.close")) {
        Thread.onSpinWait();
      }
      assertThat(record.calls()).filteredOn("NodeWindow.free"::equals).hasSize(2);
    }
  }

  @Test
  void aRankOfAnotherNodeThatClosesFailsTheCallsHere() throws Exception {
    try (PlayedNodes nodes = pair(1)) {
      nodes.send(1, new Message.Closing(1, 1));
      nodes.settle(1);
      CompletableFuture<SingleWriteCall> call =
          PlayedNodes.start(() ->
              nodes
                  .core(0)
                  .collectives()
                  .singleWrite(
                      nodes.core(0).resource(DEFAULT),
                      0,
                      ThreadHold.FOREVER,
                      (writer, nanos, bytes, failure) -> {}));
      Message.Fail fail = nodes.next(1, Message.Fail.class);
      assertThat(fail.call()).isEqualTo(1);
      assertThat(fail.code()).isEqualTo(Verdict.LEFT);
      assertThat(fail.rank()).isEqualTo(1);
      nodes.send(1, new Message.Decide(1, Verdict.LEFT, 1, "rank 1 closed"));
      assertThatThrownBy(() -> PlayedNodes.get(call)).hasMessageContaining("rank 1 closed");
    }
  }

  @Test
  void aRankThatHasClosedIsMissedInTheCallsAfterThatToo() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(2, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      CompletableFuture<Boolean> close = closing(nodes, 1);
      assertThat(nodes.next(2, Message.Closing.class)).isEqualTo(new Message.Closing(1, 1));
      nodes.send(2, new Message.Decide(1, Verdict.LEFT, 1, "rank 1 closed"));
      assertThatThrownBy(() -> PlayedNodes.get(close)).hasMessageContaining("rank 1 closed");
      assertThat(nodes.next(2, Message.Closing.class)).isEqualTo(new Message.Closing(2, 1));
    }
  }

  // Along the tree of the nodes: with eleven, node 0 is above 1 to 8, and 1 is above 9 and 10.

  private static PlayedNodes eleven(int real) throws Exception {
    PlayedNodes nodes =
        new PlayedNodes(PlayedNodes.settings(0, NEVER), real, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    nodes.greet();
    return nodes;
  }

  private static CompletableFuture<Boolean> calls(PlayedNodes nodes, int rank) {
    return PlayedNodes.start(() -> {
      ControllerCore core = nodes.core(rank);
      SingleWriteCall section =
          core.collectives()
              .singleWrite(
                  core.resource(DEFAULT),
                  0,
                  ThreadHold.FOREVER,
                  (writer, nanos, bytes, failure) -> {});
      section.close();
      return true;
    });
  }

  private static Message.Arrived arrived(long call, int writer) {
    return new Message.Arrived(call, Verdict.SINGLE_WRITE, writer, DEFAULT);
  }

  @Test
  void aNodeReportsOnceForAllBelowItAndPassesTheDecisionOn() throws Exception {
    try (PlayedNodes nodes = eleven(1)) {
      CompletableFuture<Boolean> call = calls(nodes, 1);
      nodes.send(9, arrived(1, 0));
      nodes.settle(9);
      assertThat(nodes.all(0)).as("node 10 has not arrived").isEmpty();
      nodes.send(10, arrived(1, 0));
      assertThat(nodes.next(0, Message.Arrived.class)).isEqualTo(arrived(1, 0));
      Message.Decide go = new Message.Decide(1, Verdict.GO, 0, "");
      nodes.send(9, go); // it has no say
      nodes.send(2, go);
      nodes.settle(9);
      nodes.settle(2);
      assertThat(nodes.all(10)).isEmpty();
      assertThat(call.isDone()).isFalse();
      nodes.send(0, go);
      assertThat(nodes.next(9, Message.Decide.class)).isEqualTo(go);
      assertThat(nodes.next(10, Message.Decide.class)).isEqualTo(go);
      nodes.send(0, new Message.Decide(1, Verdict.DIED, 3, "once more"));
      nodes.settle(0);
      assertThat(nodes.all(10)).isEmpty();
      nodes.send(0, new PlayedNodes.Part(1, 0, 0, ShareStream.END, ""));
      assertThat(PlayedNodes.get(call)).isTrue();
    }
  }

  @Test
  void aDifferenceBelowIsReportedAndAFailureIsSaidToTheRootItself() throws Exception {
    try (PlayedNodes nodes = eleven(9)) { // a leaf
      CompletableFuture<Boolean> call = calls(nodes, 9);
      assertThat(nodes.next(1, Message.Arrived.class)).isEqualTo(arrived(1, 0));
      nodes.send(1, new Message.Ask(1));
      assertThat(nodes.next(0, Message.Summary.class).text())
          .isEqualTo("rank 9 called singleWrite(resource 'default', writer 0)");
      nodes.send(0, new Message.Decide(1, Verdict.DIFFER, 0, "not by this way"));
      nodes.settle(0);
      assertThat(call.isDone()).isFalse();
      nodes.send(1, new Message.Decide(1, Verdict.DIFFER, 0, "what all called"));
      assertThatThrownBy(() -> PlayedNodes.get(call)).hasMessageContaining("what all called");
      nodes.send(1, new Message.Closing(2, 3));
      nodes.settle(1);
      CompletableFuture<Boolean> next = calls(nodes, 9);
      assertThat(nodes.next(0, Message.Fail.class)).isEqualTo(new Message.Fail(2, Verdict.LEFT, 3));
      assertThat(next.isDone()).isFalse();
    }
  }

  @Test
  void theRootHearsOfArrivalsFromItsChildrenAlone() throws Exception {
    try (PlayedNodes nodes = eleven(0)) {
      CompletableFuture<Boolean> call = calls(nodes, 0);
      nodes.send(9, arrived(1, 0));
      nodes.settle(9);
      for (int child = 2; child < 9; child++) {
        nodes.send(child, arrived(1, 0));
        nodes.settle(child);
      }
      assertThat(nodes.all(1)).as("node 1 has not arrived").isEmpty();
      nodes.send(1, new Message.Arrived(1, Verdict.DIFFERENT, 0, ""));
      assertThat(nodes.next(1, Message.Ask.class)).isEqualTo(new Message.Ask(1));
      nodes.next(8, Message.Ask.class);
      for (int node = 1; node < 11; node++) {
        nodes.send(node, new Message.Summary(1, "node " + node));
      }
      Message.Decide decision = nodes.next(1, Message.Decide.class);
      assertThat(decision.code()).isEqualTo(Verdict.DIFFER);
      assertThat(decision.text()).startsWith("rank 0 called").endsWith("node 9; node 10");
      assertThatThrownBy(() -> PlayedNodes.get(call)).hasMessageContaining("node 10");
      nodes.settle(9);
      assertThat(nodes.all(9)).as("node 1 tells it").isEmpty();
    }
  }

  @Test
  void aLeafIsNotLeftWaitingForADecisionThatANodeAboveItTookWithIt() throws Exception {
    try (PlayedNodes nodes = eleven(9)) {
      CompletableFuture<Boolean> call = calls(nodes, 9);
      nodes.next(1, Message.Arrived.class);
      nodes.send(2, new Message.Broken(1));
      assertThatThrownBy(() -> PlayedNodes.get(call))
          .isInstanceOf(RankFailedException.class)
          .extracting(e -> ((RankFailedException) e).rank())
          .isEqualTo(1);
    }
  }

  // For people.

  @Test
  void aQuestionIsAnsweredWithWhoHoldsItAndWhatTheHomeKnows() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      RankLock lock = nodes.core(0).resource(DEFAULT);
      ThreadHold hold = lock.hold();
      assertThat(hold.acquireWrite(lock, ThreadHold.FOREVER)).isTrue();
      nodes.send(1, new Message.Query(5, DEFAULT));
      Message.Answer answer = nodes.next(1, Message.Answer.class);
      assertThat(answer.query()).isEqualTo(5);
      assertThat(answer.report().lives()).containsExactly((int) RankContext.OPEN);
      NodeReport.Resource told = answer.report().resources().getFirst();
      assertThat(told.name()).isEqualTo(DEFAULT);
      assertThat(told.token()).isEqualTo(1);
      assertThat(told.poisonedBy()).isEqualTo(-1);
      assertThat(told.permission()).isEqualTo(Permission.EXCLUSIVE);
      assertThat(told.record())
          .isEqualTo("permissions {0=EXCLUSIVE}, nodes that wait to write [] and to read []");
      assertThat(told.uses())
          .singleElement()
          .matches(use -> use.rank() == 0 && use.holds() && use.writes() && use.threads() == 1);
      nodes.send(1, new Message.Query(6, "nobody named this"));
      assertThat(nodes.next(1, Message.Answer.class).report().resources()).isEmpty();
      hold.releaseWrite(lock);
    }
  }

  @Test
  void aQuestionOfAllIsAnsweredWithThoseThatAreHeldFirst() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      RankLock _ = nodes.core(0).resource("a");
      RankLock lock = nodes.core(0).resource(DEFAULT);
      assertThat(lock.hold().acquireWrite(lock, ThreadHold.FOREVER)).isTrue();
      nodes.send(1, new Message.Query(7, ""));
      NodeReport report = nodes.next(1, Message.Answer.class).report();
      assertThat(report.resources())
          .extracting(NodeReport.Resource::name, NodeReport.Resource::permission)
          .containsExactly(tuple(DEFAULT, Permission.EXCLUSIVE), tuple("a", Permission.NONE));
      assertThat(report.leftOut()).isZero();
      lock.hold().releaseWrite(lock);
    }
  }

  /** A node of one rank that says this of a resource. */
  private static NodeReport report(String resource, Use... uses) {
    return new NodeReport(
        1000,
        List.of((int) RankContext.OPEN),
        List.of(new NodeReport.Resource(resource, 7, -1, Permission.NONE, "", List.of(uses))),
        0);
  }

  private static Use use(int rank, boolean holds) {
    return new Use(rank, holds, true, 1, 9, "t" + rank, 0);
  }

  @Test
  void theOthersAreAskedAndTheirAnswersCollected() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(1, NEVER), 0, 0, 1, 2)) {
      nodes.greet();
      RankLock lock = nodes.core(0).resource("orders");
      String here = "On node 0: Nobody holds it now.";
      String silent = " No answer from node";
      String text;
      long asked = 0;
      do { // again, if this machine was too busy for the half second that an answer may take
        CompletableFuture<String> described = PlayedNodes.start(lock::describe);
        Message.Query query = nodes.next(1, Message.Query.class);
        assertThat(query.resource()).isEqualTo("orders");
        assertThat(query.query()).as("another question").isNotEqualTo(asked);
        asked = query.query();
        assertThat(nodes.next(2, Message.Query.class)).isEqualTo(query);
        nodes.send(
            1, new Message.Answer(query.query() + 1, report("another question", use(1, true))));
        nodes.send(1, new Message.Answer(query.query(), report("orders", use(1, true))));
        nodes.send(1, new Message.Answer(query.query(), report("once more", use(1, true))));
        nodes.send(2, new Message.Answer(query.query(), report("orders", use(2, false))));
        text = PlayedNodes.get(described);
      } while (text.contains(silent));
      assertThat(text)
          .startsWith(here + " On node 1: Held by rank 1 (")
          .endsWith(
              "), thread 't1' (id 9), write with token 7. On node 2: Nobody holds it now; waiting:"
                  + " rank 2 (write, thread 't2' (id 9)).")
          .doesNotContain("another question", "once more");
      CompletableFuture<String> nothing = PlayedNodes.start(lock::describe);
      Message.Query next = nodes.next(2, Message.Query.class);
      assertThat(next.query()).isNotEqualTo(asked);
      nodes.send(
          2,
          new Message.Answer(
              next.query(), new NodeReport(1000, List.of((int) RankContext.OPEN), List.of(), 0)));
      assertThat(PlayedNodes.get(nothing)).isIn(here + silent + " 1.", here + silent + " 1, 2.");
    }
  }

  @Test
  void anAnswerThatSpeaksOfRanksThatAreElsewhereIsDropped() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      for (NodeReport wrong :
          List.of(
              report("orders", use(0, true)),
              report("orders", use(2, true)),
              report("orders", use(-1, true)),
              new NodeReport(1000, List.of(), List.of(), 0),
              new NodeReport(
                  1000,
                  List.of(1),
                  List.of(new NodeReport.Resource("o", 1, 2, Permission.NONE, "", List.of())),
                  0))) {
        CompletableFuture<JobStatus> asked =
            PlayedNodes.start(() -> nodes.core(0).status(TimeUnit.SECONDS.toNanos(20)));
        long query = nodes.next(1, Message.Query.class).query();
        nodes.send(1, new Message.Answer(query, wrong));
        nodes.send(1, new Message.Answer(query, report("orders", use(1, true))));
        JobStatus status = PlayedNodes.get(asked);
        assertThat(status.silentNodes()).isEmpty();
        assertThat(status.resources().getFirst().name()).isEqualTo("orders");
        assertThat(status.resources().getFirst().holders())
            .extracting(user -> user.member().rank())
            .containsExactly(1);
      }
    }
  }

  @Test
  void whoGivesUpAskingLeavesNothingBehind() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      JobStatus alone = nodes.core(0).status(TimeUnit.MILLISECONDS.toNanos(100));
      assertThat(alone.silentNodes()).contains(1);
      assertThat(alone.ranks())
          .extracting(RankStatus::state)
          .containsExactly(RankStatus.State.OPEN, RankStatus.State.UNKNOWN);
      long first = nodes.next(1, Message.Query.class).query();
      nodes.send(1, new Message.Answer(first, report("late", use(1, true))));
      nodes.settle(1);
      CompletableFuture<JobStatus> asked =
          PlayedNodes.start(() -> nodes.core(0).status(TimeUnit.SECONDS.toNanos(20)));
      long second = nodes.next(1, Message.Query.class).query();
      nodes.send(1, new Message.Answer(second, report("orders", use(1, true))));
      assertThat(PlayedNodes.get(asked).resources())
          .extracting(ResourceStatus::name)
          .contains("orders")
          .doesNotContain("late");
    }
  }

  @Test
  void theStatusSaysWhatTheAnswersSay() throws Exception {
    try (PlayedNodes nodes = pair(0)) {
      CompletableFuture<JobStatus> asked =
          PlayedNodes.start(() -> nodes.core(0).status(TimeUnit.SECONDS.toNanos(20)));
      long query = nodes.next(1, Message.Query.class).query();
      List<Use> uses =
          List.of(
              new Use(1, true, false, 2, 9, "reads", 400),
              new Use(1, false, true, 1, 0, "", 0),
              new Use(1, false, false, 1, 8, "late", 2000));
      nodes.send(
          1,
          new Message.Answer(
              query,
              new NodeReport(
                  1000,
                  List.of((int) RankContext.CLOSING),
                  List.of(
                      new NodeReport.Resource("orders", 7, 0, Permission.SHARED, "", uses),
                      new NodeReport.Resource("z", 0, -1, Permission.NONE, "", List.of())),
                  3)));
      JobStatus status = PlayedNodes.get(asked);
      assertThat(status.leftOut()).isEqualTo(3);
      assertThat(status.ranks())
          .extracting(RankStatus::state)
          .containsExactly(RankStatus.State.OPEN, RankStatus.State.CLOSING);
      ResourceStatus orders = status.resources().getFirst();
      assertThat(orders.name()).isEqualTo("orders");
      assertThat(orders.token()).isEqualTo(7);
      assertThat(orders.poisonedBy()).isEqualTo(nodes.cluster().world(0).member(0));
      assertThat(orders.permissions()).containsEntry(1, ResourceStatus.Permission.SHARED);
      assertThat(orders.holders())
          .extracting(LockUser::mode, LockUser::threads, LockUser::thread, LockUser::elapsed)
          .containsExactly(tuple(LockUser.Mode.READ, 2, "reads", Duration.ofMillis(600)));
      assertThat(orders.waiters())
          .extracting(LockUser::mode, LockUser::thread, LockUser::elapsed)
          .containsExactly(
              tuple(LockUser.Mode.WRITE, null, null),
              tuple(LockUser.Mode.READ, "late", Duration.ZERO));
      assertThat(status.resources())
          .filteredOn(resource -> resource.name().equals("z"))
          .singleElement()
          .matches(resource -> resource.poisonedBy() == null);
    }
  }

  @Test
  void aQuestionOfARankThatDiedKeepsNobodyFromAsking() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      CompletableFuture<JobStatus> lost =
          PlayedNodes.start(() -> nodes.core(1).status(TimeUnit.HOURS.toNanos(1)));
      long first = nodes.next(2, Message.Query.class).query();
      nodes.cluster().kill(1);
      assertThat(nodes.next(2, Message.Died.class)).isEqualTo(new Message.Died(1));
      CompletableFuture<JobStatus> asked =
          PlayedNodes.start(() -> nodes.core(0).status(TimeUnit.HOURS.toNanos(1)));
      long second = nodes.next(2, Message.Query.class).query();
      assertThat(second).isNotEqualTo(first);
      nodes.send(2, new Message.Answer(second, report("orders", use(2, true))));
      assertThat(PlayedNodes.get(asked).silentNodes()).isEmpty();
      lost.cancel(true);
    }
  }
}

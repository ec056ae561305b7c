/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.ControllerCore;
import io.mpilock.internal.PlayedNodes;
import io.mpilock.internal.PlayedNodes.Part;
import io.mpilock.internal.call.ShareStream;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.call.TurnsCall;
import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.testing.Silent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A single write over four nodes, frame by frame: what goes to whom, and when. */
@Timeout(180)
@ExtendWith(Silent.class)
class StreamRelayTest {
  private static final String DEFAULT = CoreSettings.DEFAULT_RESOURCE;
  private static final Duration NEVER = Duration.ofHours(1);

  /** A job of four nodes with a rank each, of which one is real; the root is on node 0. */
  private static PlayedNodes four(int real) throws Exception {
    PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), real, 0, 1, 2, 3);
    nodes.greet();
    return nodes;
  }

  private static SingleWriteCall call(PlayedNodes nodes, int rank, int writer) throws Exception {
    ControllerCore core = nodes.core(rank);
    return core.collectives()
        .singleWrite(
            core.resource(DEFAULT),
            writer,
            ThreadHold.FOREVER,
            (isWriter, nanos, bytes, failure) -> {});
  }

  private static CompletableFuture<String> collects(PlayedNodes nodes, int rank, int writer) {
    return PlayedNodes.start(() -> {
      SingleWriteCall section = call(nodes, rank, writer);
      try {
        Object got = section.collect();
        return got == null ? "" : new String((byte[]) got, StandardCharsets.ISO_8859_1);
      } finally {
        section.close();
      }
    });
  }

  private static CompletableFuture<Boolean> shares(PlayedNodes nodes, int rank, byte[] value) {
    return PlayedNodes.start(() -> {
      SingleWriteCall section = call(nodes, rank, rank);
      section.share(value);
      section.close();
      return true;
    });
  }

  private static Message.Arrived arrived(int writer) {
    return new Message.Arrived(1, Verdict.SINGLE_WRITE, writer, DEFAULT);
  }

  private static Part data(long number, String text) {
    return new Part(1, number, 0, ShareStream.DATA, text);
  }

  private static Part end(long number) {
    return new Part(1, number, 0, ShareStream.END, "");
  }

  private static List<Part> parts(PlayedNodes nodes, int rank) throws Exception {
    nodes.settle(rank);
    List<Part> parts = new ArrayList<>();
    for (Object each : nodes.all(rank)) {
      if (each instanceof Part part) {
        parts.add(part);
      }
    }
    return parts;
  }

  @Test
  void theWritersNodeSendsToItsTwoChildrenAndEndsAfterTheData() throws Exception {
    try (PlayedNodes nodes = four(0)) {
      CompletableFuture<Boolean> write = shares(nodes, 0, new byte[] {'a', 'b'});
      for (int other = 1; other < 4; other++) {
        nodes.send(other, arrived(0));
      }
      assertThat(nodes.next(3, Message.Decide.class))
          .isEqualTo(new Message.Decide(1, Verdict.GO, 0, ""));
      for (int child = 1; child < 3; child++) {
        assertThat(nodes.nextPart(child)).isEqualTo(data(0, "ab"));
        assertThat(nodes.nextPart(child)).isEqualTo(end(1));
      }
      assertThat(PlayedNodes.get(write)).isTrue();
      assertThat(parts(nodes, 3)).isEmpty();
    }
  }

  @Test
  void noMoreThanTheWindowIsOnItsWayToAChild() throws Exception {
    try (PlayedNodes nodes = four(0)) {
      CompletableFuture<Boolean> write = shares(nodes, 0, new byte[13 * Layout.CHUNK_BYTES]);
      for (int other = 1; other < 4; other++) {
        nodes.send(other, arrived(0));
      }
      for (int number = 0; number < 8; number++) {
        Part part = nodes.nextPart(1);
        assertThat(part.number()).isEqualTo(number);
        assertThat(part.kind()).isEqualTo(ShareStream.DATA);
        assertThat(part.text()).hasSize(Layout.CHUNK_BYTES);
        assertThat(nodes.nextPart(2)).isEqualTo(part);
      }
      nodes.send(1, new Message.Credit(1, 3));
      nodes.send(2, new Message.Credit(2, 5)); // of another call
      nodes.send(2, new Message.Credit(1, 9)); // more than it was sent
      nodes.send(3, new Message.Credit(1, 5)); // no child
      assertThat(parts(nodes, 1)).isEmpty();
      nodes.send(2, new Message.Credit(1, 2));
      nodes.send(2, new Message.Credit(1, 1)); // an old one
      for (int number = 8; number < 10; number++) {
        assertThat(nodes.nextPart(1).number()).isEqualTo(number);
        assertThat(nodes.nextPart(2).number()).isEqualTo(number);
      }
      assertThat(parts(nodes, 2)).isEmpty();
      nodes.send(1, new Message.Credit(1, 10));
      nodes.send(2, new Message.Credit(1, 10));
      for (int number = 10; number < 14; number++) {
        assertThat(nodes.nextPart(1).kind())
            .isEqualTo(number < 13 ? ShareStream.DATA : ShareStream.END);
      }
      assertThat(PlayedNodes.get(write)).isTrue();
    }
  }

  @Test
  void anInnerNodePassesOnAndTellsItsParent() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      CompletableFuture<String> read = collects(nodes, 1, 0);
      assertThat(nodes.next(0, Message.Arrived.class)).isEqualTo(arrived(0));
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      nodes.send(0, data(0, "ab"));
      assertThat(nodes.nextPart(3)).isEqualTo(data(0, "ab"));
      nodes.send(0, data(1, "c"));
      assertThat(nodes.nextPart(3)).isEqualTo(data(1, "c"));
      assertThat(nodes.next(0, Message.Credit.class)).isEqualTo(new Message.Credit(1, 2));
      nodes.send(0, end(2));
      assertThat(nodes.nextPart(3)).isEqualTo(end(2));
      assertThat(nodes.next(0, Message.Credit.class)).isEqualTo(new Message.Credit(1, 3));
      assertThat(PlayedNodes.get(read)).isEqualTo("abc");
      assertThat(parts(nodes, 2)).isEmpty();
    }
  }

  /** Its agent tells of the writer's next call before it sends what is left of the last. */
  @Test
  void aLatePartOfAnEarlierCallDoesNotEndTheTurnsOfTheNext() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      List<Object> got = new ArrayList<>();
      CompletableFuture<Boolean> calls =
          PlayedNodes.start(() -> {
            SingleWriteCall write = call(nodes, 1, 0);
            Thread.currentThread().interrupt(); // so it leaves without what is shared
            assertThatThrownBy(write::collect).isInstanceOf(LockInterruptedException.class);
            boolean _ = Thread.interrupted();
            write.close();
            ControllerCore core = nodes.core(1);
            TurnsCall turns =
                core.collectives()
                    .turns(
                        Verdict.ALL_GATHER,
                        core.resource(DEFAULT),
                        ThreadHold.FOREVER,
                        (value, rank) -> got.add(text(value)),
                        (isWriter, nanos, bytes, failure) -> {});
            turns.awaitTurn();
            turns.share(new byte[] {'1'});
            turns.awaitAll();
            turns.close();
            return true;
          });
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(2, Verdict.GO, 0, ""));
      nodes.settle(0);
      nodes.send(0, data(0, "late"));
      nodes.send(0, end(1));
      nodes.send(0, new Part(2, 0, 0, ShareStream.LAST, "0"));
      assertThat(nodes.nextPart(0)).isEqualTo(new Part(2, 1, 0, ShareStream.LAST, "1"));
      nodes.send(0, new Part(2, 2, 0, ShareStream.LAST, "2"));
      for (int number = 0; number < 3; number++) {
        assertThat(nodes.nextPart(3).number()).isEqualTo(number);
      }
      nodes.send(3, new Part(2, 3, 0, ShareStream.LAST, "3"));
      assertThat(PlayedNodes.get(calls)).isTrue();
      assertThat(got).containsExactly("0", "1", "2", "3");
    }
  }

  private static String text(@Nullable Object value) {
    return new String((byte[]) Objects.requireNonNull(value), StandardCharsets.ISO_8859_1);
  }

  @Test
  void aPartThatIsNotTheNextIsDropped() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      CompletableFuture<String> read = collects(nodes, 1, 0);
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      nodes.send(0, data(0, "a"));
      nodes.settle(0);
      nodes.send(0, data(0, "once more"));
      nodes.send(0, data(2, "too early"));
      nodes.send(2, data(1, "from another node"));
      nodes.send(3, data(1, "from its own child"));
      nodes.send(0, new Part(0, 1, 0, ShareStream.DATA, "of an earlier call"));
      nodes.send(0, new Part(1, 1, 4, ShareStream.DATA, "of no node"));
      nodes.send(0, new Part(1, 1, -1, ShareStream.DATA, "of no node"));
      nodes.send(0, new Part(1, 1, 1, ShareStream.DATA, "of this very node"));
      nodes.send(0, new Part(1, 1, 2, ShareStream.DATA, "of another writer"));
      nodes.send(0, PlayedNodes.frame(data(1, "longer than it says"), 3));
      nodes.send(0, PlayedNodes.frame(data(1, "shorter than it says"), 300));
      nodes.send(0, data(1, "x".repeat(Layout.CHUNK_BYTES + 1)));
      nodes.send(0, data(1, "b"));
      nodes.send(0, end(2));
      assertThat(PlayedNodes.get(read)).isEqualTo("ab");
      assertThat(nodes.nextPart(3)).isEqualTo(data(0, "a"));
      assertThat(nodes.nextPart(3)).isEqualTo(data(1, "b"));
      assertThat(nodes.nextPart(3)).isEqualTo(end(2));
    }
  }

  @Test
  void aSlowChildIsNotOverrunAndItsParentIsToldOnlyOfWhatItHas() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      CompletableFuture<String> read = collects(nodes, 1, 0);
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      for (int number = 0; number < 10; number++) {
        nodes.send(0, data(number, String.valueOf(number)));
        if (number < 8) {
          assertThat(nodes.nextPart(3).number()).isEqualTo(number);
        }
      }
      Message.Credit credit;
      do {
        credit = nodes.next(0, Message.Credit.class);
      } while (credit.parts() < 8);
      assertThat(parts(nodes, 3)).isEmpty();
      nodes.settle(0);
      assertThat(nodes.all(0)).isEmpty();
      nodes.send(3, new Message.Credit(1, 2));
      assertThat(nodes.nextPart(3).number()).isEqualTo(8);
      assertThat(nodes.nextPart(3).number()).isEqualTo(9);
      assertThat(nodes.next(0, Message.Credit.class)).isEqualTo(new Message.Credit(1, 10));
      nodes.send(0, end(10));
      assertThat(PlayedNodes.get(read)).isEqualTo("0123456789");
    }
  }

  @Test
  void theNextCallBeginsAnew() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      for (long call = 1; call < 4; call++) {
        CompletableFuture<String> read = collects(nodes, 1, 0);
        assertThat(nodes.next(0, Message.Arrived.class).call()).isEqualTo(call);
        nodes.send(0, new Message.Decide(call, Verdict.GO, 0, ""));
        nodes.send(0, new Part(call, 0, 0, ShareStream.DATA, "call " + call));
        nodes.send(0, new Part(call, 1, 0, ShareStream.END, ""));
        assertThat(PlayedNodes.get(read)).isEqualTo("call " + call);
        assertThat(nodes.nextPart(3).text()).isEqualTo("call " + call);
        assertThat(nodes.nextPart(3).kind()).isEqualTo(ShareStream.END);
        assertThat(nodes.next(0, Message.Credit.class)).isEqualTo(new Message.Credit(call, 2));
      }
    }
  }

  @Test
  void aLeafSendsItsCreditToTheMiddle() throws Exception {
    try (PlayedNodes nodes = four(3)) {
      CompletableFuture<String> read = collects(nodes, 3, 0);
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      nodes.send(1, data(0, "a"));
      nodes.send(1, end(1));
      assertThat(nodes.next(1, Message.Credit.class)).isEqualTo(new Message.Credit(1, 2));
      assertThat(PlayedNodes.get(read)).isEqualTo("a");
    }
  }

  @Test
  void theTreeBeginsAtTheWritersNode() throws Exception {
    try (PlayedNodes nodes = four(0)) { // with the writer on node 3 it is the first child
      CompletableFuture<String> read = collects(nodes, 0, 3);
      for (int other = 1; other < 4; other++) {
        nodes.send(other, arrived(3));
      }
      nodes.next(3, Message.Decide.class);
      nodes.send(3, new Part(1, 0, 3, ShareStream.DATA, "a"));
      nodes.send(3, new Part(1, 1, 3, ShareStream.END, ""));
      assertThat(nodes.nextPart(2)).isEqualTo(new Part(1, 0, 3, ShareStream.DATA, "a"));
      assertThat(PlayedNodes.get(read)).isEqualTo("a");
      assertThat(parts(nodes, 1)).isEmpty();
    }
  }

  @Test
  void aFailureOfTheWriterIsToldWithItsText() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      CompletableFuture<String> read = collects(nodes, 1, 0);
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      nodes.send(0, data(0, "half of it"));
      nodes.send(0, new Part(1, 1, 0, ShareStream.FAILURE, "java.lang.Oops\njava.lang.Oops: "));
      nodes.send(0, new Part(1, 2, 0, ShareStream.FAILURE, "on purpose"));
      nodes.send(0, end(3));
      assertThatThrownBy(() -> PlayedNodes.get(read))
          .isInstanceOf(SingleWriteFailedException.class)
          .hasMessageContaining("rank 0")
          .hasMessageContaining("java.lang.Oops: on purpose");
    }
  }

  @Test
  void aWriterThatDiedEndsTheStreamEverywhere() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      CompletableFuture<String> read = collects(nodes, 1, 0);
      nodes.next(0, Message.Arrived.class);
      nodes.send(0, new Message.Decide(1, Verdict.GO, 0, ""));
      nodes.send(0, data(0, "half of it"));
      nodes.send(0, new Part(1, 1, 0, ShareStream.LOST, ""));
      assertThat(nodes.nextPart(3)).isEqualTo(data(0, "half of it"));
      assertThat(nodes.nextPart(3).kind()).isEqualTo(ShareStream.LOST);
      assertThat(nodes.next(0, Message.Credit.class).parts()).isEqualTo(2);
      assertThatThrownBy(() -> PlayedNodes.get(read)).isInstanceOf(RankFailedException.class);
    }
  }

  @Test
  void theDeathOfAWriterIsToldToTheChildren() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(0, NEVER), 0, 0, 0, 1, 2)) {
      nodes.greet();
      CompletableFuture<String> read = collects(nodes, 0, 1);
      CompletableFuture<SingleWriteCall> write = PlayedNodes.start(() -> call(nodes, 1, 1));
      nodes.send(2, arrived(1));
      nodes.send(3, arrived(1));
      assertThat(PlayedNodes.get(write).isWriter()).isTrue();
      nodes.cluster().kill(1);
      assertThat(nodes.nextPart(2)).isEqualTo(new Part(1, 0, 0, ShareStream.LOST, ""));
      assertThat(nodes.nextPart(3)).isEqualTo(new Part(1, 0, 0, ShareStream.LOST, ""));
      assertThatThrownBy(() -> PlayedNodes.get(read)).isInstanceOf(RankFailedException.class);
    }
  }

  // What the nodes say before it begins.

  @Test
  void ranksOfANodeAreReportedOnceTheyHaveAllCalledTheSame() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(2, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      CompletableFuture<String> first = collects(nodes, 0, 2);
      nodes.settle(2);
      assertThat(nodes.all(2)).isEmpty();
      CompletableFuture<String> second = collects(nodes, 1, 2);
      assertThat(nodes.next(2, Message.Arrived.class)).isEqualTo(arrived(2));
      nodes.send(2, new Message.Decide(1, Verdict.GO, 2, ""));
      nodes.send(2, new Part(1, 0, 1, ShareStream.DATA, "a"));
      nodes.send(2, new Part(1, 1, 1, ShareStream.END, ""));
      assertThat(PlayedNodes.get(first)).isEqualTo("a");
      assertThat(PlayedNodes.get(second)).isEqualTo("a");
    }
  }

  @Test
  void aDifferenceOnANodeIsAReasonToFailForAll() throws Exception {
    try (PlayedNodes nodes = new PlayedNodes(PlayedNodes.settings(2, NEVER), 0, 0, 0, 1)) {
      nodes.greet();
      CompletableFuture<String> first = collects(nodes, 0, 2);
      CompletableFuture<String> second = collects(nodes, 1, 0);
      Message.Fail fail = nodes.next(2, Message.Fail.class);
      assertThat(fail.call()).isEqualTo(1);
      assertThat(fail.code()).isEqualTo(Verdict.DIFFER);
      nodes.send(2, new Message.Ask(1));
      assertThat(nodes.next(2, Message.Summary.class))
          .isEqualTo(
              new Message.Summary(
                  1,
                  "rank 0 called singleWrite(resource 'default', writer 2); rank 1 called"
                      + " singleWrite(resource 'default', writer 0)"));
      nodes.send(2, new Message.Decide(1, fail.code(), fail.rank(), "what all called"));
      for (CompletableFuture<String> each : List.of(first, second)) {
        assertThatThrownBy(() -> PlayedNodes.get(each))
            .isInstanceOf(CollectiveMismatchException.class)
            .hasMessageContaining("the ranks disagree: what all called.");
      }
    }
  }

  @Test
  void aRankOfAnotherNodeThatClosesIsAReasonToFail() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      nodes.send(0, new Message.Closing(1, 3));
      nodes.settle(0);
      CompletableFuture<String> read = collects(nodes, 1, 0);
      assertThat(nodes.next(0, Message.Fail.class)).isEqualTo(new Message.Fail(1, Verdict.LEFT, 3));
      nodes.send(0, new Message.Decide(1, Verdict.LEFT, 3, "what all called"));
      assertThatThrownBy(() -> PlayedNodes.get(read))
          .isInstanceOf(CollectiveMismatchException.class)
          .hasMessageContaining("rank 3 is closing");
    }
  }

  @Test
  void aCloseIsReportedAndEndsWhenTheRootSaysThatAllAreThrough() throws Exception {
    try (PlayedNodes nodes = four(1)) {
      CompletableFuture<Boolean> close = PlayedNodes.start(() -> nodes.core(1).close());
      assertThat(nodes.next(0, Message.Closing.class)).isEqualTo(new Message.Closing(1, 1));
      assertThat(nodes.next(0, Message.Through.class)).isEqualTo(new Message.Through(true));
      assertThat(close.isDone()).isFalse();
      nodes.send(0, new Message.AllThrough());
      assertThat(PlayedNodes.get(close)).isTrue();
    }
  }

  @Test
  void theRootTellsAllWhenEveryNodeIsThrough() throws Exception {
    try (PlayedNodes nodes = four(0)) {
      CompletableFuture<Boolean> close = PlayedNodes.start(() -> nodes.core(0).close());
      for (int other = 1; other < 4; other++) {
        assertThat(nodes.next(other, Message.Closing.class)).isEqualTo(new Message.Closing(1, 0));
      }
      nodes.send(1, new Message.Through(true));
      nodes.send(2, new Message.Through(true));
      nodes.settle(2);
      assertThat(close.isDone()).isFalse();
      nodes.send(3, new Message.Through(true));
      for (int other = 1; other < 4; other++) {
        nodes.next(other, Message.AllThrough.class);
      }
      assertThat(PlayedNodes.get(close)).isTrue();
    }
  }
}

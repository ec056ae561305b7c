/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A node in the middle: node 1 of seven, with node 0 above it and nodes 3 and 4 below it; and the
 * top.
 */
class CallBranchTest {
  private final List<String> done = new ArrayList<>();
  private final CallBranch middle = new CallBranch(new Tree(7, 0, 2), 1, new Log());
  private final CallBranch top = new CallBranch(new Tree(7, 0, 2), 0, new Log());

  private final class Log implements CallBranch.Outbox {
    @Override
    public void send(int to, Message.OfCall message) {
      done.add(to + ": " + message);
    }

    @Override
    public void obey(Message.ToAll message) {
      done.add("obey " + message);
    }
  }

  private void assertDone(Object... all) {
    assertThat(done)
        .containsExactlyElementsOf(List.of(all).stream().map(Object::toString).toList());
    done.clear();
  }

  private static Message.Arrived writes(long call, int writer) {
    return new Message.Arrived(call, Verdict.SINGLE_WRITE, writer, "r");
  }

  private static Message.Arrived differ(long call) {
    return new Message.Arrived(call, Verdict.DIFFERENT, 0, "");
  }

  private static Message.Decide go(long call) {
    return new Message.Decide(call, Verdict.GO, 5, "");
  }

  @Test
  void aNodeReportsOnceItsRanksAndAllBelowHaveArrived() {
    middle.receive(3, writes(1, 5));
    middle.report(writes(1, 5));
    assertDone();
    middle.receive(4, writes(1, 5));
    assertDone("0: " + writes(1, 5));
    middle.receive(4, writes(1, 5)); // once more
    assertDone();
  }

  @Test
  void itsOwnRanksMayBeTheLast() {
    middle.receive(3, writes(1, 5));
    middle.receive(4, writes(1, 5));
    assertDone();
    middle.report(writes(1, 5));
    assertDone("0: " + writes(1, 5));
  }

  @Test
  void aLeafReportsAtOnce() {
    CallBranch leaf = new CallBranch(new Tree(7, 0, 2), 6, new Log());
    leaf.report(writes(1, 5));
    assertDone("2: " + writes(1, 5));
  }

  @Test
  void aChildThatReportsTwiceIsOneChild() {
    middle.report(writes(1, 5));
    middle.receive(3, writes(1, 5));
    middle.receive(3, writes(1, 5));
    assertDone();
  }

  @Test
  void aDifferenceIsReportedOnceAllHaveArrived() {
    middle.receive(3, writes(1, 5));
    middle.receive(4, writes(1, 6));
    assertDone();
    middle.report(writes(1, 5));
    assertDone("0: " + differ(1));
  }

  @Test
  void aDifferenceFartherDownStaysOne() {
    middle.report(writes(1, 5));
    middle.receive(3, differ(1));
    middle.receive(4, differ(1));
    assertDone("0: " + differ(1));
  }

  @Test
  void whoWritesAndWhatForMustBeTheSame() {
    assertThat(writes(1, 5).and(writes(1, 5))).isEqualTo(writes(1, 5));
    assertThat(writes(1, 5).and(new Message.Arrived(1, Verdict.SINGLE_WRITE, 5, "s")))
        .isEqualTo(differ(1));
    assertThat(writes(1, 5).and(writes(1, 4))).isEqualTo(differ(1));
    assertThat(differ(1).and(writes(1, 5))).isEqualTo(differ(1));
  }

  @Test
  void theNewsOfAFailureGoesToTheRootDirectly() {
    CallBranch leaf = new CallBranch(new Tree(7, 0, 2), 6, new Log());
    leaf.report(new Message.Fail(1, Verdict.TIMED_OUT, 5));
    leaf.report(new Message.Closing(1, 5));
    leaf.report(new Message.Summary(1, "a"));
    leaf.report(new Message.Through(true));
    assertDone(
        "0: " + new Message.Fail(1, Verdict.TIMED_OUT, 5),
        "0: " + new Message.Closing(1, 5),
        "0: " + new Message.Summary(1, "a"),
        "0: " + new Message.Through(true));
  }

  @Test
  void whatTheRootSaysIsPassedOnAndObeyed() {
    List<Message.ToAll> all =
        List.of(
            new Message.Closing(1, 5), new Message.Ask(1), go(1), go(2), new Message.AllThrough());
    for (Message.ToAll message : all) {
      middle.receive(0, message);
      assertDone("3: " + message, "4: " + message, "obey " + message);
    }
  }

  @Test
  void whatWasGatheredBelongsToOneCall() {
    middle.report(writes(1, 5));
    middle.receive(3, writes(1, 5));
    middle.receive(0, go(1)); // it failed, say
    done.clear();
    middle.receive(4, writes(1, 5)); // has crossed the decision
    middle.receive(4, writes(2, 5));
    middle.receive(3, writes(2, 5));
    middle.receive(3, writes(3, 5)); // nobody can be there yet
    assertDone();
    middle.report(writes(1, 5)); // its ranks have not read of the decision yet
    assertDone();
    middle.report(writes(2, 5));
    assertDone("0: " + writes(2, 5));
  }

  @Test
  void whoHasNoSayIsNotHeard() {
    for (int stranger : new int[] {-1, 0, 1, 2, 5, 7}) {
      assertThatThrownBy(() -> middle.receive(stranger, writes(1, 5)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    for (int stranger : new int[] {1, 2, 3, 4}) {
      for (Message.ToAll message :
          List.of(new Message.Ask(1), go(1), new Message.Closing(1, 5), new Message.AllThrough())) {
        assertThatThrownBy(() -> middle.receive(stranger, message))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> top.receive(stranger, go(1)))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
    for (Message.OfCall message :
        List.of(
            new Message.Fail(1, Verdict.DIED, 5),
            new Message.Summary(1, "a"),
            new Message.Through(true))) {
      assertThatThrownBy(() -> middle.receive(3, message))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("node 0");
    }
    assertThatThrownBy(() -> middle.receive(0, go(2))).isInstanceOf(IllegalArgumentException.class);
    assertDone();
    middle.report(writes(1, 5));
    middle.receive(3, writes(1, 5));
    middle.receive(4, writes(1, 5));
    assertDone("0: " + writes(1, 5));
  }

  @Test
  void atTheTopTheRootDecidesAndItsNodeIsToldLikeTheOthers() {
    top.receive(1, writes(1, 5));
    top.report(writes(1, 5));
    assertDone();
    top.receive(2, writes(1, 5));
    assertDone("0: " + go(1));
    top.receive(0, go(1));
    assertDone("1: " + go(1), "2: " + go(1), "obey " + go(1));
  }

  @Test
  void atTheTopAFailureIsHeardFromAnyNodeAndFromItself() {
    top.receive(6, new Message.Closing(1, 6));
    top.report(new Message.Closing(1, 0));
    assertDone("0: " + new Message.Closing(1, 6));
    top.receive(0, new Message.Closing(1, 6));
    assertDone(
        "1: " + new Message.Closing(1, 6),
        "2: " + new Message.Closing(1, 6),
        "obey " + new Message.Closing(1, 6));
    top.receive(5, new Message.Fail(1, Verdict.LEFT, 6));
    assertDone("0: " + new Message.Ask(1));
    top.report(new Message.Summary(1, "0"));
    for (int node = 1; node < 7; node++) {
      assertDone();
      top.receive(node, new Message.Summary(1, "" + node));
    }
    assertDone("0: " + new Message.Decide(1, Verdict.LEFT, 6, "0; 1; 2; 3; 4; 5; 6"));
    for (int node = 1; node < 7; node++) {
      top.receive(node, new Message.Through(true));
    }
    assertDone();
    top.report(new Message.Through(true));
    assertDone("0: " + new Message.AllThrough());
  }
}

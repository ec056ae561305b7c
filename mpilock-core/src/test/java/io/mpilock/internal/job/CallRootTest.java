/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The messages of the root, one by one: how the collective calls of three nodes are decided. */
class CallRootTest {
  private static final String NOT_ASKED = "";

  private final List<String> sent = new ArrayList<>();
  private final CallRoot root = new CallRoot(message -> sent.add(text(message)), 3);

  private static String text(Message.ToAll message) {
    return switch (message) {
      case Message.Ask m -> "ask " + m.call();
      case Message.Decide m -> decision(m.call(), m.code(), m.rank(), m.text());
      case Message.Closing m -> "closing " + m.call() + " " + m.rank();
      case Message.AllThrough _ -> "all through";
    };
  }

  private void assertSent(String... messages) {
    assertThat(sent).containsExactly(messages);
    sent.clear();
  }

  private static String decision(long call, int code, int rank, String text) {
    return "decide " + call + " " + code + " " + rank + " " + text;
  }

  private void allWrite(long call, int writer) {
    root.arrived(new Message.Arrived(call, Verdict.SINGLE_WRITE, writer, "r"));
  }

  private void allDiffer(long call) {
    root.arrived(new Message.Arrived(call, Verdict.DIFFERENT, 0, ""));
  }

  private void tells(int node, long call, String text) {
    root.summary(node, new Message.Summary(call, text));
  }

  @Test
  void itDecidesToGoWhenAllHaveArrived() {
    allWrite(1, 5);
    assertSent(decision(1, Verdict.GO, 5, NOT_ASKED));
  }

  @Test
  void callsAreDecidedInTheirOrder() {
    allWrite(2, 5); // not yet
    assertSent();
    allWrite(1, 5);
    assertSent(decision(1, Verdict.GO, 5, NOT_ASKED));
    allWrite(1, 5); // decided already
    assertSent();
    allWrite(2, 6);
    assertSent(decision(2, Verdict.GO, 6, NOT_ASKED));
  }

  @Test
  void nodesThatCallDifferentThingsAreAllAskedWhatTheyCalled() {
    allDiffer(1);
    assertSent("ask 1");
    tells(2, 1, "c");
    tells(0, 1, "a");
    assertSent();
    tells(1, 1, "b");
    assertSent(decision(1, Verdict.DIFFER, 0, "a; b; c"));
  }

  @Test
  void theFirstReasonToFailDecides() {
    root.failed(new Message.Fail(1, Verdict.TIMED_OUT, 3));
    root.failed(new Message.Fail(1, Verdict.INTERRUPTED, 4));
    allWrite(1, 5); // too late to go
    allDiffer(1);
    assertSent("ask 1");
    tells(0, 1, "a");
    tells(1, 1, "b");
    tells(2, 1, "c");
    assertSent(decision(1, Verdict.TIMED_OUT, 3, "a; b; c"));
  }

  @Test
  void aReasonToFailThatComesAfterTheDecisionChangesNothing() {
    allWrite(1, 5);
    sent.clear();
    root.failed(new Message.Fail(1, Verdict.TIMED_OUT, 3));
    assertSent();
    allWrite(2, 5);
    assertSent(decision(2, Verdict.GO, 5, NOT_ASKED));
  }

  @Test
  void whatNobodyAskedForIsNotCounted() {
    tells(0, 1, "a");
    tells(1, 1, "b");
    tells(2, 1, "c");
    assertSent();
    root.failed(new Message.Fail(1, Verdict.DIED, 3));
    assertSent("ask 1");
    tells(0, 2, "of another call");
    tells(1, 1, "b");
    tells(1, 1, "b, once more");
    tells(0, 1, "a");
    assertSent();
    tells(2, 1, "c");
    assertSent(decision(1, Verdict.DIED, 3, "a; b, once more; c"));
  }

  @Test
  void aCallThatFailedIsNotMixedUpWithTheNext() {
    root.failed(new Message.Fail(1, Verdict.DIED, 3));
    tells(0, 1, "a");
    tells(1, 1, "b");
    tells(2, 1, "c");
    sent.clear();
    tells(1, 2, "b");
    allDiffer(1);
    assertSent();
    allWrite(2, 5);
    assertSent(decision(2, Verdict.GO, 5, NOT_ASKED));
  }

  @Test
  void aRankThatClosesIsToldToAllOnce() {
    root.closing(new Message.Closing(1, 0));
    root.closing(new Message.Closing(1, 7));
    assertSent("closing 1 0");
    root.closing(new Message.Closing(2, 2)); // not the call that is decided next
    assertSent();
  }

  @Test
  void aRankThatClosesIsTheReasonWhyACallFails() {
    root.closing(new Message.Closing(1, 2));
    assertSent("closing 1 2");
    root.failed(new Message.Fail(1, Verdict.LEFT, 2)); // by who is in the call
    assertSent("ask 1");
  }

  @ParameterizedTest
  @ValueSource(longs = {Verdict.SINGLE_WRITE, Verdict.DIFFERENT})
  void aCallInWhichARankClosesNeverGoes(long kind) {
    root.closing(new Message.Closing(1, 2));
    root.arrived(new Message.Arrived(1, kind, 0, ""));
    assertSent("closing 1 2", "ask 1");
    tells(0, 1, "a");
    tells(1, 1, "b");
    tells(2, 1, "c");
    assertSent(decision(1, Verdict.LEFT, 2, "a; b; c"));
  }

  @Test
  void allAreThroughOnceEachNodeHasSaidSo() {
    root.through(0, true);
    root.through(1, true);
    root.through(1, false); // a rank came out of its close of another controller
    root.through(2, true);
    assertSent();
    root.through(1, true);
    assertSent(); // all close other controllers, and will come back to this one
    root.closing(new Message.Closing(2, 2));
    assertSent("all through");
    root.through(1, false);
    root.through(1, true);
    assertSent();
  }
}

package io.mpilock.protocol.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The messages of the root, one by one: how the collective calls of three nodes are decided. */
class RootTest {
  private static final String NOT_ASKED = "";

  private final List<String> sent = new ArrayList<>();
  private final Root root = new Root(new Log(), 3);

  private final class Log implements Root.Outbox {
    @Override
    public void ask(long call) {
      sent.add("ask " + call);
    }

    @Override
    public void decide(long call, int code, int rank, String text) {
      sent.add("decide " + call + " " + code + " " + rank + " " + text);
    }

    @Override
    public void closing(long call, int rank) {
      sent.add("closing " + call + " " + rank);
    }

    @Override
    public void allThrough() {
      sent.add("all through");
    }
  }

  private void assertSent(String... messages) {
    assertThat(sent).containsExactly(messages);
    sent.clear();
  }

  private static String decision(long call, int code, int rank, String text) {
    return "decide " + call + " " + code + " " + rank + " " + text;
  }

  private void writes(int node, long call, int writer) {
    root.arrived(node, new Message.Arrived(call, Verdict.SINGLE_WRITE, writer, "r"));
  }

  private void closes(int node, long call) {
    root.arrived(node, new Message.Arrived(call, Verdict.CLOSE, -1, ""));
  }

  private void allWrite(long call, int writer) {
    for (int node = 0; node < 3; node++) {
      writes(node, call, writer);
    }
  }

  private void tells(int node, long call, String text) {
    root.summary(node, new Message.Summary(call, text));
  }

  @Test
  void theLastNodeThatArrivesDecidesToGo() {
    writes(0, 1, 5);
    writes(2, 1, 5);
    assertSent();
    writes(1, 1, 5);
    assertSent(decision(1, Verdict.GO, 5, NOT_ASKED));
  }

  @Test
  void aNodeThatArrivesTwiceIsOneNode() {
    writes(0, 1, 5);
    writes(0, 1, 5);
    writes(1, 1, 5);
    assertSent();
  }

  @Test
  void callsAreDecidedInTheirOrder() {
    writes(0, 2, 5); // not yet
    allWrite(1, 5);
    assertSent(decision(1, Verdict.GO, 5, NOT_ASKED));
    allWrite(1, 5); // decided already
    writes(1, 2, 6);
    writes(2, 2, 6);
    assertSent();
    writes(0, 2, 6);
    assertSent(decision(2, Verdict.GO, 6, NOT_ASKED));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void nodesThatCallDifferentThingsAreAllAskedWhatTheyCalled(int odd) {
    for (int node = 0; node < 3; node++) {
      writes(node, 1, node == odd ? 4 : 5);
    }
    assertSent("ask 1");
    tells(2, 1, "c");
    tells(0, 1, "a");
    assertSent();
    tells(1, 1, "b");
    assertThat(sent).singleElement().asString().startsWith("decide 1 " + Verdict.DIFFER + " ");
    assertThat(sent).singleElement().asString().endsWith(" a; b; c");
  }

  @Test
  void aResourceThatDiffersIsADifference() {
    writes(0, 1, 5);
    writes(1, 1, 5);
    root.arrived(2, new Message.Arrived(1, Verdict.SINGLE_WRITE, 5, "another"));
    assertSent("ask 1");
  }

  @Test
  void theFirstReasonToFailDecides() {
    writes(0, 1, 5);
    root.failed(new Message.Fail(1, Verdict.TIMED_OUT, 3));
    root.failed(new Message.Fail(1, Verdict.INTERRUPTED, 4));
    writes(1, 1, 5);
    writes(2, 1, 5); // too late to go
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
    writes(0, 1, 5);
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
    writes(0, 2, 5);
    tells(1, 2, "b");
    assertSent();
    writes(1, 2, 5);
    writes(2, 2, 5);
    assertSent(decision(2, Verdict.GO, 5, NOT_ASKED));
  }

  @Test
  void aRankThatClosesIsToldToAllAndFailsASingleWrite() {
    root.closing(new Message.Closing(1, 0));
    root.closing(new Message.Closing(1, 7));
    assertSent("closing 1 0");
    writes(1, 1, 5);
    assertSent("ask 1");
    tells(0, 1, "a");
    tells(1, 1, "b");
    tells(2, 1, "c");
    assertSent(decision(1, Verdict.LEFT, 0, "a; b; c"));
  }

  @Test
  void aSingleWriteThatWaitsFailsWhenARankCloses() {
    writes(0, 1, 5);
    root.closing(new Message.Closing(1, 2));
    assertSent("closing 1 2", "ask 1");
    root.closing(new Message.Closing(2, 2)); // not the call that is decided next
    assertSent();
  }

  @Test
  void ranksThatAllCloseNeedNoDecision() {
    root.closing(new Message.Closing(1, 2));
    sent.clear();
    for (int node = 0; node < 3; node++) {
      closes(node, 1);
    }
    assertSent();
  }

  @Test
  void aNodeThatClosesAndOneThatWritesDiffer() {
    closes(0, 1);
    closes(1, 1);
    writes(2, 1, 5);
    assertSent("ask 1");
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

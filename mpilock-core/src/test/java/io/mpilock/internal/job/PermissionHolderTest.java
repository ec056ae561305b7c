/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.SimulatedGate.State;
import io.mpilock.internal.job.SimulatedGate.Visit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The messages of a holder, one by one. */
class PermissionHolderTest {
  private final List<String> sent = new ArrayList<>();
  private final SimulatedGate gate = new SimulatedGate(false, false, visit -> {}, () -> {});
  private final PermissionHolder holder = new PermissionHolder(gate, new Log());

  private final class Log implements PermissionHolder.Outbox {
    @Override
    public void request(Permission wanted, long tries) {
      sent.add("request " + wanted + (tries == 0 ? "" : " tries " + tries));
    }

    @Override
    public void plead(long tries) {
      sent.add("plead " + tries);
    }

    @Override
    public void cancel() {
      sent.add("cancel");
    }

    @Override
    public void yielded(Permission kept, long token, long value, int deadWriter) {
      if (!gate.isPoisoned()) {
        assertThat(gate.level()).as("open already when it is told").isLessThanOrEqualTo(kept);
      }
      sent.add("yield " + kept + " " + token + (deadWriter < 0 ? "" : " dead " + deadWriter));
    }

    @Override
    public void settled() {
      sent.add("settled");
    }

    @Override
    public void clear(int rank) {
      sent.add("clear " + rank);
    }

    @Override
    public void retire(Permission held, long token, long value) {
      assertThat(gate.level()).as("open already when it is told").isEqualTo(NONE);
      sent.add("retire " + held + " " + token);
    }
  }

  private void assertSent(String... messages) {
    assertThat(sent).containsExactly(messages);
    sent.clear();
  }

  @Test
  void whatNobodyHasAnyMoreIsGivenBackOnce() {
    Visit visit = writes();
    holder.granted(EXCLUSIVE, 41, 0);
    gate.leave(visit);
    sent.clear();
    holder.retire();
    holder.retire();
    assertSent("retire EXCLUSIVE 42");
    assertThat(holder.held()).isEqualTo(NONE);
    assertThat(holder.isRetired()).isFalse();
    holder.retired();
    assertThat(holder.isRetired()).isTrue();
    holder.retire();
    assertSent();
  }

  @Test
  void whoComesBackAsksAndTheAnswerDoesNotCountAnyMore() {
    holder.retire();
    assertSent("retire NONE 0");
    Visit visit = writes();
    assertSent("request EXCLUSIVE");
    holder.retire(); // the first is not answered
    holder.retired();
    assertThat(holder.isRetired()).isFalse();
    gate.giveUp(visit);
    holder.retire();
    assertSent("cancel", "retire NONE 0");
    holder.granted(EXCLUSIVE, 5, 0); // which had crossed the cancel
    holder.retired();
    assertThat(holder.isRetired()).isFalse();
    holder.retire();
    assertSent("retire EXCLUSIVE 5");
  }

  @Test
  void whatSomebodyHasIsNotGivenBackAndStaysOpen() {
    Visit visit = writes();
    holder.granted(EXCLUSIVE, 1, 0);
    sent.clear();
    holder.retire();
    assertSent();
    assertThat(gate.level()).isEqualTo(EXCLUSIVE);
    gate.leave(visit);
  }

  @Test
  void whatIsPoisonedDoesNotRetire() {
    holder.retire();
    holder.poisoned(3);
    holder.retired();
    assertThat(holder.isRetired()).isFalse();
    sent.clear();
    holder.retire();
    assertSent();
  }

  private Visit visit(Permission mode, boolean tries) {
    Visit visit = new Visit(0, mode, tries);
    gate.arrive(visit);
    holder.look();
    return visit;
  }

  private Visit reads() {
    return visit(SHARED, false);
  }

  private Visit writes() {
    return visit(EXCLUSIVE, false);
  }

  private void leaves(Visit visit) {
    gate.leave(visit);
    holder.look();
  }

  private void givesUp(Visit visit) {
    gate.giveUp(visit);
    holder.look();
  }

  @Test
  void theFirstUseIsARequestAndTheNextOnesCostNothing() {
    Visit writer = writes();
    assertSent("request EXCLUSIVE");
    holder.granted(EXCLUSIVE, 4, 0);
    assertThat(writer.state).isEqualTo(State.IN);
    assertThat(gate.token()).isEqualTo(5);
    leaves(writer);
    leaves(reads());
    leaves(writes());
    assertSent();
    assertThat(holder.held()).isEqualTo(EXCLUSIVE);
  }

  @Test
  void manyThatWaitAreOneRequest() {
    reads();
    reads();
    assertSent("request SHARED");
    writes();
    writes();
    assertSent("request EXCLUSIVE");
  }

  @Test
  void aWriterAtANodeThatReadsAsksForMore() {
    leaves(granted(reads(), SHARED));
    writes();
    assertSent("request EXCLUSIVE");
    holder.granted(EXCLUSIVE, 0, 0);
    assertThat(holder.isAsking()).isFalse();
  }

  @Test
  void whatNobodyUsesIsYieldedAtOnce() {
    leaves(granted(writes(), EXCLUSIVE));
    holder.recalled(NONE);
    assertSent("yield NONE 1");
    reads();
    assertSent("request SHARED");
  }

  @Test
  void whatSomebodyUsesIsYieldedWhenItLeaves() {
    Visit writer = granted(writes(), EXCLUSIVE);
    holder.recalled(NONE);
    Visit next = writes();
    assertSent();
    leaves(writer);
    assertSent("yield NONE 1", "request EXCLUSIVE");
    assertThat(next.state).isEqualTo(State.WAITS);
  }

  @Test
  void aRecallForAReaderLeavesThePermissionToRead() {
    Visit writer = granted(writes(), EXCLUSIVE);
    Visit reader = reads();
    holder.recalled(SHARED);
    leaves(writer);
    assertSent("yield SHARED 1");
    assertThat(reader.state).isEqualTo(State.IN);
    assertThat(holder.held()).isEqualTo(SHARED);
  }

  @Test
  void aRecallThatIsRaisedToSharedLetsReadersIn() {
    Visit writer = granted(writes(), EXCLUSIVE);
    holder.recalled(NONE);
    Visit reader = reads();
    holder.recalled(SHARED);
    leaves(writer);
    assertSent("yield SHARED 1");
    assertThat(reader.state).isEqualTo(State.IN);
  }

  @Test
  void aRecallThatIsTakenBackOpensTheGate() {
    Visit writer = granted(writes(), EXCLUSIVE);
    holder.recalled(NONE);
    Visit next = writes();
    holder.recalled(EXCLUSIVE);
    leaves(writer);
    assertSent();
    assertThat(next.state).isEqualTo(State.IN);
  }

  @Test
  void aRecallThatIsTakenBackTooLateChangesNothing() {
    leaves(granted(writes(), EXCLUSIVE));
    holder.recalled(NONE);
    holder.recalled(EXCLUSIVE);
    assertSent("yield NONE 1");
    assertThat(gate.level()).isEqualTo(NONE);
    assertThat(holder.isRecalled()).isFalse();
  }

  @Test
  void whoGivesUpLeavesNoRequest() {
    Visit reader = reads();
    Visit writer = writes();
    assertSent("request SHARED", "request EXCLUSIVE");
    givesUp(writer);
    assertSent("request SHARED");
    givesUp(reader);
    assertSent("cancel");
    assertThat(holder.isAsking()).isFalse();
  }

  @Test
  void aWriterThatGivesUpWhileARecallWaitsForAReaderLeavesNoRequest() {
    Visit reader = granted(reads(), SHARED);
    Visit writer = writes();
    holder.recalled(NONE);
    assertSent("request EXCLUSIVE");
    givesUp(writer);
    assertSent("cancel");
    leaves(reader);
    assertSent("yield NONE 0");
  }

  @Test
  void aRequestWaitsUntilTheRecallIsAnswered() {
    Visit reader = granted(reads(), SHARED);
    holder.recalled(NONE);
    writes();
    assertSent();
    leaves(reader);
    assertSent("yield NONE 0", "request EXCLUSIVE");
  }

  @Test
  void aGrantThatCrossesALargerRequestIsUsed() {
    Visit reader = reads();
    Visit writer = writes();
    holder.granted(SHARED, 0, 0);
    assertThat(reader.state).as("behind the writer").isEqualTo(State.WAITS);
    assertThat(holder.isAsking()).isTrue();
    holder.granted(EXCLUSIVE, 0, 0);
    assertThat(writer.state).isEqualTo(State.IN);
    assertSent("request SHARED", "request EXCLUSIVE");
  }

  @Test
  void aGrantThatCrossesACancelIsKept() {
    givesUp(writes());
    holder.granted(EXCLUSIVE, 0, 0);
    assertSent("request EXCLUSIVE", "cancel");
    Visit writer = writes();
    assertThat(writer.state).isEqualTo(State.IN);
    assertSent();
  }

  @Test
  void aGrantIsUsedOnceBeforeTheRecallBehindIt() {
    Visit first = writes();
    Visit second = writes();
    holder.granted(EXCLUSIVE, 0, 0);
    holder.recalled(NONE);
    assertThat(first.state).isEqualTo(State.IN);
    leaves(first);
    assertThat(second.state).isEqualTo(State.WAITS);
    assertSent("request EXCLUSIVE", "yield NONE 1", "request EXCLUSIVE");
  }

  @Test
  void whoIsToSettleSaysFirstWhatIsNew() {
    Visit writer = granted(writes(), EXCLUSIVE);
    holder.recalled(NONE);
    holder.settle();
    assertSent("settled");
    gate.leave(writer); // and the agent was not told
    holder.settle();
    assertSent("yield NONE 1", "settled");
    Visit next = writes();
    sent.clear();
    gate.giveUp(next);
    holder.settle();
    assertSent("cancel", "settled");
  }

  @Test
  void aTryOfThisNodeEndsWhenItIsRefused() {
    Visit tries = visit(EXCLUSIVE, true);
    assertSent("request EXCLUSIVE tries 1");
    holder.refused(1);
    assertThat(tries.state).isEqualTo(State.REFUSED);
    assertSent("cancel");
  }

  @Test
  void aTryThatComesAfterTheQuestionAsksForItself() {
    Visit first = visit(EXCLUSIVE, true);
    Visit second = visit(EXCLUSIVE, true);
    assertSent("request EXCLUSIVE tries 1");
    holder.refused(1);
    assertThat(first.state).isEqualTo(State.REFUSED);
    assertThat(second.state).isEqualTo(State.WAITS);
    assertSent("request EXCLUSIVE tries 2");
    holder.refused(1); // nobody is called that any more
    assertThat(second.state).isEqualTo(State.WAITS);
    holder.refused(2);
    assertThat(second.state).isEqualTo(State.REFUSED);
    assertSent("cancel");
  }

  @Test
  void aRefusalOfTriesThatAreOverDoesNotHitTheNext() {
    givesUp(visit(EXCLUSIVE, true));
    Visit next = visit(EXCLUSIVE, true);
    assertSent("request EXCLUSIVE tries 1", "cancel", "request EXCLUSIVE tries 2");
    holder.refused(1);
    assertThat(next.state).isEqualTo(State.WAITS);
    assertSent();
  }

  @Test
  void aTryBesideOneThatWaitsAsksAgain() {
    writes();
    Visit tries = visit(SHARED, true);
    assertSent("request EXCLUSIVE", "request EXCLUSIVE tries 1");
    holder.refused(1);
    assertThat(tries.state).isEqualTo(State.REFUSED);
    assertSent();
    visit(SHARED, true);
    assertSent("request EXCLUSIVE tries 2");
  }

  @Test
  void aTryThatOnlyARecallKeepsOutPleads() {
    granted(reads(), SHARED);
    holder.recalled(NONE);
    Visit tries = visit(SHARED, true);
    assertSent("plead 1");
    holder.refused(1);
    assertThat(tries.state).isEqualTo(State.REFUSED);
    assertSent();
    Visit next = visit(SHARED, true);
    assertSent("plead 2");
    holder.recalled(EXCLUSIVE);
    assertThat(next.state).isEqualTo(State.IN);
    assertSent();
  }

  @Test
  void aTryThatPleadsAsksWhenTheRecallIsAnswered() {
    Visit reader = granted(reads(), SHARED);
    holder.recalled(NONE);
    visit(SHARED, true);
    assertSent("plead 1");
    leaves(reader);
    assertSent("yield NONE 0", "request SHARED tries 2");
  }

  @Test
  void aTryToWriteBesideAReaderOfItsNodeAsksNobody() {
    granted(reads(), SHARED);
    holder.recalled(NONE);
    Visit tries = visit(EXCLUSIVE, true);
    assertThat(tries.state).isEqualTo(State.REFUSED);
  }

  @Test
  void aWriterThatDiedIsToldOfWhenThePermissionIsRecalled() {
    Visit writer = granted(writes(), EXCLUSIVE);
    gate.die(writer);
    holder.recalled(SHARED);
    assertSent("yield NONE 1 dead 0");
    Visit late = writes();
    assertThat(late.state).isEqualTo(State.TOLD_OF_DEATH);
    holder.recalled(EXCLUSIVE);
    holder.granted(EXCLUSIVE, 1, 0);
    assertThat(holder.held()).isEqualTo(NONE);
    assertSent();
  }

  @Test
  void aDeathElsewhereEndsAllWaits() {
    Visit reader = reads();
    Visit writer = writes();
    sent.clear();
    holder.poisoned(3);
    holder.look();
    assertThat(List.of(reader.state, writer.state)).containsOnly(State.TOLD_OF_DEATH);
    assertThat(holder.isAsking()).isFalse();
    assertSent();
  }

  private Visit granted(Visit visit, Permission permission) {
    sent.clear();
    holder.granted(permission, 0, 0);
    assertThat(visit.state).isEqualTo(State.IN);
    return visit;
  }

  @Test
  void whatTheHomeDoesNotKnowItIsToldBeforeItIsAskedToGiveItFree() {
    Visit writer = writes();
    holder.granted(EXCLUSIVE, 3, 0);
    sent.clear();
    holder.clear(0); // nobody has died
    assertSent();
    gate.die(writer);
    holder.clear(1); // somebody else
    assertSent();
    holder.clear(0);
    assertSent("yield NONE 4 dead 0", "clear 0");
    holder.clear(0);
    assertSent("clear 0");
    holder.cleared();
    assertThat(gate.isPoisoned()).isFalse();
    assertSent();
    writes();
    assertSent("request EXCLUSIVE");
  }

  @Test
  void whoWaitsWhenItIsGivenFreeIsAskedFor() {
    writes();
    assertSent("request EXCLUSIVE");
    holder.poisoned(7);
    Visit late = new Visit(0, EXCLUSIVE, false);
    holder.cleared();
    assertSent("cancel"); // of what may have come to the home after it was given free
    gate.arrive(late);
    holder.look();
    assertSent("request EXCLUSIVE");
    holder.cleared(); // once more, or late: it is not poisoned
    assertSent();
  }
}

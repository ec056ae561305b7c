/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The messages of a home, one by one. */
class PermissionServerTest {
  private static final int ALIVE = -1;

  private final List<String> sent = new ArrayList<>();
  private PermissionServer home = new PermissionServer(new Log(), false, 0);
  private long tries;

  private final class Log implements PermissionServer.Outbox {
    @Override
    public void grant(int node, Permission permission, long token, long value) {
      sent.add("grant " + node + " " + permission + " " + token);
    }

    @Override
    public void recall(int node, Permission limit) {
      sent.add("recall " + node + " " + limit);
    }

    @Override
    public void settle(int node) {
      sent.add("settle " + node);
    }

    @Override
    public void refuse(int node, long tries) {
      sent.add("refuse " + node + " " + tries);
    }

    @Override
    public void poison(int node, int rank) {
      sent.add("poison " + node + " " + rank);
    }

    @Override
    public void confirm(int node, int rank) {
      sent.add("confirm " + node + " " + rank);
    }

    @Override
    public void cleared(int node) {
      sent.add("cleared " + node);
    }

    @Override
    public void retired(int node) {
      sent.add("retired " + node);
    }
  }

  private void assertSent(String... messages) {
    assertThat(sent).containsExactly(messages);
    sent.clear();
  }

  private void writes(int node) {
    home.request(node, EXCLUSIVE, 0);
  }

  @Test
  void whatANodeGivesBackGoesToTheNext() {
    writes(1);
    writes(2);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 NONE");
    home.retire(1, EXCLUSIVE, 7, 0);
    assertSent("grant 2 EXCLUSIVE 7", "retired 1");
    home.retire(2, EXCLUSIVE, 9, 0);
    assertSent("retired 2");
    assertThat(home.isIdle()).isTrue();
    assertThat(home.token()).isEqualTo(9);
  }

  @Test
  void whatIsOnItsWayToANodeThatRetiresStaysOnRecord() {
    reads(1);
    writes(1);
    assertSent("grant 1 SHARED 0", "grant 1 EXCLUSIVE 0");
    home.retire(1, SHARED, 0, 0);
    assertSent("retired 1");
    assertThat(home.permission(1)).isEqualTo(EXCLUSIVE);
    home.retire(1, NONE, 0, 0);
    assertSent("retired 1");
    assertThat(home.permission(1)).isEqualTo(EXCLUSIVE);
    assertThat(home.isIdle()).isFalse();
  }

  private void triesToWrite(int node) {
    home.request(node, EXCLUSIVE, ++tries);
  }

  private void reads(int node) {
    home.request(node, SHARED, 0);
  }

  private void triesToRead(int node) {
    home.request(node, SHARED, ++tries);
  }

  private void yields(int node, Permission kept, long token) {
    home.yielded(node, kept, token, 0, ALIVE);
  }

  @Test
  void whatNobodyHasIsGrantedAtOnce() {
    writes(1);
    assertSent("grant 1 EXCLUSIVE 0");
    assertThat(home.permission(1)).isEqualTo(EXCLUSIVE);
  }

  @Test
  void aConflictCostsARecallAndAYield() {
    writes(1);
    writes(2);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 NONE");
    yields(1, NONE, 5);
    assertSent("grant 2 EXCLUSIVE 5");
  }

  @Test
  void aReaderLeavesTheWriterThePermissionToRead() {
    writes(1);
    reads(2);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 SHARED");
    yields(1, SHARED, 3);
    assertSent("grant 2 SHARED 3");
    assertThat(home.permission(1)).isEqualTo(SHARED);
  }

  @Test
  void readersShare() {
    reads(1);
    reads(2);
    assertSent("grant 1 SHARED 0", "grant 2 SHARED 0");
  }

  @Test
  void anUpgradeRecallsOnlyTheOthers() {
    reads(1);
    reads(2);
    sent.clear();
    writes(1);
    assertSent("recall 2 NONE");
    yields(2, NONE, 0);
    assertSent("grant 1 EXCLUSIVE 0");
  }

  @Test
  void anUpgradeOfTheOnlyReaderIsGrantedAtOnce() {
    reads(1);
    writes(1);
    assertSent("grant 1 SHARED 0", "grant 1 EXCLUSIVE 0");
  }

  @Test
  void ofTwoUpgradesTheFirstGoesFirst() {
    reads(1);
    reads(2);
    writes(2);
    writes(1);
    assertSent("grant 1 SHARED 0", "grant 2 SHARED 0", "recall 1 NONE");
    yields(1, NONE, 0);
    assertSent("grant 2 EXCLUSIVE 0", "recall 2 NONE");
    yields(2, NONE, 1);
    assertSent("grant 1 EXCLUSIVE 1");
  }

  @Test
  void writersGoInTheirOrderAndBeforeReaders() {
    writes(1);
    reads(2);
    writes(3);
    writes(4);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 SHARED", "recall 1 NONE");
    yields(1, NONE, 1);
    assertSent("grant 3 EXCLUSIVE 1", "recall 3 NONE");
    yields(3, NONE, 2);
    assertSent("grant 4 EXCLUSIVE 2", "recall 4 SHARED");
    yields(4, SHARED, 3);
    assertSent("grant 2 SHARED 3");
  }

  @Test
  void phaseFairReadersThatWaitedGoBeforeTheNextWriter() {
    home = new PermissionServer(new Log(), true, 0);
    writes(1);
    writes(2);
    reads(3);
    reads(4);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 NONE");
    yields(1, NONE, 1);
    assertSent("grant 3 SHARED 1", "grant 4 SHARED 1", "recall 3 NONE", "recall 4 NONE");
    reads(5);
    yields(3, NONE, 1);
    yields(4, NONE, 1);
    assertSent("grant 2 EXCLUSIVE 1", "recall 2 SHARED");
  }

  @Test
  void aRequestTakesThePlaceOfAnEarlierOne() {
    writes(1);
    writes(2);
    writes(3);
    reads(2);
    sent.clear();
    yields(1, NONE, 1);
    assertSent("grant 3 EXCLUSIVE 1", "recall 3 SHARED");
  }

  @Test
  void aRequestThatIsRepeatedKeepsItsPlace() {
    writes(1);
    writes(2);
    writes(3);
    triesToWrite(2);
    sent.clear();
    yields(1, NONE, 1);
    assertSent("grant 2 EXCLUSIVE 1", "recall 2 NONE");
  }

  @Test
  void aRequestThatTheGrantOnItsWaySatisfiesTakesBackAnEarlierOne() {
    reads(1);
    reads(2);
    writes(1);
    assertSent("grant 1 SHARED 0", "grant 2 SHARED 0", "recall 2 NONE");
    reads(1);
    assertSent("recall 2 EXCLUSIVE");
    assertThat(home.describe()).contains("to write []");
  }

  @Test
  void aCancelTakesTheRecallsBack() {
    reads(1);
    writes(2);
    home.cancel(2);
    assertSent("grant 1 SHARED 0", "recall 1 NONE", "recall 1 EXCLUSIVE");
    home.cancel(2);
    assertSent();
  }

  @Test
  void aYieldThatCrossesTheTakingBackIsAYield() {
    writes(1);
    writes(2);
    home.cancel(2);
    yields(1, NONE, 4);
    sent.clear();
    reads(3);
    assertSent("grant 3 SHARED 4");
    assertThat(home.permission(1)).isEqualTo(NONE);
  }

  @Test
  void aNodeThatMayBeYieldingIsNotGrantedMoreBeforeItHas() {
    reads(1);
    writes(2);
    writes(1); // before it heard of the recall
    home.cancel(2);
    assertSent("grant 1 SHARED 0", "recall 1 NONE");
    yields(1, NONE, 0);
    assertSent("grant 1 EXCLUSIVE 0");
  }

  @Test
  void aNodeThatMayBeYieldingAfterTheRecallWasTakenBackIsRecalledForItsOwnWrite() {
    reads(1);
    writes(2);
    home.cancel(2);
    writes(1);
    assertSent("grant 1 SHARED 0", "recall 1 NONE", "recall 1 EXCLUSIVE", "recall 1 NONE");
    yields(1, NONE, 0);
    assertSent("grant 1 EXCLUSIVE 0");
  }

  @Test
  void aTryIsRefusedByWhoHoldsOnWhenItHasSettled() {
    writes(1);
    triesToWrite(2);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 NONE", "settle 1");
    home.settled(1);
    assertSent("refuse 2 1");
    home.cancel(2);
    assertSent("recall 1 EXCLUSIVE");
  }

  @Test
  void aTryGetsWhatNobodyUses() {
    writes(1);
    triesToRead(2);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 SHARED", "settle 1");
    yields(1, SHARED, 1);
    assertSent("grant 2 SHARED 1");
    home.settled(1);
    assertSent();
  }

  @Test
  void aTryIsRefusedByWhoStillWaitsBeforeIt() {
    writes(1);
    writes(2);
    triesToWrite(3);
    triesToRead(4);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 NONE", "settle 1", "settle 2", "settle 3");
    home.settled(2);
    assertSent("refuse 3 1", "settle 2"); // which did not know of the second when it was asked
    home.settled(2);
    assertSent("refuse 4 2");
  }

  @Test
  void aTryGetsWhatWhoWasBeforeItHasGivenUp() {
    writes(1);
    writes(2);
    triesToWrite(3);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 NONE", "settle 1", "settle 2");
    home.cancel(2); // was on its way
    home.settled(2);
    assertSent();
    yields(1, NONE, 4);
    assertSent("grant 3 EXCLUSIVE 4");
  }

  @Test
  void anAnswerOfWhoWasGrantedSinceDoesNotCount() {
    writes(1);
    writes(2);
    triesToWrite(3);
    yields(1, NONE, 4);
    assertSent(
        "grant 1 EXCLUSIVE 0",
        "recall 1 NONE",
        "settle 1",
        "settle 2",
        "grant 2 EXCLUSIVE 4",
        "recall 2 NONE");
    home.settled(2); // which it said before the grant came
    assertSent("settle 2");
    yields(2, NONE, 4);
    assertSent("grant 3 EXCLUSIVE 4");
  }

  @Test
  void anAnswerOfWhoWasToldToGiveUpMoreDoesNotCount() {
    writes(1);
    triesToRead(2);
    triesToWrite(3);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 SHARED", "settle 1", "recall 1 NONE", "settle 3");
    home.settled(1);
    assertSent("settle 1");
    home.settled(1);
    assertSent("refuse 3 2");
  }

  @Test
  void readersThatTryAreRefusedWhenAWriterHasCome() {
    writes(1);
    triesToRead(2);
    writes(3);
    assertSent("grant 1 EXCLUSIVE 0", "recall 1 SHARED", "settle 1", "recall 1 NONE", "settle 3");
    home.settled(3);
    assertSent("refuse 2 1");
  }

  @Test
  void aTryIsRefusedOnceHoweverManyHoldOn() {
    reads(1);
    reads(2);
    triesToWrite(3);
    sent.clear();
    home.settled(1);
    home.settled(2);
    assertSent("refuse 3 1");
  }

  @Test
  void aLateAnswerDoesNotRefuseTheNextTry() {
    reads(1);
    reads(2);
    triesToWrite(3);
    home.settled(1);
    home.cancel(3);
    sent.clear();
    triesToWrite(3);
    assertSent("recall 1 NONE", "recall 2 NONE", "settle 1");
    home.settled(2); // to the first question
    assertSent("settle 2");
    home.settled(2);
    assertSent("refuse 3 2");
  }

  @Test
  void aRecallThatKeepsOutATryIsTakenBackIfNobodyWantsIt() {
    reads(1);
    writes(2);
    home.plead(1, 5);
    assertSent("grant 1 SHARED 0", "recall 1 NONE", "settle 2");
    home.cancel(2);
    home.settled(2);
    assertSent("recall 1 EXCLUSIVE");
  }

  @Test
  void aRecallThatKeepsOutATryStandsForWhoStillWaits() {
    reads(1);
    writes(2);
    home.plead(1, 5);
    sent.clear();
    home.settled(2);
    assertSent("refuse 1 5");
    home.plead(1, 6);
    yields(1, NONE, 0);
    assertSent("settle 2", "grant 2 EXCLUSIVE 0");
    home.settled(2);
    assertSent();
  }

  @Test
  void whoIsNotRecalledPleadsForNothing() {
    reads(1);
    home.plead(1, 5);
    home.plead(2, 5);
    assertSent("grant 1 SHARED 0");
  }

  @Test
  void aWriterThatDiedPoisonsForAll() {
    writes(1);
    writes(2);
    reads(3);
    sent.clear();
    home.yielded(1, NONE, 7, 0, 11);
    assertSent("poison 2 11", "poison 3 11");
    triesToRead(4);
    assertSent("poison 4 11");
    home.settled(1);
    home.cancel(2);
    yields(1, NONE, 7);
    assertSent();
    assertThat(home.permission(2)).isEqualTo(NONE);
  }

  @Test
  void whatANodeDoesNotHaveItCannotYield() {
    writes(1);
    yields(2, NONE, 0);
    yields(1, EXCLUSIVE, 0);
    home.settled(2);
    assertSent("grant 1 EXCLUSIVE 0");
    assertThat(home.permission(1)).isEqualTo(EXCLUSIVE);
  }

  @Test
  void itSaysWhoHasAndWhoWaits() {
    reads(1);
    writes(2);
    reads(3);
    assertThat(home.describe())
        .isEqualTo("permissions {1=SHARED}, nodes that wait to write [2] and to read [3]");
  }
}

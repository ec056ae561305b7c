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

/** What a home keeps on record of nodes that give up, that cross its recalls, and that died. */
class HomeRecordTest {
  private static final int ALIVE = -1;

  private final List<String> sent = new ArrayList<>();
  private final PermissionServer home =
      new PermissionServer(
          PermissionServer.Outbox.sending("r", (message, node) -> sent.add(node + " " + message)),
          false,
          0);

  private void assertSent(Object... nodesAndMessages) {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < nodesAndMessages.length; i += 2) {
      expected.add(nodesAndMessages[i] + " " + nodesAndMessages[i + 1]);
    }
    assertThat(sent).containsExactlyElementsOf(expected);
    sent.clear();
  }

  private static Message grant(Permission permission, long token) {
    return new Message.Grant("r", permission, token, 0);
  }

  private static Message recall(Permission limit) {
    return new Message.Recall("r", limit);
  }

  /** Only a node that could write knows better than the home. */
  @Test
  void whatACounterStandsAtIsToldByTheLastWriter() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, SHARED, 0);
    home.yielded(1, SHARED, 4, 17, ALIVE);
    assertThat(sent).endsWith("2 " + new Message.Grant("r", SHARED, 4, 17));
    home.yielded(1, NONE, 4, -1, ALIVE);
    home.yielded(2, NONE, 4, -1, ALIVE);
    home.request(3, EXCLUSIVE, 0);
    assertThat(sent).endsWith("3 " + new Message.Grant("r", EXCLUSIVE, 4, 17));
    home.retire(3, EXCLUSIVE, 5, 18);
    assertThat(home.isIdle()).isTrue();
    assertThat(home.isRetired()).as("forgets what it stands at").isFalse();
    home.request(1, EXCLUSIVE, 0);
    assertThat(sent).endsWith("1 " + new Message.Grant("r", EXCLUSIVE, 5, 18));
    home.retire(1, EXCLUSIVE, 6, 0);
    assertThat(home.isRetired()).as("keeps what is as new").isTrue();
  }

  @Test
  void aReaderThatGivesUpLeavesTheOthersInTheirPlaces() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, SHARED, 0);
    home.request(3, SHARED, 0);
    home.request(4, SHARED, 0);
    home.cancel(3);
    assertThat(home.describe()).endsWith("to write [] and to read [2, 4]");
    sent.clear();
    home.yielded(1, SHARED, 1, 0, ALIVE);
    assertSent(2, grant(SHARED, 1), 4, grant(SHARED, 1));
    assertThat(home.permission(3)).isEqualTo(NONE);
  }

  @Test
  void theOnlyReaderThatGivesUpWaitsNoMore() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, SHARED, 0);
    home.cancel(2);
    assertSent(1, grant(EXCLUSIVE, 0), 1, recall(SHARED), 1, recall(EXCLUSIVE));
    home.yielded(1, NONE, 1, 0, ALIVE); // crossed
    assertSent();
    assertThat(home.permission(2)).isEqualTo(NONE);
  }

  @Test
  void aReaderThatTriesIsRefusedByWhoWrites() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, SHARED, 1);
    home.request(3, SHARED, 0);
    assertSent(1, grant(EXCLUSIVE, 0), 1, recall(SHARED), 1, new Message.Settle("r"));
    home.settled(1);
    assertSent(2, new Message.Refuse("r", 1));
  }

  @Test
  void aRecallThatCrossesAYieldOfLessIsNotRepeated() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, SHARED, 0);
    home.request(3, EXCLUSIVE, 0);
    assertSent(1, grant(EXCLUSIVE, 0), 1, recall(SHARED), 1, recall(NONE));
    home.yielded(1, SHARED, 1, 0, ALIVE); // the answer to the first of the two
    assertSent();
    home.yielded(1, NONE, 1, 0, ALIVE);
    assertSent(3, grant(EXCLUSIVE, 1), 3, recall(SHARED));
  }

  @Test
  void aDeathIsToldToEachNodeOnceAndNothingIsLeftOnRecord() {
    home.request(1, SHARED, 0);
    home.request(2, SHARED, 0);
    home.request(2, EXCLUSIVE, 0); // on record, and waits
    home.request(3, SHARED, 0);
    sent.clear();
    home.yielded(1, NONE, 4, 0, 11);
    assertSent(2, new Message.Poison("r", 11), 3, new Message.Poison("r", 11));
    assertThat(home.permission(2)).isEqualTo(NONE);
    assertThat(home.describe())
        .isEqualTo("permissions {}, nodes that wait to write [] and to read []");
  }

  @Test
  void whatIsGivenFreeIsToldToWhoKnewOfThePoisonAfterTheWritersNodeHasConfirmedIt() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, SHARED, 0);
    home.yielded(1, NONE, 4, 0, 11);
    home.request(3, EXCLUSIVE, 0);
    sent.clear();
    home.clear(3, 12); // another one has been given free before
    home.clear(3, -1);
    assertSent();
    home.clear(3, 11);
    assertSent(1, new Message.Confirm("r", 11));
    home.clear(1, 11);
    assertSent(
        1, new Message.Cleared("r"), 2, new Message.Cleared("r"), 3, new Message.Cleared("r"));
    home.clear(1, 11);
    home.clear(3, 11);
    assertSent();
    home.request(2, EXCLUSIVE, 0);
    assertSent(2, grant(EXCLUSIVE, 4));
  }

  @Test
  void anAnswerThatWasUnderWayWhenTheWriterDiedCountsForNoLaterTry() {
    home.request(1, EXCLUSIVE, 0);
    home.request(2, EXCLUSIVE, 1);
    home.yielded(1, NONE, 1, 0, 11); // and what it was asked to settle is still to be answered
    home.clear(1, 11);
    home.request(1, EXCLUSIVE, 0);
    home.request(2, EXCLUSIVE, 2);
    sent.clear();
    home.settled(1);
    assertSent(1, new Message.Settle("r"));
    home.settled(1);
    assertSent(2, new Message.Refuse("r", 2));
  }

  @Test
  void aTokenNeverGoesBack() {
    home.request(1, SHARED, 0);
    home.request(2, SHARED, 0);
    home.yielded(1, NONE, 9, 0, ALIVE);
    home.yielded(2, NONE, 4, 0, ALIVE);
    sent.clear();
    home.request(3, EXCLUSIVE, 0);
    assertSent(3, grant(EXCLUSIVE, 9));
  }
}

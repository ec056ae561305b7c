/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.NodeReport;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The words of the window as docs/architecture.md draws them: nothing lies on anything else. */
class LayoutTest {

  /** What has been claimed: from the first word of each part to the first behind it. */
  private final TreeMap<Long, Long> parts = new TreeMap<>();

  private void claim(long from, long words) {
    Long before = parts.floorKey(from + words - 1);
    if (before != null) {
      assertThat(parts.get(before))
          .as("end of what begins at word %d", before)
          .isLessThanOrEqualTo(from);
    }
    parts.put(from, from + words);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,2", "3,4", "4,64", "5,65", "9,1024", "17,1025", "129,4096"})
  void noWordBelongsToTwoParts(int members, int jobSize) {
    claim(0, 1); // never the index of anything
    claim(Layout.READY, 1);
    claim(Layout.DIRECTORY_LOCK, 1);
    claim(Layout.DIRECTORY_END, 1);
    claim(Layout.DIRECTORY_BELL, 2);
    claim(Layout.DIRECTORY_CHANGES, 1);
    claim(Layout.RECLAIMED, 1);
    claim(Layout.FIRST_TOKEN, 1);
    claim(Layout.SWEEP, 1);
    claim(Layout.NO_ROOM, 1);
    claim(Layout.CUT_SHORT, 1);
    for (long call = 6; call < 8; call++) {
      claim(Layout.decision(call), 1);
      claim(Layout.proposal(call), 1);
    }
    claim(Layout.COLLECTIVE_BELL, 2);
    claim(Layout.PRODUCED, 1);
    claim(Layout.ENDED, 1);
    claim(Layout.END_KIND, 1);
    claim(Layout.INBOX, 1);
    claim(Layout.AGENT_BELL, 2);
    for (long word = Layout.BROKEN; word <= Layout.AGENT_BEAT; word++) {
      claim(word, 1);
    }
    for (int member = 0; member < members; member++) {
      claim(Layout.slot(member) + Layout.LIFE, 1);
      claim(Layout.slot(member) + Layout.SETTINGS, 1);
      claim(Layout.callSlot(member, 6), Layout.CALL_SLOT_WORDS);
      claim(Layout.callSlot(member, 7), Layout.CALL_SLOT_WORDS);
      claim(Layout.slot(member) + Layout.PROGRESS, 1);
      claim(Layout.slot(member) + Layout.CUT_SHORT_TEXT, 1 + Layout.CUT_SHORT_BYTES / 8);
    }
    for (long chunk = 12; chunk < 12 + Layout.RING_CHUNKS; chunk++) {
      claim(Layout.chunk(members, chunk), 16 + Layout.CHUNK_BYTES / 8);
    }
    for (long text : new long[] {Layout.report(members, 6), Layout.report(members, 7)}) {
      claim(text, 16 + Layout.TEXT_BYTES / 8);
    }
    claim(Layout.answer(members), 16 + NodeReport.MAX_BYTES / 8);
    claim(Layout.lost(members), (jobSize + 63) / 64);
    for (int member = 0; member < members; member++) {
      int records = member < members - 1 ? Layout.WAITS : Layout.OTHERS_WAITS;
      for (int slot = 0; slot < records; slot++) {
        claim(
            Layout.wait(member, members, jobSize, slot), Layout.WAIT_HELD + 1 + Layout.WAIT_HOLDS);
      }
    }
    for (long change = 3; change < 3 + Layout.CHANGES; change++) {
      claim(Layout.change(members, jobSize, change), 1);
    }
    claim(Layout.directory(members, jobSize), 1);
    assertThat(parts.lastKey()).isEqualTo(Layout.directory(members, jobSize));
  }

  @ParameterizedTest
  @CsvSource({"1,16", "64,16", "1024,16", "1025,32", "2048,32", "2049,48"})
  void theLostTakeABitForEachRankOfTheJobInWholeLines(int jobSize, int words) {
    assertThat(Layout.wait(0, 3, jobSize, 0) - Layout.lost(3)).isEqualTo(words);
  }

  @ParameterizedTest
  @CsvSource({"1,16", "119,16", "120,16", "121,32", "248,32", "249,48", "765,112"})
  void aNameTakesItsLengthAndItsBytesInWholeLines(int bytes, int words) {
    assertThat(Layout.nameLines(bytes)).isEqualTo(words);
    for (int members = 1; members < 5; members++) {
      assertThat(Layout.entryWords(bytes, members)).isEqualTo(words + 16 + 32L * members);
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "9"})
  void whatIsUsedAgainIsUsedInTurns(int members) {
    for (long n = 0; n < 10; n++) {
      assertThat(Layout.decision(n + 2)).isEqualTo(Layout.decision(n));
      assertThat(Layout.proposal(n + 2)).isEqualTo(Layout.proposal(n));
      assertThat(Layout.report(members, n + 2)).isEqualTo(Layout.report(members, n));
      assertThat(Layout.callSlot(0, n + 2)).isEqualTo(Layout.callSlot(0, n));
      assertThat(Layout.chunk(members, n + 4)).isEqualTo(Layout.chunk(members, n));
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,9", "17,2000"})
  void whatDifferentRanksWriteStandsOnLinesOfItsOwn(int members, int jobSize) {
    for (int member = 0; member < members; member++) {
      assertThat(Layout.slot(member) % Layout.LINE).isZero();
    }
    assertThat(Layout.slot(members) - Layout.slot(0)).isEqualTo(64L * members);
    assertThat(Layout.directory(members, jobSize) % Layout.LINE).isZero();
    assertThat(Layout.lost(members) % Layout.LINE).isZero();
    assertThat(Layout.chunk(members, 1) % Layout.LINE).isZero();
    assertThat(Layout.answer(members) % Layout.LINE).isZero();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static io.mpilock.spring.report.LockUse.READ;
import static io.mpilock.spring.report.LockUse.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class JobReportTests {
  private static final long MS = 1_000_000;

  @Test
  void percentilesAreThoseOfAllRanksTogetherNotTheMeanOfTheirs() {
    // 99 quick waits on one rank, 1 slow one on the other: half of all are quick, and 99 %, too.
    RankRecord quick =
        Records.rank(
            0,
            IntStream.range(0, 99)
                .mapToObj(i -> Records.event("orders", WRITE, i * MS, 1_000, 10))
                .toArray(LockEvent[]::new));
    RankRecord slow = Records.rank(1, Records.event("orders", WRITE, 0, 500 * MS, 10));
    ModeRecord merged = Records.report(2, quick, slow).modes().getFirst();
    assertThat(merged.granted()).isEqualTo(100);
    assertThat(merged.waits().getValueAtPercentile(50)).isCloseTo(1_000L, within(10L));
    assertThat(merged.waits().getValueAtPercentile(99)).isCloseTo(1_000L, within(10L));
    assertThat(merged.waits().getMaxValue()).isCloseTo(500 * MS, within(5 * MS));
    assertThat(merged.waitNanos()).isEqualTo(99_000 + 500 * MS);
  }

  @Test
  void aWaitCountsForTheRanksThatHeldMeanwhile() {
    RankRecord holder =
        Records.rank(
            1,
            Records.event("orders", WRITE, 0, 0, 10 * MS),
            Records.event("orders", WRITE, 20 * MS, 0, 5 * MS),
            Records.event("stock", WRITE, 0, 0, 100 * MS));
    RankRecord other = Records.rank(2, Records.event("orders", READ, 11 * MS, 0, 3 * MS));
    RankRecord waiter =
        Records.rank(
            3,
            Records.event("orders", WRITE, 4 * MS, 18 * MS, MS), // 4 to 22: 6 + 2 of rank 1
            Records.event("orders", READ, 24 * MS, 4 * MS, MS)); // 24 to 28: 1 of rank 1
    JobReport report = Records.report(4, Records.rank(0), holder, other, waiter);
    assertThat(report.pairs())
        .containsExactly(
            new WaitedFor(3, 1, "orders", 9 * MS, 2), new WaitedFor(3, 2, "orders", 3 * MS, 1));
  }

  @Test
  void readersDoNotWaitForReaders() {
    JobReport report =
        Records.report(
            2,
            Records.rank(0, Records.event("orders", READ, 0, 0, 10 * MS)),
            Records.rank(1, Records.event("orders", READ, 0, 5 * MS, MS)));
    assertThat(report.pairs()).isEmpty();
  }

  @Test
  void holdsOfSeveralThreadsOfARankCountOnce() {
    JobReport report =
        Records.report(
            2,
            Records.rank(
                0,
                Records.event("orders", READ, 0, 0, 10 * MS),
                Records.event("orders", READ, 2 * MS, 0, 4 * MS),
                Records.event("orders", READ, 8 * MS, 0, 4 * MS)),
            Records.rank(1, Records.event("orders", WRITE, MS, 19 * MS, MS)));
    assertThat(report.pairs()).containsExactly(new WaitedFor(1, 0, "orders", 11 * MS, 1));
  }

  @Test
  void theTableIsAlignedAndNoWiderThan100Columns() {
    String table =
        ReportTable.of(
            Records.report(
                3,
                Records.rank(
                    0,
                    Records.event("a".repeat(200), WRITE, 0, 0, 123 * MS),
                    Records.event("orders", READ, 0, 0, 850)),
                Records.rank(1, Records.event("a".repeat(200), WRITE, MS, 122 * MS, 4_000 * MS))));
    assertThat(table.lines()).allMatch(line -> line.codePointCount(0, line.length()) <= 100);
    assertThat(table)
        .contains("the locks of 2 of 3 ranks")
        .contains("aaa…  write")
        .contains("851 ns")
        .contains("50 %")
        .contains("…: 122 ms in all, once")
        .contains("rank 2 missing: it died");
    int column = lineWith(table, "resource  ").indexOf(" failed") + 7;
    assertThat(lineWith(table, "orders")).hasSize(column);
  }

  @Test
  void aJobWithoutLocksSaysSo() {
    assertThat(ReportTable.of(Records.report(1, Records.rank(0)))).contains("No lock was used.");
  }

  @Test
  void timesAreShortAndHaveAUnit() {
    assertThat(Units.time(0)).isEqualTo("–");
    assertThat(Units.time(999)).isEqualTo("999 ns");
    assertThat(Units.time(1_234)).isEqualTo("1.23 µs");
    assertThat(Units.time(99_949)).isEqualTo("99.9 µs");
    assertThat(Units.time(999_600)).isEqualTo("1.00 ms");
    assertThat(Units.time(12_345_678)).isEqualTo("12.3 ms");
    assertThat(Units.time(1_234_567_000_000L)).isEqualTo("1,235 s");
    assertThat(Units.share(1, 1000)).isEqualTo("<1 %");
  }

  private static String lineWith(String text, String part) {
    return text.lines().filter(line -> line.contains(part)).findFirst().orElseThrow();
  }
}

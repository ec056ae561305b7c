/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.test.RankTest;
import io.mpilock.spring.test.TestRank;
import java.nio.file.Path;
import org.example.Beans.Reports;
import org.springframework.beans.factory.annotation.Autowired;

/** What the guide shows of tests with ranks. */
class ReportsTests {

  // snippet rank-test
  @RankTest(ranks = 4, classes = Reports.class) // or nodes = {2, 2}
  void oneRankMakesTheReport(TestRank rank, LockTemplate locks, @Autowired Reports reports)
      throws Exception {
    Path report = locks.singleWrite(reports::make);
    assertThat(report).as("rank " + rank.rank()).content().isEqualTo("made by rank 0");
  }

  // end snippet

  @RankTest(ranks = 4, classes = Beans.Writers.class)
  void beansAreThereOnTheirRanks(
      TestRank rank,
      @Autowired(required = false) Reports reports,
      @Autowired(required = false) String watcher) {
    assertThat(reports != null).isEqualTo(rank.rank() == 0);
    assertThat(watcher != null).isEqualTo(rank.rank() % 2 == 1);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.Simulation;
import io.mpilock.transport.local.LocalCluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is who on a node, who is gone, and what the node knows of the others. */
@Timeout(20)
class RankContextTest {
  private static final CoreSettings SETTINGS = Simulation.settings(false, 0, false);

  /** A node of two ranks in a job of 102. */
  private final Simulation job =
      new Simulation(1, 2, 100, (int) Layout.directory(3, 102) + Layout.LINE, false);

  private final RankContext node = job.node(1, SETTINGS);

  private static Simulation alone() {
    return new Simulation(1, 2, (int) Layout.directory(2, 2) + Layout.LINE, false);
  }

  private static long life(int member) {
    return Layout.slot(member) + Layout.LIFE;
  }

  @Test
  void aJobOfOneNodeHasNoAgent() {
    RankContext one = alone().node(1, SETTINGS);
    assertThat(one.ranks()).isEqualTo(2);
    assertThat(one.members()).isEqualTo(2);
    assertThat(one.agent()).isEqualTo(-1);
    assertThat(one.nodes()).isEqualTo(1);
    assertThat(one.me()).isEqualTo(1);
    assertThat(one.brokenBy()).isEqualTo(-1);
    one.throwIfBroken();
  }

  @Test
  void ranksAreNumberedOnTheirNodeAndTheAgentIsBehindThem() {
    RankContext second = // of ranks 1, 2 and 4
        new RankContext(
            LocalCluster.of(0, 1, 1, 0, 1).world(2),
            node.window(),
            SETTINGS,
            new RankContext.Pace(7, 11, () -> 13));
    assertThat(second.ranks()).isEqualTo(3);
    assertThat(second.members()).isEqualTo(4);
    assertThat(second.agent()).isEqualTo(3);
    assertThat(second.me()).isEqualTo(1);
    assertThat(second.myJobRank()).isEqualTo(2);
    assertThat(second.myNode()).isEqualTo(1);
    assertThat(second.nodes()).isEqualTo(2);
    assertThat(second.jobSize()).isEqualTo(5);
    assertThat(second.jobRank(2)).isEqualTo(4);
    assertThat(second.jobRank(3)).as("the agent's process").isEqualTo(1);
    assertThat(second.memberOf(4)).isEqualTo(2);
    assertThat(second.memberOf(3)).isNegative();
    assertThat(second.leader(0)).isZero();
    assertThat(second.leader(1)).isEqualTo(1);
    assertThat(second.nodeOf(3)).isZero();
    assertThat(second.nodeOf(4)).isEqualTo(1);
    assertThat(second.who(2)).startsWith("rank 4 (");
    assertThat(second.who(3)).startsWith("the agent in rank 1 (");
    assertThat(second.spinLimit()).isEqualTo(7);
    assertThat(second.yieldNanos()).isEqualTo(11);
    assertThat(second.nanoTime()).isEqualTo(13);
  }

  @Test
  void withMoreRanksThanCoresItHardlySpins() {
    int cores = Runtime.getRuntime().availableProcessors();
    assertThat(RankContext.Pace.of(cores).spinLimit()).isEqualTo(2000);
    assertThat(RankContext.Pace.of(cores + 1).spinLimit()).isEqualTo(20);
    assertThat(RankContext.Pace.of(4).yieldNanos()).isEqualTo(700_000);
    assertThat(RankContext.Pace.of(90).yieldNanos()).isEqualTo(5_000_000);
    assertThat(RankContext.Pace.of(500).yieldNanos()).isEqualTo(5_000_000);
  }

  @ParameterizedTest
  @CsvSource({
    // LIFE, whether its process lives; gone, dead, LIFE afterwards
    "1, true, false, false, 1",
    "2, true, false, false, 2",
    "3, true, true, false, 3",
    "4, true, true, false, 4",
    "5, true, true, true, 5",
    "1, false, true, true, 5",
    "2, false, true, true, 5",
    "3, false, true, false, 3",
    "4, false, true, false, 4"
  })
  void aRankIsGoneWhenItLeftOrDiedAndADeathIsRemembered(
      long life, boolean lives, boolean gone, boolean dead, long after) {
    for (boolean goneFirst : new boolean[] {true, false}) {
      job.word(life(0), life);
      if (!lives) {
        job.kill(0);
      }
      if (goneFirst) {
        assertThat(node.isGone(0)).isEqualTo(gone);
      }
      assertThat(node.isDead(0)).isEqualTo(dead);
      assertThat(node.isGone(0)).isEqualTo(gone);
      assertThat(job.word(life(0))).isEqualTo(after);
    }
  }

  @Test
  void aRankNeverFindsItselfDeadAndTheAgentDiesWithTheFirstRank() {
    for (int member = 0; member < 3; member++) {
      job.word(life(member), RankContext.OPEN);
    }
    job.kill(1);
    assertThat(node.isGone(1)).isFalse();
    assertThat(node.isDead(1)).isFalse();
    assertThat(node.isGone(2)).isFalse();
    job.kill(0);
    assertThat(node.isGone(2)).isTrue();
    assertThat(job.word(life(2))).isEqualTo(RankContext.DEAD);
  }

  @Test
  void aFailureSaysHowTheRankWent() {
    job.word(life(0), RankContext.DEAD);
    assertThat(node.failed(0, "so."))
        .hasMessage("rank 0 (host host0, pid 1) died: so.")
        .extracting(RankFailedException::rank)
        .isEqualTo(0);
    job.word(life(0), RankContext.LEFT_HOLDING);
    assertThat(node.failed(0, "so."))
        .hasMessage("rank 0 (host host0, pid 1) closed its controller while it held the lock: so.");
    assertThat(node.failed(50, "so."))
        .hasMessage(
            "rank 50 (host host1, pid 1) died, or closed its controller while it held the lock: so.");
  }

  @Test
  void withoutItsAgentANodeIsBroken() {
    job.word(life(1), RankContext.OPEN);
    job.word(life(2), RankContext.OPEN);
    assertThat(node.brokenBy()).isEqualTo(-1);
    node.throwIfBroken();
    job.word(life(2), RankContext.LEFT);
    assertThat(node.brokenBy()).isZero();
    assertThatThrownBy(node::throwIfBroken)
        .isInstanceOf(RankFailedException.class)
        .hasMessageContaining("rank 0 (host host0, pid 1)")
        .hasMessageContaining("spoke for node 0")
        .hasMessageContaining("mpilock.heartbeat-timeout");
  }

  @Test
  void anAgentThatLeftIsMissedOnlyByWhoHasNotClosedWithTheOthers() {
    job.word(life(2), RankContext.LEFT);
    job.word(Layout.JOB_THROUGH, 1);
    job.word(life(1), RankContext.OPEN);
    assertThat(node.brokenBy()).isZero();
    job.word(life(1), RankContext.CLOSING);
    assertThat(node.brokenBy()).isEqualTo(-1);
    job.word(Layout.JOB_THROUGH, 0);
    assertThat(node.brokenBy()).isZero();
  }

  @Test
  void whoBrokeTheControllerIsNamedForEver() {
    job.word(life(2), RankContext.OPEN);
    job.word(Layout.BROKEN, 3);
    job.word(Layout.JOB_THROUGH, 1);
    job.word(life(1), RankContext.CLOSING);
    assertThat(node.brokenBy()).isEqualTo(2); // the first of its node
    assertThatThrownBy(node::throwIfBroken).hasMessageContaining("spoke for node 1");
    assertThat(node.broken(77)) // another one cuts an opening short
        .hasMessageContaining("rank 77 (host host1")
        .hasMessageContaining("does not come to sync");
  }

  @Test
  void theLostOfOtherNodesAreRemembered() {
    assertThat(node.firstLost()).isEqualTo(-1);
    node.markLost(101);
    assertThat(node.firstLost()).isEqualTo(101);
    assertThat(node.isLost(101)).isTrue();
    assertThat(node.isLost(101 - 64)).isFalse();
    assertThat(node.isLost(100)).isFalse();
    node.markLost(64);
    node.markLost(64);
    assertThat(node.firstLost()).isEqualTo(64);
    node.markLost(5);
    assertThat(node.firstLost()).isEqualTo(5);
    assertThat(job.word(Layout.lost(3))).isEqualTo(1L << 5);
    assertThat(job.word(Layout.lost(3) + 1)).isEqualTo(1L << 37 | 1);
  }

  @Test
  void aTextIsReadAsItWasWrittenUpToItsRoom() {
    long index = Layout.report(3, 0);
    node.putText(index, "größer");
    assertThat(node.text(index)).isEqualTo("größer");
    node.putText(index, "x".repeat(5000));
    assertThat(node.text(index)).isEqualTo("x".repeat(4096));
    job.word(index, 4097);
    assertThatThrownBy(() -> node.text(index))
        .isInstanceOf(MpilockException.class)
        .hasMessageContaining("a text says that it has 4097 bytes");
    node.putText(index, "");
    assertThat(node.text(index)).isEmpty();
  }

  @Test
  void aRingWakesTheRanksAndTheAgent() {
    job.word(Layout.COLLECTIVE_BELL + 1, 1); // somebody sleeps
    job.word(Layout.AGENT_BELL + 1, 1);
    node.ringCollective();
    assertThat(job.word(Layout.COLLECTIVE_BELL)).isEqualTo(1);
    assertThat(job.word(Layout.AGENT_BELL)).isEqualTo(1);
    Simulation alone = alone();
    alone.word(Layout.AGENT_BELL + 1, 1);
    alone.node(0, SETTINGS).ringCollective();
    assertThat(alone.word(Layout.AGENT_BELL)).isZero();
  }

  @Test
  void secondsHaveOneDigit() {
    assertThat(RankContext.seconds(1_250_000_001L)).isEqualTo("1.3 s");
    assertThat(RankContext.seconds(0)).isEqualTo("0.0 s");
  }
}

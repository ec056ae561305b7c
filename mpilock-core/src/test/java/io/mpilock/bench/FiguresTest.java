/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** What the benchmark makes of what it measured. */
class FiguresTest {
  @Test
  void theMedianAndTheRangeDoNotDependOnTheOrderOfTheRounds() {
    double[] rounds = {9, 1, 5, 100, 3};
    assertThat(Figures.of(rounds)).isEqualTo(new Figures(5, 1, 100));
    assertThat(rounds).containsExactly(9, 1, 5, 100, 3);
    assertThat(Figures.of(2, 1)).isEqualTo(new Figures(2, 1, 2));
  }

  /** A round that was slow for both tells nothing of either. */
  @Test
  void ratiosAreTakenRoundByRound() {
    assertThat(Figures.ofRatios(new double[] {20, 2_000, 30}, new double[] {10, 1_000, 10}))
        .isEqualTo(new Figures(2, 2, 3));
    assertThatThrownBy(() -> Figures.ofRatios(new double[2], new double[3]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void jainsIndexIsOneForEqualSharesAndOnePartForOneOwner() {
    assertThat(Figures.jain(7, 7, 7, 7)).isEqualTo(1.0);
    assertThat(Figures.jain(0, 0, 12, 0)).isEqualTo(0.25);
    assertThat(Figures.jain(3_000_000_000L, 1_000_000_000L)).isCloseTo(0.8, within(1e-12));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WorkScheduleTests {

  private static List<Long> sizes(long[] bounds) {
    return IntStream.range(1, bounds.length).mapToObj(i -> bounds[i] - bounds[i - 1]).toList();
  }

  /** The example of the paper, for 100 iterations on 4 processors. */
  @Test
  void guidedRunsAreThoseOfThePaper() {
    assertThat(sizes(WorkSchedule.GUIDED.cut(100, 4, 1)))
        .containsExactly(25L, 19L, 14L, 11L, 8L, 6L, 5L, 3L, 3L, 2L, 1L, 1L, 1L, 1L);
  }

  @Test
  void factoringGivesAsManyEqualRunsAsThereAreRanksOfHalfOfWhatIsLeft() {
    assertThat(sizes(WorkSchedule.FACTORING.cut(100, 4, 1)))
        .containsExactly(
            13L, 13L, 13L, 13L, 6L, 6L, 6L, 6L, 3L, 3L, 3L, 3L, 2L, 2L, 2L, 2L, 1L, 1L, 1L, 1L);
  }

  @Test
  void noRunButTheLastIsSmallerThanItMayBe() {
    assertThat(sizes(WorkSchedule.GUIDED.cut(100, 4, 20))).containsExactly(25L, 20L, 20L, 20L, 15L);
    assertThat(sizes(WorkSchedule.FACTORING.cut(70, 4, 100))).containsExactly(70L);
  }

  @ParameterizedTest
  @EnumSource
  void everyUnitIsInOneRunHoweverManyThereAre(WorkSchedule schedule) {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 2_000; i++) {
      long units = i < 10 ? i : random.nextLong(1L << random.nextInt(62));
      int ranks = 1 + random.nextInt(i % 2 == 0 ? 4 : 1_000);
      long[] bounds = schedule.cut(units, ranks, 1 + random.nextLong(1 + units / 1_000));
      assertThat(bounds[0]).isZero();
      assertThat(bounds[bounds.length - 1]).isEqualTo(units);
      assertThat(sizes(bounds)).allMatch(size -> size > 0);
      assertThat(bounds.length).isLessThan(200_000);
    }
    assertThat(Arrays.equals(schedule.cut(0, 3, 1), new long[] {0})).isTrue();
  }
}

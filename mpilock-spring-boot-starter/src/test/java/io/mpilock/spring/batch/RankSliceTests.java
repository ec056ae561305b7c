/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RankSliceTests {

  @ParameterizedTest
  @CsvSource({"1, 7", "3, 0", "3, 2", "3, 10", "4, 4", "7, 1000", "64, 63", "64, 65"})
  void anItemBelongsToTheRankThatItsNumberTells(int size, int items) {
    long end = 0;
    for (int rank = 0; rank < size; rank++) {
      RankSlice slice = RankSlice.of(rank, size, items);
      assertThat(slice.first()).isEqualTo(end);
      assertThat(slice.count()).isBetween((long) items / size, (long) Math.ceilDiv(items, size));
      for (long item = slice.first(); item < slice.end(); item++) {
        assertThat(item * size / items).isEqualTo(rank);
      }
      end = slice.end();
    }
    assertThat(end).isEqualTo(items);
  }

  @Test
  void asManyItemsAsThereCanBe() {
    int size = Integer.MAX_VALUE;
    RankSlice last = RankSlice.of(size - 1, size, Long.MAX_VALUE);
    assertThat(last.end()).isEqualTo(Long.MAX_VALUE);
    assertThat(RankSlice.of(size - 2, size, Long.MAX_VALUE).end()).isEqualTo(last.first());
    assertThat(RankSlice.of(0, 1, Long.MAX_VALUE).count()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void theLastItemOfNoneIsBelowTheFirst() {
    RankSlice none = RankSlice.of(0, 3, 0);
    assertThat(none.count()).isZero();
    assertThat(none.last()).isLessThan(none.first());
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThatThrownBy(() -> RankSlice.of(3, 3, 10)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> RankSlice.of(0, 3, -1)).hasMessageContaining("negative: -1");
    assertThatThrownBy(() -> new RankSlice(2, 1))
        .hasMessage("A slice cannot end at 1, before its start at 2.");
  }
}

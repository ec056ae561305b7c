package io.mpilock.demo.flight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShareTest {

  @ParameterizedTest
  @CsvSource({"0,1", "0,4", "1,1", "1,4", "7,3", "20000,1", "20000,3", "20000,64", "5,8"})
  void everyRowHasExactlyOneRankAndTheSharesAreEqual(long rows, int size) {
    long next = 0;
    for (int rank = 0; rank < size; rank++) {
      Share share = new Share(rank, size);
      assertThat(share.first(rows)).isEqualTo(next);
      for (long row = share.first(rows); row < share.end(rows); row++) {
        assertThat(row * size / rows).isEqualTo(rank);
      }
      assertThat(share.end(rows) - share.first(rows))
          .isBetween(rows / size, Math.ceilDiv(rows, size));
      next = share.end(rows);
    }
    assertThat(next).isEqualTo(rows);
  }

  @ParameterizedTest
  @CsvSource({"-1,4", "4,4", "0,0"})
  void aRankOutsideTheJobIsRefused(int rank, int size) {
    assertThatThrownBy(() -> new Share(rank, size)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}

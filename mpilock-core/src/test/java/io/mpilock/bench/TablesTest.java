/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the benchmark writes what it measured. */
class TablesTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "0.0004, <0.001",
    "NaN, ''",
    "0.0123, 0.012",
    "4.686, 4.69",
    "-38.31, -38.3",
    "149.6, 150",
    "28482513, '28,482,513'",
  })
  void aNumberHasThreeDigitsOrAllBeforeThePoint(double value, String written) {
    assertThat(Tables.number(value)).isEqualTo(written);
  }

  @Test
  void aRatioIsTheMedianOfTheRoundsWithItsRange() {
    assertThat(Tables.ratio(new double[] {20, 2_000, 30}, new double[] {10, 1_000, 10}))
        .isEqualTo("2.00 (2.00 to 3.00)");
  }

  @Test
  void figuresAreReadAsTheyWereWritten() {
    assertThat(Bench.results("a launcher's line\nRESULT|mix|100 0 2 1|" + Tables.joined(1.5, 2e9)))
        .hasEntrySatisfying(
            "100 0 2 1",
            rows -> assertThat(rows).singleElement().isEqualTo(new double[] {1.5, 2e9}));
  }

  @Test
  void histogramsLoseNothingOnTheirWay() {
    Histogram histogram = new Histogram(3);
    histogram.recordValue(7);
    histogram.recordValue(3_000_000_000L);
    assertThat(Histograms.decoded(ByteBuffer.wrap(Histograms.encoded(histogram))))
        .isEqualTo(histogram);
  }
}

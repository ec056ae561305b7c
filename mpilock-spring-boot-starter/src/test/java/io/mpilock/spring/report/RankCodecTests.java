/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RankCodecTests {
  private static final RankRecord RECORD =
      Records.rank(
          1,
          Records.event("orders", LockUse.WRITE, 10, 5, 1_000_000_007),
          Records.event("Bestände ✓", LockUse.READ, 20, 0, 3),
          Records.event("orders", LockUse.SINGLE_WRITE, 30, 7, 0));

  @Test
  void whatIsEncodedComesBackTheSame() throws IOException {
    assertThat(RankCodec.decode(RankCodec.encode(RECORD))).isEqualTo(RECORD);
  }

  @Test
  void whatIsCutOffIsRefused() {
    byte[] whole = RankCodec.encode(RECORD);
    for (int length = 0; length < whole.length / 2; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> RankCodec.decode(part));
    }
  }

  @Test
  void whatIsDamagedIsRefusedOrOfTheFixedForm() {
    byte[] whole = RankCodec.encode(RECORD);
    Random random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        assertThat(RankCodec.decode(damaged).events()).hasSizeLessThan(10);
      } catch (IOException e) {
        assertThat(e).isNotNull(); // refused
      }
    }
  }
}

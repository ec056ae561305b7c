/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.testing.Bounded;
import java.nio.ByteBuffer;

/** Targets with a fault each, which the fuzzer must find: behind a mark of four bytes. */
public final class PlantedFaults {
  private static final int MARK = 0x6d70_6921;

  private PlantedFaults() {}

  private static boolean isMarked(byte[] input) {
    return input.length >= 8 && ByteBuffer.wrap(input).getInt() == MARK;
  }

  /** Throws what nobody expects. */
  public static final class Throws {
    private Throws() {}

    /** Tries an input. */
    public static void fuzzerTestOneInput(byte[] input) {
      if (isMarked(input)) {
        throw new IllegalStateException("planted");
      }
    }
  }

  /** Allocates what the input declares, before it has it. */
  public static final class TrustsALength {
    private TrustsALength() {}

    /** Tries an input. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
      Bounded.run(
          1_000_000,
          () -> {
            if (isMarked(input)) {
              ByteBuffer.allocate(ByteBuffer.wrap(input).getInt(4) & 0xFF_FFFF);
            }
          });
    }
  }

  /** Never ends to allocate. */
  public static final class TakesMemory {
    private TakesMemory() {}

    /** Tries an input. */
    public static void fuzzerTestOneInput(byte[] input) {
      if (isMarked(input)) {
        ByteBuffer[] kept = new ByteBuffer[4096];
        for (int i = 0; i < kept.length; i++) {
          kept[i] = ByteBuffer.allocate(1 << 20);
        }
      }
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import io.mpilock.testing.Bounded;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A shared object from its bytes: an object of allowed classes, or the documented exceptions. An
 * object that was read can be written and read again.
 */
public final class SerializationCodecFuzz {
  private static final SerializationCodec CODEC =
      new SerializationCodec(
          List.of(
              "io.mpilock.internal.share.SerializationCodecFuzz$Order",
              "io.mpilock.internal.share.SerializationCodecFuzz$Pair",
              "io.mpilock.internal.share.SerializationCodecFuzz$Range"));

  /** A class of an application. */
  record Order(String name, @Nullable Object content) implements Serializable {}

  /** A class of an application that is shared by its components. */
  record Pair(@Nullable Object one, @Nullable Object two) {}

  /** Another one, which not all components make. */
  record Range(int from, long to, String name) {
    Range {
      if (name.isEmpty() || from > to) {
        throw new IllegalArgumentException("not from " + from + " to " + to);
      }
    }
  }

  private SerializationCodecFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Bounded.run(64L << 20, () -> decode(input));
  }

  /** Whatever came, no record is there that its constructor would not have made. */
  private static void checkRecords(@Nullable Object object, int depth) {
    switch (object) {
      case Range range when range.name().isEmpty() || range.from() > range.to() ->
          throw new AssertionError("there is the range " + range);
      case Pair pair when depth < 10 -> {
        checkRecords(pair.one(), depth + 1);
        checkRecords(pair.two(), depth + 1);
      }
      case Records.Taken taken -> throw new AssertionError("left as it came: " + taken);
      case null, default -> {}
    }
  }

  private static void decode(byte[] input) throws IOException {
    Object object;
    try {
      object = CODEC.decode(new ByteArrayInputStream(input));
    } catch (IOException | ClassNotFoundException e) {
      return;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      CODEC.encode(object, out);
    } catch (IOException e) {
      return; // such as a class description alone, which is read but never written
    }
    checkRecords(object, 0);
    try {
      Object again = CODEC.decode(new ByteArrayInputStream(out.toByteArray()));
      if (object instanceof Range && !object.equals(again)) {
        throw new AssertionError(object + " was read again as " + again);
      }
    } catch (IOException | ClassNotFoundException e) {
      throw new AssertionError("what was read and written cannot be read", e);
    }
  }
}

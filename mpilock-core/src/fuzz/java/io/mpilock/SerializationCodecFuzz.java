package io.mpilock;

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
      new SerializationCodec(List.of("io.mpilock.SerializationCodecFuzz$Order"));

  /** A class of an application. */
  record Order(String name, @Nullable Object content) implements Serializable {}

  private SerializationCodecFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Bounded.run(64L << 20, () -> decode(input));
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
    try {
      CODEC.decode(new ByteArrayInputStream(out.toByteArray()));
    } catch (IOException | ClassNotFoundException e) {
      throw new AssertionError("what was read and written cannot be read", e);
    }
  }
}

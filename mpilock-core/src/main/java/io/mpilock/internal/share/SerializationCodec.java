/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Java serialisation behind an allow-list. The same list refuses a class on the way out, and when
 * it is read.
 */
public final class SerializationCodec {
  private final AllowList classes;

  /**
   * Allows values of the JDK and more.
   *
   * @param allow patterns of {@link java.io.ObjectInputFilter}
   */
  public SerializationCodec(List<String> allow) {
    this.classes = new AllowList(allow);
  }

  /** Writes an object. */
  public void encode(@Nullable Object value, OutputStream out) throws IOException {
    GraphWriter.write(value, out, classes);
  }

  /** Reads an object from bytes that are not trusted. */
  public @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException {
    return GraphReader.read(in, classes);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.internal.share.SerializationCodec;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Shares by Java serialisation behind an allow-list, if the application names no codec. */
final class DefaultShareCodec implements ShareCodec {
  private final SerializationCodec objects;

  DefaultShareCodec(List<String> allow) {
    this.objects = new SerializationCodec(allow);
  }

  @Override
  public void encode(@Nullable Object value, OutputStream out) throws IOException {
    objects.encode(value, out);
  }

  @Override
  public @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException {
    return objects.decode(in);
  }
}

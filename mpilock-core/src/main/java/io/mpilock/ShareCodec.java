/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Turns shared objects into bytes and back. Both streams run between the ranks while the codec
 * works, so an object needs to fit in memory but its encoding does not. Called by one thread of
 * each rank at a time.
 *
 * @since 0.1.0
 */
public interface ShareCodec {

  /**
   * Writes an object: in a single write on the writing rank, in {@code allGather} and {@code
   * gather} on each rank in its turn.
   *
   * @param value the object, or null
   * @param out where its bytes go; need not be closed, but may be
   * @throws IOException if it cannot be encoded; every rank is told
   */
  void encode(@Nullable Object value, OutputStream out) throws IOException;

  /**
   * Reads an object that {@link #encode} wrote: on every other rank, in {@code gather} only on the
   * master.
   *
   * @param in its bytes and no more; from another process, so not to be trusted
   * @return the object, or null
   * @throws IOException if the bytes are not an object's
   * @throws ClassNotFoundException if its class is not here
   */
  @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException;
}

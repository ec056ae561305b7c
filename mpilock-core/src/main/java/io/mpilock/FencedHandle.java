/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.LockUseException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.call.SingleWriteCall;
import java.util.Optional;

/**
 * One rank's part in a single write over a handle: the writing rank gets the handle, the others
 * none. Otherwise as {@link Fence}.
 *
 * <pre>{@code
 * try (FencedHandle<Writer> fenced = lock.singleWriteWith(writer)) {
 *   fenced.handle().ifPresent(w -> w.println("once"));
 *   fenced.complete();
 * }
 * }</pre>
 *
 * @param <H> the type of the handle
 * @since 0.1.0
 */
public final class FencedHandle<H> implements AutoCloseable {
  private final SingleWriteCall section;
  private final Optional<H> handle;

  FencedHandle(SingleWriteCall section, H handle) {
    this.section = section;
    this.handle = section.isWriter() ? Optional.of(handle) : Optional.empty();
  }

  /**
   * The handle, on the rank that writes.
   *
   * @return the handle that was passed in, however empty it looks; nothing on the other ranks
   */
  public Optional<H> handle() {
    return handle;
  }

  /** Says that the block succeeded. Does nothing on a rank that does not write. */
  public void complete() {
    if (section.isWriter()) {
      section.complete();
    }
  }

  /**
   * Says that the block failed, as {@link Fence#fail}.
   *
   * @param cause why
   * @throws LockUseException on a rank that does not write
   */
  public void fail(Throwable cause) {
    section.fail(cause);
  }

  /**
   * Leaves the block, as {@link Fence#close()}.
   *
   * @throws SingleWriteFailedException if the writer left without {@link #complete}, or, on a rank
   *     that does not write, if it failed
   */
  @Override
  public void close() {
    try {
      section.close();
    } catch (Throwable cut) {
      section.close(); // nobody else would, if it is not left
      throw cut;
    }
  }
}

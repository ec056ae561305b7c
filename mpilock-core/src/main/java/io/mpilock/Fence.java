/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.call.SingleWriteCall;
import org.jspecify.annotations.Nullable;

/**
 * One rank's part in a single write. Exactly one rank writes, under the write lock; the others wait
 * for it, and all go on together with what it shared.
 *
 * <pre>{@code
 * Fence<Layout> fence = controller.singleWrite();
 * try (fence) {
 *   fence.guard();               // the other ranks leave here, once the writer is done
 *   fence.share(createFile());
 * } catch (FencedSignal signal) {
 *   // this rank does not write
 * }
 * Layout layout = fence.collect();
 * }</pre>
 *
 * <p>The writing rank must say how its block ended, by {@link #share}, {@link #complete} or {@link
 * #fail}: {@code close()} cannot see an exception, so a block that does not say how it ended counts
 * as failed, and every rank gets an exception. The callback forms, such as {@link
 * ResourceLock#singleWrite(LockedAction)}, do all of this by themselves.
 *
 * <p>Used by the thread that called {@code singleWrite}. The wait for the writer ends when it is
 * done, when it fails, when its process dies ({@link RankFailedException}) or when this thread is
 * interrupted; a long wait is reported to the log.
 *
 * @param <T> the type of what is shared
 * @since 0.1.0
 */
public final class Fence<T> implements AutoCloseable {
  private final SingleWriteCall section;

  Fence(SingleWriteCall section) {
    this.section = section;
  }

  /**
   * Tells whether this rank is the one that writes.
   *
   * @return true on exactly one rank
   */
  public boolean isWriter() {
    return section.isWriter();
  }

  /**
   * Lets the writing rank pass. On every other rank, waits until the writer has left its block and
   * then throws.
   *
   * @throws FencedSignal on every rank that does not write, when the writer succeeded
   * @throws SingleWriteFailedException on every rank that does not write, when the writer failed
   * @throws RankFailedException if the writing rank died
   */
  public void guard() {
    if (!section.isWriter()) {
      section.awaitWriter();
      throw new FencedSignal();
    }
  }

  /**
   * Sends an object to all ranks, and says that the block succeeded unless {@link #fail} follows.
   * The other ranks go on when the block is closed.
   *
   * @param value the object, or null; anything that the codec encodes, by default any {@link
   *     java.io.Serializable} whose class is allowed, and {@code Path} and {@code Optional}
   * @throws ShareException if it cannot be encoded; every other rank gets {@link
   *     SingleWriteFailedException}
   * @throws LockUseException on a rank that does not write, or for a second call
   */
  public void share(@Nullable T value) {
    section.share(value);
  }

  /**
   * Says that the block succeeded and shares nothing.
   *
   * @throws LockUseException on a rank that does not write
   */
  public void complete() {
    section.complete();
  }

  /**
   * Says that the block failed. Every other rank gets {@link SingleWriteFailedException} with the
   * message and the stack trace of the cause.
   *
   * @param cause why
   * @throws LockUseException on a rank that does not write
   */
  public void fail(Throwable cause) {
    section.fail(cause);
  }

  /**
   * Gives what was shared. May be called again, and after {@code close()}; on a rank that does not
   * write it waits for the writer.
   *
   * @return the shared object; null if null or nothing was shared. Each rank but the writing one
   *     has its own copy.
   * @throws SingleWriteFailedException if the writer failed
   * @throws ShareException if it could not be decoded on this rank
   * @throws LockUseException on the writing rank before {@code share}
   */
  @SuppressWarnings("unchecked") // the writer's fence is a Fence<T> too
  public @Nullable T collect() {
    return (T) section.collect();
  }

  /**
   * Leaves the block. On the writing rank, releases the write lock and reports the outcome to all
   * ranks; on the others, waits for that. A second call does nothing.
   *
   * @throws SingleWriteFailedException if the writer left without a word, or, on a rank that does
   *     not write, if it failed
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

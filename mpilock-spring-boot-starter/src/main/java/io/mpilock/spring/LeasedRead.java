/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import java.util.function.Function;
import kotlin.internal.LowPriorityInOverloadResolution;
import org.jspecify.annotations.Nullable;

/**
 * The read under which an action of {@link LockTemplate#readWithLease(LeaseAction)} runs. For its
 * thread, and until the action has ended.
 *
 * @since 0.1.0
 */
@SuppressWarnings("overloads") // the one is more specific, as its action is a subtype
public interface LeasedRead {

  /**
   * The fencing token of the last write before this read, or of the write that this thread holds or
   * was upgraded to.
   *
   * @return the token; 0 if the resource was never written in this job, and without locks
   */
  long token();

  /**
   * Gives the read up, waits for the write as long as the template allows, runs an action under it,
   * and goes on with a read, and no other thread writes between the two. Two readers that do so at
   * the same time would wait for each other for ever if they kept their reads; so another write may
   * come in before: {@link LeasedWrite#intervened()} says so, and what was read is read again then.
   * In a transaction the write is kept, as that of {@link LockTemplate#write(LockedAction)}.
   *
   * <p>If this thread holds the write already, since its transaction keeps it, or around the read,
   * nothing is given up, and no other write can have come in.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work
   * @return what the action returned
   * @throws E what the action threw; the read goes on then, too
   * @throws LockUseException if this thread has another read of the resource around this one, which
   *     would lose what it rests on; nothing has changed then
   * @throws LockTimeoutException if the template has a time-out and it was over first; the thread
   *     holds nothing then, so the rest of the action runs without the lock
   * @throws LockInterruptedException if this thread was interrupted while it waited; it holds
   *     nothing then
   * @throws RankFailedException if a rank died that this would have waited for; it holds nothing
   *     then
   */
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T upgrade(LeaseAction<LeasedWrite, T, E> action)
      throws E;

  /**
   * As {@link #upgrade(LeaseAction)}, of which no type says what the action throws: for Kotlin.
   *
   * @param <T> the type of the result
   * @param action the work
   * @return what the action returned
   */
  default <T extends @Nullable Object> T upgrade(Function<LeasedWrite, T> action) {
    return this.<T, RuntimeException>upgrade(action::apply);
  }
}

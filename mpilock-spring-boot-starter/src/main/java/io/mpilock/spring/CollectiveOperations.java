/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.Fence;
import io.mpilock.FencedSignal;
import io.mpilock.LockedAction;
import io.mpilock.failure.CollectiveFailedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import java.util.List;
import java.util.Optional;
import java.util.function.ObjIntConsumer;
import kotlin.internal.LowPriorityInOverloadResolution;
import org.jspecify.annotations.Nullable;

/**
 * The half of a {@link LockTemplate} that the ranks do together: single writes, values of all, work
 * in the order of the ranks, a barrier; and the ranks' numbers. Every rank makes the same of these
 * calls in the same order. A time-out of the template is one until the action begins, the same on
 * every rank.
 *
 * @since 0.1.0
 */
public interface CollectiveOperations {

  /**
   * Runs an action on the master, under the write lock, and gives its result to every rank.
   * Collective: every rank calls it, in the same order as its other collective calls.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action what the master runs; not run on the other ranks
   * @return what the action returned, on every rank; each rank but the master has its own copy
   * @throws E on the master, what the action threw
   * @throws SingleWriteFailedException on the other ranks, if the action threw
   * @throws io.mpilock.failure.CollectiveMismatchException if the ranks disagree
   * @throws LockTimeoutException if this template has a time-out and it was over before the action
   *     began
   */
  @LowPriorityInOverloadResolution
  default <T extends @Nullable Object, E extends Throwable> T singleWrite(LockedAction<T, E> action)
      throws E {
    return singleWrite(master(), action);
  }

  /**
   * Runs an action on a given rank, under the write lock, and gives its result to every rank.
   * Collective, as {@link #singleWrite(LockedAction)}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param rank the rank that runs the action, the same on every rank
   * @param action what that rank runs; not run on the others
   * @return what the action returned, on every rank
   * @throws E on that rank, what the action threw
   * @throws IllegalArgumentException if there is no such rank
   */
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E;

  /**
   * Runs a fenced block on every rank: all of them run it up to {@link Fence#guard()}, only the
   * master goes on from there, under the write lock. The {@link FencedSignal} that leads the others
   * out is caught here. Collective, as {@link #singleWrite(LockedAction)}.
   *
   * @param <T> the type of what is shared
   * @param <E> what the block may throw
   * @param action the block; on the master it need not say that it succeeded
   * @return what the master shared by {@link Fence#share}, on every rank; null if nothing
   * @throws E what the block threw on this rank
   * @throws SingleWriteFailedException on the other ranks, if the block failed on the master
   */
  @LowPriorityInOverloadResolution
  default <T, E extends Throwable> @Nullable T singleWriteFenced(FencedAction<T, E> action)
      throws E {
    return singleWriteFenced(master(), action);
  }

  /**
   * Runs a fenced block on every rank, of which a given one goes on from {@link Fence#guard()}.
   * Collective, as {@link #singleWriteFenced(FencedAction)}.
   *
   * @param <T> the type of what is shared
   * @param <E> what the block may throw
   * @param rank the rank that writes, the same on every rank
   * @param action the block; on that rank it need not say that it succeeded
   * @return what that rank shared, on every rank; null if nothing
   * @throws E what the block threw on this rank
   * @throws SingleWriteFailedException on the other ranks, if the block failed on that rank
   * @throws LockTimeoutException if this template has a time-out and it was over before that rank
   *     could begin
   * @throws IllegalArgumentException if there is no such rank
   */
  @LowPriorityInOverloadResolution
  <T, E extends Throwable> @Nullable T singleWriteFenced(int rank, FencedAction<T, E> action)
      throws E;

  /**
   * Gives each rank what all ranks say. Collective, as {@link #singleWrite(LockedAction)}, but it
   * takes no lock: see {@link io.mpilock.ResourceLock#allGather(Object)}.
   *
   * @param <T> the type of the values
   * @param mine this rank's value, or null
   * @return the values of all ranks, by rank, unmodifiable; without locks this rank's in the place
   *     of each
   * @throws CollectiveFailedException if another rank failed before it had shared its value
   * @throws io.mpilock.failure.ShareException if this rank's value cannot be encoded, or another's
   *     not decoded
   * @throws io.mpilock.failure.CollectiveMismatchException if the ranks disagree
   * @throws RankFailedException if a rank died
   * @throws LockTimeoutException if this template has a time-out and it was over before all had
   *     come
   */
  <T extends @Nullable Object> List<T> allGather(T mine);

  /**
   * Tells each rank what all ranks say, one after the other, so that what was said before a failure
   * is known. Collective, as {@link #allGather(Object)}.
   *
   * @param <T> the type of the values
   * @param mine this rank's value, or null
   * @param taker gets each rank's value and the rank, in the order of the ranks; what it throws
   *     ends this rank's part, and the others' if this rank's turn is yet to come
   */
  <T extends @Nullable Object> void allGather(T mine, ObjIntConsumer<? super T> taker);

  /**
   * Gives the master what all ranks say. Collective, as {@link #allGather(Object)}: see {@link
   * io.mpilock.ResourceLock#gather(Object)}.
   *
   * @param <T> the type of the values
   * @param mine this rank's value, or null
   * @return on the master the values of all ranks, by rank, unmodifiable, and nothing on the
   *     others; without locks this rank's in the place of each, on every rank
   */
  <T extends @Nullable Object> Optional<List<T>> gather(T mine);

  /**
   * Waits until all ranks have come here. Collective, as {@link #singleWrite(LockedAction)}, but it
   * takes no lock: see {@link io.mpilock.ResourceLock#barrier()}. Without locks it does not wait.
   *
   * @throws io.mpilock.failure.CollectiveMismatchException if the ranks disagree
   * @throws RankFailedException if a rank died
   * @throws LockTimeoutException if this template has a time-out and it was over first
   */
  void barrier();

  /**
   * Runs an action on each rank, one after the other, rank 0 first. Collective, as {@link
   * #singleWrite(LockedAction)}, but it takes no lock: see {@link
   * io.mpilock.ResourceLock#inOrder(LockedAction)}. Without locks it runs at once.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action what this rank does in its turn; it makes no collective call
   * @return what this rank's action returned; it is not shared
   * @throws E what this rank's action threw; the ranks behind do not run theirs
   * @throws CollectiveFailedException if the action of another rank threw
   * @throws LockTimeoutException if this template has a time-out and it was over before all had
   *     come
   */
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T inOrder(LockedAction<T, E> action) throws E;

  /**
   * Runs an action without a result, as {@link #inOrder(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action what this rank does in its turn
   * @throws E what this rank's action threw
   */
  default <E extends Throwable> void inOrderWithoutResult(LockedRunnable<E> action) throws E {
    this.<@Nullable Void, E>inOrder(() -> {
      action.run();
      return null;
    });
  }

  /**
   * This process's rank.
   *
   * @return from 0 to {@link #size()} - 1
   */
  int rank();

  /**
   * The number of ranks.
   *
   * @return at least 1
   */
  int size();

  /**
   * The rank that single writes go to by default.
   *
   * @return a rank
   */
  int master();

  /**
   * Tells whether this rank is the master.
   *
   * @return {@code rank() == master()}
   */
  default boolean isMaster() {
    return rank() == master();
  }
}

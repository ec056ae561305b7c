/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.Fence;
import io.mpilock.FencedSignal;
import io.mpilock.LockedAction;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import kotlin.internal.LowPriorityInOverloadResolution;
import org.jspecify.annotations.Nullable;

/**
 * The half of a {@link LockTemplate} that the ranks do together: single writes, words of all, a
 * barrier; and the ranks' numbers. Every rank makes the same of these calls in the same order. A
 * time-out of the template is one until the action begins, the same on every rank.
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
   * Gives each rank what all ranks say. Collective, as {@link #singleWrite(LockedAction)}: as many
   * single writes as there are ranks, in each of which one rank shares its word. A time-out of this
   * template counts for all of them together.
   *
   * @param <T> the type of the words
   * @param mine this rank's word
   * @return the words of all ranks, by rank; without locks this rank's in the place of each
   * @throws SingleWriteFailedException if a rank's word cannot be shared
   * @throws io.mpilock.failure.CollectiveMismatchException if the ranks disagree
   * @throws RankFailedException if a rank died
   * @throws LockTimeoutException if the time was over before all had come
   */
  default <T> List<T> gather(T mine) {
    List<T> all = new ArrayList<>(size());
    gather(mine, (word, rank) -> all.add(word));
    return List.copyOf(all);
  }

  /**
   * Tells each rank what all ranks say, word for word, so that what was said before a failure is
   * known. Collective, as {@link #gather(Object)}.
   *
   * @param <T> the type of the words
   * @param mine this rank's word
   * @param taker gets each rank's word and the rank, in the order of the ranks; what it throws ends
   *     this rank's part, and the others' by a mismatch
   */
  <T> void gather(T mine, ObjIntConsumer<? super T> taker);

  /**
   * Waits until all ranks have come here. Collective, as {@link #singleWrite(LockedAction)}.
   * Without locks it does not wait.
   *
   * @throws io.mpilock.failure.CollectiveMismatchException if the ranks disagree
   * @throws RankFailedException if a rank died
   * @throws LockTimeoutException if this template has a time-out and it was over first
   */
  default void barrier() {
    this.<@Nullable Void, RuntimeException>singleWrite(() -> null);
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

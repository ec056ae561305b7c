package io.mpilock.spring;

import io.mpilock.ControllerOptions;
import io.mpilock.Fence;
import io.mpilock.FencedSignal;
import io.mpilock.LockedAction;
import io.mpilock.WindowController;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs callbacks under the locks that the ranks of an MPI job share, as {@code TransactionTemplate}
 * runs them in a transaction. Immutable, and safe for use by many threads.
 *
 * <pre>{@code
 * int open = locks.read(() -> repository.countOpen());
 * locks.on("orders").writeWithoutResult(() -> repository.append(order)); // may throw IOException
 * Path file = locks.singleWrite(() -> createFile());                    // one rank runs it, all get the result
 * }</pre>
 *
 * <p>The template is about the default resource until {@link #on} names another, and waits for as
 * long as it takes until {@link #withTimeout} gives a limit, or as the property {@code
 * mpilock.resources.NAME.timeout} says. What a callback throws, checked or not, reaches the caller
 * as it was thrown; the lock is released before, but for a kept write. The rules of the lock
 * itself, such as reentrancy, are those of {@link io.mpilock.ResourceLock}.
 *
 * <p>A write that is taken in a transaction of Spring's is <em>kept</em> until that has completed,
 * since what it wrote is not there for others before. {@link #until} says otherwise, as does the
 * property {@code mpilock.resources.NAME.until}. Meanwhile this thread holds it, and is refused
 * collective calls. A single write is not kept: open the transaction inside it.
 *
 * <p>With {@code mpilock.enabled=false} the template {@linkplain #withoutLocks does not lock}.
 */
public interface LockTemplate {

  /**
   * Makes a template over a controller's default resource.
   *
   * @param controller whose locks to take; stays the caller's to close
   * @return the template
   */
  static LockTemplate of(WindowController controller) {
    return of(controller, _ -> Until.TRANSACTION);
  }

  /**
   * Makes a template over a controller's default resource.
   *
   * @param controller whose locks to take; stays the caller's to close
   * @param settings what to do with a resource unless the caller says otherwise
   * @return the template
   */
  static LockTemplate of(WindowController controller, ResourceSettings settings) {
    return ControllerLockTemplate.of(controller, settings);
  }

  /**
   * Makes a template that does not lock, does not single out a rank and does not communicate: each
   * rank runs each body, also those of the single writes, and gets its own result.
   *
   * @param rank what {@link #rank()} tells, from 0
   * @param size what {@link #size()} tells, at least 1
   * @param options what {@link #master()} tells, and what may be shared by {@link
   *     #singleWriteFenced}
   * @return the template
   */
  static LockTemplate withoutLocks(int rank, int size, ControllerOptions options) {
    return new UnlockedLockTemplate(rank, size, options);
  }

  /**
   * Gives the template for a named resource, with this one's time-out. Equal names are the same
   * lock on all ranks. Cheap, but not free: hold on to the template where locks are frequent.
   *
   * @param resource 1 to 255 characters without control characters, not blank; case matters
   * @return the template, the same object for a name
   * @throws IllegalArgumentException if the name is not valid
   * @throws ControllerClosedException if the name is new and the controller is closed
   */
  LockTemplate on(String resource);

  /**
   * Gives a template for the same resource that waits at most the given time: for a read, for a
   * write, and for a single write to begin.
   *
   * @param timeout the longest time to wait; zero or less does not wait. For single writes the same
   *     on every rank.
   * @return the template; its waits end with {@link LockTimeoutException} when the time is over
   */
  LockTemplate withTimeout(Duration timeout);

  /**
   * Gives a template for the same resource, and by {@link #on} for others, whose writes last in a
   * transaction as long as is said here, whatever the properties say.
   *
   * @param until how long
   * @return the template
   */
  LockTemplate until(Until until);

  /**
   * Runs an action while no rank writes.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work
   * @return what the action returned
   * @throws E what the action threw
   * @throws LockTimeoutException if this template has a time-out and it was over first
   * @throws LockInterruptedException if this thread was interrupted while it waited
   * @throws RankFailedException if a rank died that this would have waited for
   * @throws ControllerClosedException if the controller is closed
   */
  <T extends @Nullable Object, E extends Throwable> T read(LockedAction<T, E> action) throws E;

  /**
   * Runs an action alone, over all threads of all ranks. In a transaction the write is kept until
   * that has completed, unless this template {@linkplain #until ends} it with its body.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work
   * @return what the action returned
   * @throws E what the action threw
   * @throws LockUseException if this thread reads the resource: it would wait for itself
   * @throws LockTimeoutException if this template has a time-out and it was over first
   * @throws LockInterruptedException if this thread was interrupted while it waited
   * @throws RankFailedException if a rank died that this would have waited for
   * @throws ControllerClosedException if the controller is closed
   */
  <T extends @Nullable Object, E extends Throwable> T write(LockedAction<T, E> action) throws E;

  /**
   * Runs an action without a result, as {@link #read}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @throws E what the action threw
   */
  <E extends Throwable> void readWithoutResult(LockedRunnable<E> action) throws E;

  /**
   * Runs an action without a result, as {@link #write}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @throws E what the action threw
   */
  <E extends Throwable> void writeWithoutResult(LockedRunnable<E> action) throws E;

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
  <T extends @Nullable Object, E extends Throwable> T singleWrite(LockedAction<T, E> action)
      throws E;

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
  <T, E extends Throwable> @Nullable T singleWriteFenced(FencedAction<T, E> action) throws E;

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
   * The rank that single writes go to unless told otherwise.
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

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.ControllerOptions;
import io.mpilock.JobCounter;
import io.mpilock.LockedAction;
import io.mpilock.WindowController;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import java.time.Duration;
import java.util.Optional;
import kotlin.internal.LowPriorityInOverloadResolution;
import org.jspecify.annotations.Nullable;

/**
 * Runs callbacks under the locks that the ranks of an MPI job share, as {@code TransactionTemplate}
 * runs them in a transaction. Immutable, and safe for use by many threads.
 *
 * <pre>{@code
 * int open = locks.read(() -> repository.countOpen());
 * locks.on("orders").writeWithoutResult(() -> repository.append(order)); // may throw IOException
 * boolean swept = locks.tryWriteWithoutResult(() -> sweep());           // if no other rank is in the way
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
 *
 * @since 0.1.0
 */
@SuppressWarnings("overloads") // the one is more specific, as its action is a subtype
public interface LockTemplate extends CollectiveOperations, UntypedForms {

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
    return ControllerLockTemplate.of(controller, settings, null);
  }

  /**
   * Makes a template over a controller's default resource whose requests are observed.
   *
   * @param controller whose locks to take; stays the caller's to close
   * @param settings what to do with a resource unless the caller says otherwise
   * @param observer is around each request
   * @return the template
   */
  static LockTemplate of(
      WindowController controller, ResourceSettings settings, LockRequestObserver observer) {
    return ControllerLockTemplate.of(controller, settings, observer);
  }

  /**
   * Makes a template that does not lock, does not single out a rank and does not communicate: each
   * rank runs each body, also those of the single writes, and gets its own result.
   *
   * @param rank what {@link #rank()} tells, from 0
   * @param size what {@link #size()} tells, at least 1
   * @param options what {@link #master()} tells, and what may be shared by {@link
   *     #singleWriteFenced(FencedAction)}
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
   * @return the template, the same object for a name as long as it can be reached
   * @throws IllegalArgumentException if the name is not valid
   * @throws ControllerClosedException if the name is new and the controller is closed
   */
  LockTemplate on(String resource);

  /**
   * Gives a number that all ranks share; see {@link WindowController#counter}. It has nothing to do
   * with this template's resource. Without locks each rank has a number of its own.
   *
   * @param name as that of a resource
   * @return the counter
   * @throws IllegalArgumentException if the name is not valid
   * @throws ControllerClosedException if the controller is closed
   */
  JobCounter counter(String name);

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
  @LowPriorityInOverloadResolution
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
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T write(LockedAction<T, E> action) throws E;

  /**
   * Runs an action without a result, as {@link #read(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @throws E what the action threw
   */
  <E extends Throwable> void readWithoutResult(LockedRunnable<E> action) throws E;

  /**
   * Runs an action without a result, as {@link #write(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @throws E what the action threw
   */
  <E extends Throwable> void writeWithoutResult(LockedRunnable<E> action) throws E;

  /**
   * Runs an action while no rank writes, if it may begin at once.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run, since a write is held or
   *     requested. Whatever {@link #withTimeout} says, this does not wait.
   * @throws E what the action threw
   * @throws NullPointerException if the action returned null: it has run, and empty would say that
   *     it has not
   * @throws RuntimeException as {@link #read(LockedAction)}, but for {@link LockTimeoutException}
   */
  @LowPriorityInOverloadResolution
  default <T, E extends Throwable> Optional<T> tryRead(LockedAction<T, E> action) throws E {
    return tryRead(Duration.ZERO, action);
  }

  /**
   * As {@link #tryRead(LockedAction)}, waiting at most the given time.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param timeout the longest time to wait, whatever {@link #withTimeout} says; zero or less does
   *     not wait
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run
   * @throws E what the action threw
   */
  @LowPriorityInOverloadResolution
  <T, E extends Throwable> Optional<T> tryRead(Duration timeout, LockedAction<T, E> action)
      throws E;

  /**
   * Runs an action alone, over all threads of all ranks, if it may begin at once. In a transaction
   * the write is kept, as that of {@link #write(LockedAction)}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run, since the resource is held or
   *     requested. Whatever {@link #withTimeout} says, this does not wait.
   * @throws E what the action threw
   * @throws NullPointerException if the action returned null: it has run, and empty would say that
   *     it has not
   * @throws RuntimeException as {@link #write(LockedAction)}, but for {@link LockTimeoutException}
   */
  @LowPriorityInOverloadResolution
  default <T, E extends Throwable> Optional<T> tryWrite(LockedAction<T, E> action) throws E {
    return tryWrite(Duration.ZERO, action);
  }

  /**
   * As {@link #tryWrite(LockedAction)}, waiting at most the given time.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param timeout the longest time to wait, whatever {@link #withTimeout} says; zero or less does
   *     not wait
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run
   * @throws E what the action threw
   */
  @LowPriorityInOverloadResolution
  <T, E extends Throwable> Optional<T> tryWrite(Duration timeout, LockedAction<T, E> action)
      throws E;

  /**
   * Runs an action without a result, as {@link #tryRead(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @return whether it ran
   * @throws E what the action threw
   */
  default <E extends Throwable> boolean tryReadWithoutResult(LockedRunnable<E> action) throws E {
    return tryReadWithoutResult(Duration.ZERO, action);
  }

  /**
   * Runs an action without a result, as {@link #tryRead(Duration, LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param timeout the longest time to wait; zero or less does not wait
   * @param action the work
   * @return whether it ran
   * @throws E what the action threw
   */
  default <E extends Throwable> boolean tryReadWithoutResult(
      Duration timeout, LockedRunnable<E> action) throws E {
    return this.<Boolean, E>tryRead(
            timeout,
            () -> {
              action.run();
              return true;
            })
        .isPresent();
  }

  /**
   * Runs an action without a result, as {@link #tryWrite(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @return whether it ran
   * @throws E what the action threw
   */
  default <E extends Throwable> boolean tryWriteWithoutResult(LockedRunnable<E> action) throws E {
    return tryWriteWithoutResult(Duration.ZERO, action);
  }

  /**
   * Runs an action without a result, as {@link #tryWrite(Duration, LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param timeout the longest time to wait; zero or less does not wait
   * @param action the work
   * @return whether it ran
   * @throws E what the action threw
   */
  default <E extends Throwable> boolean tryWriteWithoutResult(
      Duration timeout, LockedRunnable<E> action) throws E {
    return this.<Boolean, E>tryWrite(
            timeout,
            () -> {
              action.run();
              return true;
            })
        .isPresent();
  }

  /**
   * Runs an action while no rank writes, as {@link #read(LockedAction)}, and gives it the read: its
   * token, and the {@linkplain LeasedRead#upgrade(LeaseAction) way to the write}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work
   * @return what the action returned
   * @throws E what the action threw
   */
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T readWithLease(
      LeaseAction<LeasedRead, T, E> action) throws E;

  /**
   * Runs an action alone, as {@link #write(LockedAction)}, and gives it the write: its fencing
   * token, for a store that refuses older ones, and the {@linkplain LeasedWrite#downgrade way to a
   * read}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work
   * @return what the action returned
   * @throws E what the action threw
   */
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T writeWithLease(
      LeaseAction<LeasedWrite, T, E> action) throws E;

  /**
   * Runs an action without a lock, and again if a write came in meanwhile: at most three times,
   * then, or if a write is held when it begins, under a read, as {@link #read(LockedAction)}. Costs
   * next to nothing while no thread writes. An attempt that a write came into does not count,
   * whatever it returned or threw. If this thread holds the resource, the action runs under that.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work; it only reads, has no effect, and comes to an end whatever half-written
   *     state it sees
   * @return what the action returned when no write came in
   * @throws E what the action threw when no write came in
   */
  @LowPriorityInOverloadResolution
  <T extends @Nullable Object, E extends Throwable> T optimisticRead(LockedAction<T, E> action)
      throws E;

  /**
   * Begins a group of resources that are held together, with this template's time-out.
   *
   * @return an empty group
   */
  LockGroup group();

  /**
   * Tells whether the calling thread holds this resource: a read or the write, a kept one and the
   * body of its single write included.
   *
   * @return true if no other thread can write now; true without locks
   */
  boolean isHeldByCurrentThread();

  /**
   * Tells whether the calling thread holds the write of this resource, a kept one and the body of
   * its single write included.
   *
   * @return true if no other thread can read or write now; true without locks
   */
  boolean isWriteHeldByCurrentThread();

  /**
   * Refuses to go on where the calling thread holds neither a read nor the write of this resource:
   * for methods that must run under a lock.
   *
   * @throws LockUseException if it does not
   */
  void requireHeld();

  /**
   * Refuses to go on where the calling thread does not hold the write of this resource: for methods
   * that must run under it.
   *
   * @throws LockUseException if it does not
   */
  void requireWriteHeld();
}

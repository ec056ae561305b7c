/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.CollectiveFailedException;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The readers-writer lock of one named resource, over all ranks of the communicator and all their
 * threads.
 *
 * <ul>
 *   <li><b>Modes.</b> A read is shared, a write exclusive. Writers come first by default ({@link
 *       Fairness}) and are granted in the order in which their ranks asked.
 *   <li><b>Ownership.</b> A lease belongs to the thread that got it and is closed by it.
 *   <li><b>Reentrancy.</b> Read in read, write in write, and read in write are granted at once, and
 *       wait for nobody. A write inside a read is refused at once: use {@link ReadLease#upgrade()}.
 *   <li><b>Waiting.</b> Each mode has a form that waits, one that does not, and one that waits for
 *       a time. A waiting thread can be interrupted. A request that gives up leaves no trace.
 *   <li><b>Failure.</b> A wait for a rank that has died ends with {@link RankFailedException}
 *       within seconds; a resource whose writer died is poisoned or released ({@link
 *       OnHolderDeath}).
 *   <li><b>Memory.</b> What a thread did before it closed its write is visible to the next thread
 *       that gets the resource next, in shared memory as in Java.
 * </ul>
 *
 * <p>Safe for use by many threads.
 *
 * @since 0.1.0
 */
public final class ResourceLock {
  private static final Duration ENDLESS = Duration.ofNanos(ThreadHold.FOREVER);

  private final RankLock process;
  private final CollectiveCalls collectives;
  private final Listeners listeners;
  private final ControllerOptions options;
  private final ReadWriteLock view = new ReadWriteLockView(this);

  ResourceLock(
      RankLock process,
      CollectiveCalls collectives,
      Listeners listeners,
      ControllerOptions options) {
    this.process = process;
    this.collectives = collectives;
    this.listeners = listeners;
    this.options = options;
  }

  /**
   * The resource's name.
   *
   * @return the name that the lock was asked for by; {@link WindowController#DEFAULT_RESOURCE} for
   *     the unnamed one
   */
  public String name() {
    return process.name();
  }

  /**
   * Takes a read, waiting for as long as it takes.
   *
   * @return the lease, owned by this thread
   * @throws LockInterruptedException if this thread was interrupted while it waited
   * @throws RankFailedException if a rank died that this would have waited for, or the resource is
   *     poisoned
   * @throws ControllerClosedException if the controller is closed
   */
  public ReadLease read() {
    return read(ThreadHold.FOREVER, ENDLESS);
  }

  /**
   * Takes a read, waiting at most the given time.
   *
   * @param timeout the longest time to wait; zero or less does not wait
   * @return the lease, owned by this thread
   * @throws LockTimeoutException if it was not granted in time, naming who held the resource
   * @throws RuntimeException as {@link #read()}
   */
  public ReadLease read(Duration timeout) {
    return read(nanos(timeout), timeout);
  }

  private ReadLease read(long nanos, Duration timeout) {
    ThreadHold hold = process.hold();
    if (!acquire(hold, LockMode.READ, nanos)) {
      throw timedOut(hold, LockMode.READ, timeout);
    }
    try {
      return new ReadLease(this, hold);
    } catch (Throwable failure) { // as in write()
      hold.strayRead = true;
      hold.special = true;
      releaseStray(hold);
      throw failure;
    }
  }

  /**
   * Takes a read if that needs no waiting.
   *
   * @return the lease, or nothing if a write is held or requested
   * @throws RuntimeException as {@link #read()}
   */
  public Optional<ReadLease> tryRead() {
    return tryRead(0);
  }

  /**
   * Takes a read, waiting at most the given time.
   *
   * @param timeout the longest time to wait; zero or less does not wait
   * @return the lease, or nothing if it was not granted in time
   * @throws RuntimeException as {@link #read()}
   */
  public Optional<ReadLease> tryRead(Duration timeout) {
    return tryRead(nanos(timeout));
  }

  private Optional<ReadLease> tryRead(long nanos) {
    ThreadHold hold = process.hold();
    if (!acquire(hold, LockMode.READ, nanos)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new ReadLease(this, hold));
    } catch (Throwable failure) { // as in write()
      hold.strayRead = true;
      hold.special = true;
      releaseStray(hold);
      throw failure;
    }
  }

  /**
   * Takes the write, waiting for as long as it takes.
   *
   * @return the lease, owned by this thread
   * @throws LockUseException if this thread holds a read of the resource: it would wait for itself
   * @throws LockInterruptedException if this thread was interrupted while it waited
   * @throws RankFailedException if a rank died that this would have waited for, or the resource is
   *     poisoned
   * @throws ControllerClosedException if the controller is closed
   */
  public WriteLease write() {
    return write(ThreadHold.FOREVER, ENDLESS);
  }

  /**
   * Takes the write, waiting at most the given time.
   *
   * @param timeout the longest time to wait; zero or less does not wait
   * @return the lease, owned by this thread
   * @throws LockTimeoutException if it was not granted in time, naming who held the resource
   * @throws RuntimeException as {@link #write()}
   */
  public WriteLease write(Duration timeout) {
    return write(nanos(timeout), timeout);
  }

  private WriteLease write(long nanos, Duration timeout) {
    ThreadHold hold = process.hold();
    if (!acquire(hold, LockMode.WRITE, nanos)) {
      throw timedOut(hold, LockMode.WRITE, timeout);
    }
    try {
      return new WriteLease(this, hold, false);
    } catch (Throwable failure) {
      hold.strayWrite = true; // by no call: there may be no stack left for one
      hold.special = true;
      releaseStray(hold); // nobody else could
      throw failure;
    }
  }

  /**
   * Takes the write if that needs no waiting.
   *
   * @return the lease, or nothing if the resource is held or requested
   * @throws RuntimeException as {@link #write()}
   */
  public Optional<WriteLease> tryWrite() {
    return tryWrite(0);
  }

  /**
   * Takes the write, waiting at most the given time.
   *
   * @param timeout the longest time to wait; zero or less does not wait
   * @return the lease, or nothing if it was not granted in time
   * @throws RuntimeException as {@link #write()}
   */
  public Optional<WriteLease> tryWrite(Duration timeout) {
    return tryWrite(nanos(timeout));
  }

  private Optional<WriteLease> tryWrite(long nanos) {
    ThreadHold hold = process.hold();
    if (!acquire(hold, LockMode.WRITE, nanos)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new WriteLease(this, hold, false));
    } catch (Throwable failure) { // as in write()
      hold.strayWrite = true;
      hold.special = true;
      releaseStray(hold);
      throw failure;
    }
  }

  /**
   * Tells whether the calling thread holds a read or the write, a kept one included. It does in the
   * body of a single write that it runs, too.
   *
   * @return true if no other thread can write now
   */
  public boolean isHeldByCurrentThread() {
    return process.hold().holds(false);
  }

  /**
   * Tells whether the calling thread holds the write, a kept one included.
   *
   * @return true if no other thread can read or write now
   */
  public boolean isWriteHeldByCurrentThread() {
    return process.hold().holds(true);
  }

  /**
   * Starts to read without a lock. What is read may be torn by a writer, and counts only if {@link
   * #validate} says so afterwards.
   *
   * @return a stamp, or {@link #NO_STAMP} if a write is held now
   * @throws ControllerClosedException if the controller is closed
   */
  public long tryOptimisticRead() {
    return process.optimisticStamp();
  }

  /**
   * Tells whether what was read since {@link #tryOptimisticRead} is whole: no write was granted
   * since.
   *
   * @param stamp what {@code tryOptimisticRead} gave
   * @return false if a write came in, or if the stamp is {@link #NO_STAMP}
   * @throws ControllerClosedException if the controller is closed
   */
  public boolean validate(long stamp) {
    return process.validate(stamp); // no token is negative while it is valid
  }

  /**
   * Clears the poison after the writer died ({@link OnHolderDeath#POISON}): a thread that asks gets
   * it again, on all ranks. To be called when what the lock guards has been looked at, and put
   * right: the writer may have left it half written. Until this returns, no thread reads it under
   * the lock, but an optimistic read that began before may end. Not collective; any rank may call
   * it, one is enough. The next write has a higher token than the one that was cut short.
   *
   * <p>It waits for no holder. On several nodes it asks the others, by a try to read, whether they
   * know of a poison, for at most 2 s. Then it waits for at most 5 s until this node has learned
   * that the resource is free. The other nodes learn it a moment later. If this rank dies meanwhile
   * the resource is poisoned still, or again.
   *
   * @return the rank that had died in its write, or nothing if the resource was not poisoned, as
   *     far as the other nodes have answered
   * @throws LockUseException if that rank has left the job, but its process still runs on this
   *     node: it may write, and must end first
   * @throws LockTimeoutException if its process still runs on another node, or another one stands
   *     still; it may come about later all the same
   * @throws RankFailedException if a node must be asked that is lost: then no rank gets the
   *     resource from there any more
   * @throws LockInterruptedException if the calling thread is interrupted; as for a time-out
   * @throws ControllerClosedException if the controller is closed
   */
  public OptionalInt clearPoison() {
    int rank = process.clearPoison(-1);
    return rank < 0 ? OptionalInt.empty() : OptionalInt.of(rank);
  }

  /**
   * As {@link #clearPoison()}, for callers that have inspected what a certain rank left.
   *
   * @param ofRank the rank that died in its write; if the resource is poisoned by another one it
   *     stays so
   * @return whether it was poisoned by that one, and is free again
   */
  public boolean clearPoison(int ofRank) {
    if (ofRank < 0) {
      throw new IllegalArgumentException("A rank must not be negative, but is " + ofRank);
    }
    return process.clearPoison(ofRank) >= 0;
  }

  /** The stamp of an optimistic read that could not start; {@link #validate} refuses it. */
  public static final long NO_STAMP = -1;

  /**
   * Begins a single write by the master. Collective: every rank calls it, in the same order as
   * every other collective call of this controller; see {@link Fence}.
   *
   * @param <T> the type of what will be shared
   * @return this rank's part; on the writing rank, holding the write lock
   * @throws CollectiveMismatchException if the ranks disagree, or one of them gave up or closed
   * @throws LockUseException if this thread holds a lease that the writer would wait for; the other
   *     ranks get {@link CollectiveMismatchException}
   * @throws RuntimeException as {@link #write()}
   */
  public <T> Fence<T> singleWrite() {
    return singleWrite(options.master());
  }

  /**
   * Begins a single write by a given rank. Collective, as {@link #singleWrite()}.
   *
   * @param <T> the type of what will be shared
   * @param rank the rank that writes, the same on every rank
   * @return this rank's part
   * @throws IllegalArgumentException if there is no such rank
   */
  public <T> Fence<T> singleWrite(int rank) {
    return fence(rank, ThreadHold.FOREVER);
  }

  /**
   * Begins a single write by a given rank, waiting at most the given time for the other ranks to
   * call and for the write lock. Collective, as {@link #singleWrite()}. Once the writer is in its
   * block, it is waited for as long as it takes.
   *
   * @param <T> the type of what will be shared
   * @param rank the rank that writes, the same on every rank
   * @param timeout the longest time to wait for the block to begin, the same on every rank
   * @return this rank's part
   * @throws IllegalArgumentException if there is no such rank
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   */
  public <T> Fence<T> singleWrite(int rank, Duration timeout) {
    return fence(rank, nanos(timeout));
  }

  private <T> Fence<T> fence(int rank, long nanos) {
    SingleWriteCall section = section(rank, nanos);
    try {
      return new Fence<>(section);
    } catch (Throwable failure) {
      section.leave(failure); // nobody else could
      throw failure;
    }
  }

  /**
   * Begins a single write by the master over a handle: the master gets it, the other ranks none.
   * Collective, as {@link #singleWrite()}.
   *
   * @param <H> the type of the handle
   * @param handle what the writing rank works with; it stays in its process
   * @return this rank's part
   */
  public <H> FencedHandle<H> singleWriteWith(H handle) {
    return singleWriteWith(handle, options.master());
  }

  /**
   * Begins a single write by a given rank over a handle: that rank gets it, the others none.
   * Collective, as {@link #singleWrite()}.
   *
   * @param <H> the type of the handle
   * @param handle what the writing rank works with; it stays in its process
   * @param rank the rank that writes, the same on every rank
   * @return this rank's part
   * @throws IllegalArgumentException if there is no such rank
   */
  public <H> FencedHandle<H> singleWriteWith(H handle, int rank) {
    Objects.requireNonNull(handle, "handle");
    SingleWriteCall section = section(rank, ThreadHold.FOREVER);
    try {
      return new FencedHandle<>(section, handle);
    } catch (Throwable failure) {
      section.leave(failure);
      throw failure;
    }
  }

  /**
   * Runs an action on the master, under the write lock, and gives its result to every rank.
   * Collective, as {@link #singleWrite()}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action what the master runs; not run on the other ranks
   * @return what the action returned, on every rank; may be null
   * @throws E on the master, what the action threw
   * @throws SingleWriteFailedException on the other ranks, if the action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(LockedAction<T, E> action)
      throws E {
    return singleWrite(options.master(), action);
  }

  /**
   * Runs an action on a given rank, under the write lock, and gives its result to every rank.
   * Collective, as {@link #singleWrite()}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param rank the rank that runs the action, the same on every rank
   * @param action what that rank runs; not run on the others
   * @return what the action returned, on every rank; may be null
   * @throws E on the writing rank, what the action threw
   * @throws SingleWriteFailedException on the other ranks, if the action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E {
    return run(rank, ThreadHold.FOREVER, action);
  }

  /**
   * As {@link #singleWrite(int, LockedAction)}, waiting at most the given time for the other ranks
   * to call and for the write lock. Once the action runs, its rank is waited for as long as it
   * takes.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param rank the rank that runs the action, the same on every rank
   * @param timeout the longest time to wait for the action to begin, the same on every rank
   * @param action what that rank runs; not run on the others
   * @return what the action returned, on every rank; may be null
   * @throws E on the writing rank, what the action threw
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   * @throws SingleWriteFailedException on the other ranks, if the action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, Duration timeout, LockedAction<T, E> action) throws E {
    return run(rank, nanos(timeout), action);
  }

  /**
   * Waits until all ranks have called this. Collective: every rank calls it on the same resource,
   * in the same order as every other collective call of this controller. It takes no lock, and a
   * lease that this thread holds stays as it is. What a rank did before is seen by all ranks after.
   *
   * @throws CollectiveMismatchException if the ranks disagree, or one of them gave up or closed
   * @throws LockUseException if this thread is in another collective call, or its transaction keeps
   *     a write, which other ranks may wait for before they make this call
   * @throws LockInterruptedException if this thread was interrupted while it waited
   * @throws RankFailedException if a rank died
   * @throws ControllerClosedException if the controller is closed
   */
  public void barrier() {
    calls().barrier(ThreadHold.FOREVER);
  }

  /**
   * As {@link #barrier()}, waiting at most the given time. Either all ranks go or all fail: a rank
   * that comes late finds that the others gave up.
   *
   * @param timeout the longest time to wait for the other ranks
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   */
  public void barrier(Duration timeout) {
    calls().barrier(nanos(timeout));
  }

  /**
   * Gives every rank what all ranks say. Collective, as {@link #barrier()}, and one call however
   * many ranks there are. A rank whose value cannot be encoded fails with {@link ShareException},
   * and all others with {@link CollectiveFailedException}, which names it. A value that cannot be
   * decoded on a rank is a {@link ShareException} there alone.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null; anything that {@link Fence#share} takes, of any size
   * @return the values of all ranks, by rank; this rank's own is {@code value} itself, the others
   *     are copies. Unmodifiable
   * @throws CollectiveFailedException if a rank failed before it had shared its value
   * @throws ShareException if this rank's value cannot be encoded, or another's not decoded
   * @throws RuntimeException as {@link #barrier()}
   */
  public <T extends @Nullable Object> List<T> allGather(T value) {
    return calls().allGather(value, ThreadHold.FOREVER);
  }

  /**
   * As {@link #allGather(Object)}, waiting at most the given time for the other ranks to call. Once
   * all have come, they are waited for as long as it takes.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @param timeout the longest time to wait for the other ranks
   * @return the values of all ranks, by rank
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   */
  public <T extends @Nullable Object> List<T> allGather(T value, Duration timeout) {
    return calls().allGather(value, nanos(timeout));
  }

  /**
   * As {@link #allGather(Object, Duration)}, one value after the other: so what was said before a
   * failure is known, and not all need to be in memory. What the taker throws reaches the caller.
   * If this rank's turn is yet to come then, every other rank gets {@link
   * CollectiveFailedException}; else the others do not notice.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @param taker gets each rank's value and the rank, in the order of the ranks, on this thread;
   *     the other ranks wait for it
   * @param timeout the longest time to wait for the other ranks
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   */
  public <T extends @Nullable Object> void allGather(
      T value, ObjIntConsumer<? super T> taker, Duration timeout) {
    calls().allGather(value, Objects.requireNonNull(taker, "taker"), nanos(timeout));
  }

  /**
   * Gives the master what all ranks say. Collective, as {@link #allGather(Object)}; a value that
   * cannot be decoded is a {@link ShareException} on the master alone. Every rank returns when all
   * have shared their values.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @return on the master the values of all ranks, by rank, unmodifiable; nothing on the other
   *     ranks
   * @throws RuntimeException as {@link #allGather(Object)}
   */
  public <T extends @Nullable Object> Optional<List<T>> gather(T value) {
    return calls().gather(value, ThreadHold.FOREVER);
  }

  /**
   * As {@link #gather(Object)}, waiting at most the given time for the other ranks to call. Once
   * all have come, they are waited for as long as it takes.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @param timeout the longest time to wait for the other ranks
   * @return on the master the values of all ranks, by rank; nothing on the other ranks
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   */
  public <T extends @Nullable Object> Optional<List<T>> gather(T value, Duration timeout) {
    return calls().gather(value, nanos(timeout));
  }

  /**
   * Runs an action on each rank, one after the other, rank 0 first. Collective, as {@link
   * #barrier()}, and one call however many ranks there are. What a rank did in its action is seen
   * by the actions after it. Every rank returns when all actions have run.
   *
   * <p>It keeps the ranks apart from each other, and from nobody else: no lock is taken. The action
   * may take one, if no rank holds it in this call. If it throws, the ranks behind do not run
   * theirs, and every other rank gets {@link CollectiveFailedException}, which names the rank;
   * those before it have run theirs.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action what this rank does in its turn; it makes no collective call of this controller
   * @return what this rank's action returned; it is not shared
   * @throws E what this rank's action threw
   * @throws CollectiveFailedException if another rank's action threw, or a rank was interrupted
   *     before its turn, or closed its controller
   * @throws RuntimeException as {@link #barrier()}
   */
  public <T extends @Nullable Object, E extends Throwable> T inOrder(LockedAction<T, E> action)
      throws E {
    return calls().inOrder(ThreadHold.FOREVER, action);
  }

  /**
   * As {@link #inOrder(LockedAction)}, waiting at most the given time for the other ranks to call.
   * Once all have come, their actions are waited for as long as they take.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param timeout the longest time to wait for the other ranks
   * @param action what this rank does in its turn
   * @return what this rank's action returned
   * @throws E what this rank's action threw
   * @throws LockTimeoutException on the rank whose time was over first
   * @throws CollectiveMismatchException on the other ranks then
   */
  public <T extends @Nullable Object, E extends Throwable> T inOrder(
      Duration timeout, LockedAction<T, E> action) throws E {
    return calls().inOrder(nanos(timeout), action);
  }

  private RankCalls calls() {
    return new RankCalls(process, collectives, listeners);
  }

  /**
   * Gives this lock as one of {@code java.util.concurrent}, for libraries that take such. It is the
   * same lock with the same rules; leases and {@code Lock}s of a thread nest in each other. Where
   * {@link Lock} leaves a choice:
   *
   * <ul>
   *   <li>{@code lock()} waits on in its place when it is interrupted, and leaves the interrupt
   *       status set.
   *   <li>{@code tryLock()} does not barge: it is refused as {@link #tryRead()} and {@link
   *       #tryWrite()} are, and does not look at the interrupt status.
   *   <li>{@code lockInterruptibly()} and {@code tryLock(time, unit)} throw {@link
   *       InterruptedException}, also if the status was set before, and clear it.
   *   <li>The write lock, in whatever form, is refused to a thread that reads, with {@link
   *       LockUseException}. A read lock inside a write lock, unlocked after it, is a downgrade.
   *   <li>{@code unlock()} by a thread that has not locked throws {@link
   *       IllegalMonitorStateException}; it never gives back a lease. Once the controller is closed
   *       it does nothing.
   *   <li>{@code newCondition()} throws {@link UnsupportedOperationException}.
   *   <li>The other exceptions are those of {@link #read()} and {@link #write()}: a dead rank, a
   *       closed controller.
   * </ul>
   *
   * @return always the same object for a resource
   */
  public ReadWriteLock asReadWriteLock() {
    return view;
  }

  /**
   * Tells who holds the resource and who waits for it, over all ranks: host, process, thread, mode
   * and, where known, since when. For people; a snapshot that may be out of date at once.
   *
   * @return the name and a sentence
   */
  @Override
  public String toString() {
    return process.toString();
  }

  WriteLease writeAfter(ThreadHold hold, long readToken, long nanos) {
    if (!acquire(hold, LockMode.WRITE, nanos)) {
      throw timedOut(hold, LockMode.WRITE, Duration.ofNanos(nanos));
    }
    try {
      return new WriteLease(this, hold, hold.token() != readToken + 1);
    } catch (Throwable failure) { // as in write()
      hold.strayWrite = true;
      hold.special = true;
      releaseStray(hold);
      throw failure;
    }
  }

  /** If this throws, the read is held as before. */
  void releaseRead(ThreadHold hold) {
    hold.releaseRead(process);
    try { // right behind it: what is thrown here would have it released again
      tellReadReleased(hold);
    } catch (Throwable untold) {
      // It is released all the same.
    }
  }

  private void tellReadReleased(ThreadHold hold) {
    if (hold.readSince() != 0 && !hold.isReading()) {
      tellReleased(LockMode.READ, hold.takeReadSince());
    }
  }

  /** If this throws, the write is held as before, or the thread's next request ends it. */
  void releaseWrite(ThreadHold hold) {
    hold.releaseWrite(process);
    try { // as above
      tellWriteReleased(hold);
    } catch (Throwable untold) {
      // It is released all the same.
    }
  }

  private void tellWriteReleased(ThreadHold hold) {
    if (hold.writeSince() != 0 && !hold.isWriting()) {
      tellReleased(LockMode.WRITE, hold.takeWriteSince());
    }
  }

  private void releaseStray(ThreadHold hold) {
    hold.releaseStray(process);
    try {
      tellReadReleased(hold);
      tellWriteReleased(hold);
    } catch (Throwable untold) {
      // As above.
    }
  }

  /** If this throws, the write is held as before. */
  void releaseKept(ThreadHold hold, long token) {
    long since = hold.releaseKept(process, token);
    try {
      if (since != 0) {
        tellReleased(LockMode.WRITE, since);
      }
    } catch (Throwable untold) {
      // It is released all the same.
    }
  }

  RankLock process() {
    return process;
  }

  String quotedName() {
    return process.quotedName();
  }

  static long nanos(Duration timeout) {
    try {
      return Math.max(0, timeout.toNanos());
    } catch (ArithmeticException tooLong) { // 292 years
      return timeout.isNegative() ? 0 : ThreadHold.FOREVER;
    }
  }

  boolean acquire(ThreadHold hold, LockMode mode, long nanos) {
    LockListener listener = listeners.current();
    if (listener != null && !hold.isHeld()) {
      return acquireObserved(listener, hold, mode, nanos);
    }
    return mode == LockMode.READ
        ? hold.acquireRead(process, nanos)
        : hold.acquireWrite(process, nanos);
  }

  private boolean acquireObserved(
      LockListener listener, ThreadHold hold, LockMode mode, long nanos) {
    long start = System.nanoTime();
    listener.requested(name(), mode); // nothing between this and the try: its end is told
    boolean granted;
    try {
      granted =
          mode == LockMode.READ
              ? hold.acquireRead(process, nanos)
              : hold.acquireWrite(process, nanos);
    } catch (Throwable failure) { // an Error too: else the thread would be counted as waiting
      try {
        listener.failed(name(), mode, System.nanoTime() - start, failure);
      } catch (Throwable untold) {
        // The caller gets the first.
      }
      throw failure;
    }
    try {
      // Nobody was in the way: another look at the clock would cost more than that took. A try may
      // have waited for another node's answer.
      boolean atOnce = granted && !hold.waited() && nanos != 0;
      long now = atOnce ? start : System.nanoTime();
      if (granted) {
        hold.since(mode == LockMode.READ, now);
        listener.granted(name(), mode, now - start, hold.waited(), now);
      } else {
        listener.timedOut(name(), mode, now - start);
      }
    } catch (Throwable untold) {
      // It is granted, or not, all the same.
    }
    return granted;
  }

  private void tellReleased(LockMode mode, long since) {
    LockListener listener = listeners.current();
    if (listener != null) {
      long now = System.nanoTime();
      long held = Math.max(0, now - since); // the clock may be coarse, and since is odd
      listener.released(name(), mode, held, now);
    }
  }

  private SingleWriteCall section(int rank, long nanos) {
    return collectives.singleWrite(process, rank, nanos, this::tellSingleWrite);
  }

  private void tellSingleWrite(
      boolean writer, long nanos, long bytes, @Nullable Throwable failure) {
    LockListener listener = listeners.current();
    if (listener != null) {
      listener.singleWrite(name(), writer, nanos, bytes, failure);
    }
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // the writer's action makes a T, which may be null
  private <T extends @Nullable Object, E extends Throwable> T run(
      int rank, long nanos, LockedAction<T, E> action) throws E {
    SingleWriteCall section = section(rank, nanos);
    T result;
    try {
      if (section.isWriter()) {
        result = action.run();
        section.share(result);
      } else {
        result = (T) section.collect();
      }
    } catch (Throwable failure) {
      try {
        section.leave(failure);
      } catch (Throwable cut) { // before it had begun
        section.leave(failure);
      }
      throw failure;
    }
    try {
      section.close();
    } catch (Throwable cut) {
      section.leave(cut); // if it is not left
      throw cut;
    }
    return result;
  }

  private LockTimeoutException timedOut(ThreadHold hold, LockMode mode, Duration timeout) {
    return new LockTimeoutException(
        "The %s of %s was not granted within %s: %s"
            .formatted(mode, quotedName(), timeout, process.describeInTime(hold)));
  }
}

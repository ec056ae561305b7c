/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.internal.ControllerCore;
import io.mpilock.internal.Opening;
import io.mpilock.internal.rank.DirectoryUse;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.status.JobStatus;
import io.mpilock.status.NamesStatus;
import io.mpilock.status.ResourceStatus;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.Member;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The locks that the ranks of a communicator share. One on each rank; all of them together are the
 * lock.
 *
 * <pre>{@code
 * try (WindowController controller = WindowController.sync()) {
 *   try (ReadLease read = controller.read()) {
 *     // shared with other readers
 *   }
 *   try (WriteLease write = controller.resource("orders").write()) {
 *     // alone, over all threads of all ranks
 *   }
 *   Layout layout = controller.singleWrite(() -> createFile()); // one rank runs it, all get the result
 * }
 * }</pre>
 *
 * <p>It controls no resource itself: it hands out permission, and the caller does the reading and
 * writing. The calls without a name are those of the {@linkplain #DEFAULT_RESOURCE default
 * resource}; {@link #resource} gives others. Safe for use by many threads; collective calls ({@code
 * sync}, {@code singleWrite}, {@code barrier}, {@code allGather}, {@code gather}, {@code inOrder},
 * {@code close}) are made by every rank in the same order.
 *
 * @since 0.1.0
 */
public final class WindowController implements AutoCloseable {

  /** The name of the resource that the unnamed calls are about. */
  public static final String DEFAULT_RESOURCE = CoreSettings.DEFAULT_RESOURCE;

  private final Communicator communicator;
  private final @Nullable Communicator ownedWorld;
  private final ControllerOptions options;
  private final ControllerCore core;
  private final Listeners listeners;
  private final Incidents incidents;
  private final ResourceLock defaultLock;

  private WindowController(
      Communicator communicator,
      @Nullable Communicator ownedWorld,
      ControllerOptions options,
      ControllerCore core,
      Listeners listeners,
      Incidents incidents) {
    this.communicator = communicator;
    this.ownedWorld = ownedWorld;
    this.options = options;
    this.core = core;
    this.listeners = listeners;
    this.incidents = incidents;
    this.defaultLock = resource(DEFAULT_RESOURCE);
  }

  private static WindowController open(
      Communicator parent, @Nullable Communicator ownedWorld, ControllerOptions options) {
    Communicator communicator;
    try {
      // What is refused here has not begun: this rank may try again, while the others wait.
      Transports.checkSize(options.expectedRanks(), parent.size(), parent.description());
      checkMaster(options.master(), parent.size());
      communicator = parent.duplicate();
    } catch (Throwable e) {
      boolean begun =
          options != null && (!(e instanceof MpilockException) || e instanceof RankFailedException);
      if (begun) { // not if the communicator was closed
        Opening.tell(parent, e);
      }
      throw e;
    }
    Opening opening = null;
    ControllerCore core = null;
    try {
      opening = new Opening(communicator);
      Listeners listeners = new Listeners();
      Incidents incidents = new Incidents(listeners);
      core = opening.open(settings(options, incidents));
      return new WindowController(communicator, ownedWorld, options, core, listeners, incidents);
    } catch (Throwable e) { // the others wait for this rank, or count on it
      if (core != null) {
        endAll(e, core::abandon);
      } else if (opening != null) {
        opening.cutShort(e);
      } else {
        Opening.tell(communicator, e);
      }
      if (e instanceof StartupException) { // on every rank alike
        communicator.close();
      } else {
        communicator.abandon();
      }
      throw e;
    }
  }

  private static CoreSettings settings(ControllerOptions options, Incidents incidents) {
    ShareCodec codec =
        options.shareCodec() != null
            ? options.shareCodec()
            : new DefaultShareCodec(options.shareAllow());
    return new CoreSettings(
        options.master(),
        options.fairness() == Fairness.PHASE_FAIR,
        options.otherwiseFair(),
        options.handoverLimit(),
        options.onHolderDeath() == OnHolderDeath.RELEASE,
        options.onDeadlock() == OnDeadlock.FAIL,
        options.stallWarning(),
        options.shutdownTimeout(),
        options.heartbeatTimeout(),
        options.windowBytes() == null ? 0 : options.windowBytes() / Long.BYTES,
        codec::encode,
        codec::decode,
        incidents);
  }

  /**
   * Makes a controller of all ranks of the job, with the default options. Collective. Starts MPI if
   * a launcher started this process; where none did, the controller has one rank.
   *
   * @return the controller; closing it also ends MPI, if it was the last use of it
   * @throws StartupException if that is not possible, with the remedy
   */
  public static WindowController sync() {
    return sync(ControllerOptions.defaults());
  }

  /**
   * Makes a controller of all ranks of the job. Collective. See {@link #sync()}.
   *
   * @param options how it behaves, equal on every rank
   * @return the controller
   * @throws StartupException if that is not possible, with the remedy
   */
  public static WindowController sync(ControllerOptions options) {
    Map<String, String> environment = System.getenv();
    int expected = options.expectedRanks();
    TransportSettings settings =
        new TransportSettings(
                Launcher.detect(environment).orElse(null), null, options.stallWarning())
            .withExpectedRanks(expected > 0 ? expected : Launcher.expectedRanks(environment));
    return syncOwning(Transports.open("auto", settings), options);
  }

  /**
   * Makes a controller of the ranks of a communicator. Collective over it.
   *
   * @param communicator who takes part; it is duplicated, so that messages of others on it never
   *     meet ours, and stays the caller's to close, after the controller
   * @param master the rank in it that single writes go to by default
   * @return the controller
   * @throws StartupException if {@code master} is not a rank of it, or the ranks disagree
   */
  public static WindowController sync(Communicator communicator, int master) {
    return sync(communicator, ControllerOptions.defaults().withMaster(master));
  }

  /**
   * Makes a controller of the ranks of a communicator. Collective over it.
   *
   * @param communicator who takes part; it is duplicated, and stays the caller's to close
   * @param options how the controller behaves, equal on every rank
   * @return the controller
   * @throws StartupException if the options do not fit the communicator, or the ranks disagree
   */
  public static WindowController sync(Communicator communicator, ControllerOptions options) {
    return open(communicator, null, options);
  }

  /**
   * Makes a controller of the ranks of a communicator that becomes the controller's: closing the
   * controller closes it. Collective over it.
   *
   * @param communicator who takes part; abandoned if this throws
   * @param options how the controller behaves, equal on every rank
   * @return the controller
   * @throws StartupException if the options do not fit the communicator, or the ranks disagree
   */
  public static WindowController syncOwning(Communicator communicator, ControllerOptions options) {
    try {
      return open(communicator, communicator, options);
    } catch (Throwable e) {
      communicator.abandon();
      throw e;
    }
  }

  /**
   * Gives the lock of a named resource. Not collective: a resource exists from the moment that some
   * rank names it. Equal names are the same lock on all ranks, others never share one.
   *
   * @param name 1 to 255 characters without control characters, not blank; case matters
   * @return the lock: always the same object for a name, as long as it can be reached, or the
   *     thread holds it
   * @throws IllegalArgumentException if the name is not valid
   * @throws MpilockException if the window has no room for another resource
   * @throws ControllerClosedException if the controller is closed
   */
  public ResourceLock resource(String name) {
    return core.resource(name).face(ResourceLock.class, this::lock);
  }

  /**
   * Gives a number that all ranks share. Not collective: a counter exists from the moment that some
   * rank names it, and stands at 0. Equal names are the same counter on all ranks. It has nothing
   * to do with a resource of the same name. It is kept, with what it stands at, until the
   * controller is closed on all ranks; each takes as much of the window as a resource.
   *
   * @param name as that of a {@linkplain #resource resource}
   * @return the counter: always the same object for a name
   * @throws IllegalArgumentException if the name is not valid
   * @throws MpilockException if the window has no room for another counter
   * @throws ControllerClosedException if the controller is closed
   */
  public JobCounter counter(String name) {
    return core.counter(name)
        .face(
            SharedCounter.class,
            lock -> new SharedCounter(lock, core.collectives(), options.master()));
  }

  private ResourceLock lock(RankLock process) {
    boolean own = CallNames.isOwn(process.name());
    return new ResourceLock(
        process, core.collectives(), own ? new Listeners() : listeners, options);
  }

  /**
   * Tells which writes the calling thread keeps beyond the code that took them, by {@link
   * WriteLease#keep}, and no thread has ended yet.
   *
   * @return the names of their resources, in no order
   */
  public List<String> keptWrites() {
    return core.keptWrites();
  }

  /**
   * Takes a read of the default resource; see {@link ResourceLock#read()}.
   *
   * @return the lease, owned by this thread
   */
  public ReadLease read() {
    return defaultLock.read();
  }

  /**
   * Takes a read of the default resource within a time; see {@link ResourceLock#read(Duration)}.
   *
   * @param timeout the longest time to wait
   * @return the lease, owned by this thread
   */
  public ReadLease read(Duration timeout) {
    return defaultLock.read(timeout);
  }

  /**
   * Takes a read of the default resource if that needs no waiting; see {@link
   * ResourceLock#tryRead()}.
   *
   * @return the lease, or nothing
   */
  public Optional<ReadLease> tryRead() {
    return defaultLock.tryRead();
  }

  /**
   * Takes the write of the default resource; see {@link ResourceLock#write()}.
   *
   * @return the lease, owned by this thread
   */
  public WriteLease write() {
    return defaultLock.write();
  }

  /**
   * Takes the write of the default resource within a time; see {@link
   * ResourceLock#write(Duration)}.
   *
   * @param timeout the longest time to wait
   * @return the lease, owned by this thread
   */
  public WriteLease write(Duration timeout) {
    return defaultLock.write(timeout);
  }

  /**
   * Takes the write of the default resource if that needs no waiting; see {@link
   * ResourceLock#tryWrite()}.
   *
   * @return the lease, or nothing
   */
  public Optional<WriteLease> tryWrite() {
    return defaultLock.tryWrite();
  }

  /**
   * Starts to read the default resource without a lock; see {@link
   * ResourceLock#tryOptimisticRead()}.
   *
   * @return a stamp for {@link #validate}
   */
  public long tryOptimisticRead() {
    return defaultLock.tryOptimisticRead();
  }

  /**
   * Tells whether an optimistic read of the default resource was whole; see {@link
   * ResourceLock#validate}.
   *
   * @param stamp what {@link #tryOptimisticRead()} gave
   * @return whether no write came in
   */
  public boolean validate(long stamp) {
    return defaultLock.validate(stamp);
  }

  /**
   * Begins a single write of the default resource by the master. Collective; see {@link
   * ResourceLock#singleWrite()}.
   *
   * @param <T> the type of what will be shared
   * @return this rank's part
   */
  public <T> Fence<T> singleWrite() {
    return defaultLock.singleWrite();
  }

  /**
   * Begins a single write of the default resource by a given rank. Collective; see {@link
   * ResourceLock#singleWrite(int)}.
   *
   * @param <T> the type of what will be shared
   * @param rank the rank that writes, the same on every rank
   * @return this rank's part
   */
  public <T> Fence<T> singleWrite(int rank) {
    return defaultLock.singleWrite(rank);
  }

  /**
   * Begins a single write of the default resource over a handle. Collective; see {@link
   * ResourceLock#singleWriteWith(Object, int)}.
   *
   * @param <H> the type of the handle
   * @param handle what the writing rank works with
   * @param rank the rank that writes, the same on every rank
   * @return this rank's part
   */
  public <H> FencedHandle<H> singleWriteWith(H handle, int rank) {
    return defaultLock.singleWriteWith(handle, rank);
  }

  /**
   * Runs an action on the master, under the write lock of the default resource, and gives its
   * result to every rank. Collective; see {@link ResourceLock#singleWrite(LockedAction)}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action what the master runs
   * @return what the action returned, on every rank
   * @throws E on the master, what the action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(LockedAction<T, E> action)
      throws E {
    return defaultLock.singleWrite(action);
  }

  /**
   * Runs an action on a given rank, under the write lock of the default resource, and gives its
   * result to every rank. Collective; see {@link ResourceLock#singleWrite(int, LockedAction)}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param rank the rank that runs the action, the same on every rank
   * @param action what that rank runs
   * @return what the action returned, on every rank
   * @throws E on the writing rank, what the action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E {
    return defaultLock.singleWrite(rank, action);
  }

  /**
   * Waits until all ranks have called this. Collective; see {@link ResourceLock#barrier()}.
   *
   * @throws RuntimeException if the ranks disagree, a rank died, or this one was interrupted or
   *     closed
   */
  public void barrier() {
    defaultLock.barrier();
  }

  /**
   * Waits until all ranks have called this, or a time is over. Collective; see {@link
   * ResourceLock#barrier(Duration)}.
   *
   * @param timeout the longest time to wait for the other ranks
   */
  public void barrier(Duration timeout) {
    defaultLock.barrier(timeout);
  }

  /**
   * Gives every rank what all ranks say. Collective; see {@link ResourceLock#allGather(Object)}.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @return the values of all ranks, by rank
   */
  public <T extends @Nullable Object> List<T> allGather(T value) {
    return defaultLock.allGather(value);
  }

  /**
   * Gives every rank what all ranks say, if they come in time. Collective; see {@link
   * ResourceLock#allGather(Object, Duration)}.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @param timeout the longest time to wait for the other ranks to call
   * @return the values of all ranks, by rank
   */
  public <T extends @Nullable Object> List<T> allGather(T value, Duration timeout) {
    return defaultLock.allGather(value, timeout);
  }

  /**
   * Gives the master what all ranks say. Collective; see {@link ResourceLock#gather(Object)}.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @return on the master the values of all ranks, by rank; nothing on the other ranks
   */
  public <T extends @Nullable Object> Optional<List<T>> gather(T value) {
    return defaultLock.gather(value);
  }

  /**
   * Gives the master what all ranks say, if they come in time. Collective; see {@link
   * ResourceLock#gather(Object, Duration)}.
   *
   * @param <T> the type of the values
   * @param value this rank's value, or null
   * @param timeout the longest time to wait for the other ranks to call
   * @return on the master the values of all ranks, by rank; nothing on the other ranks
   */
  public <T extends @Nullable Object> Optional<List<T>> gather(T value, Duration timeout) {
    return defaultLock.gather(value, timeout);
  }

  /**
   * Runs an action on each rank, one after the other, rank 0 first. Collective; see {@link
   * ResourceLock#inOrder(LockedAction)}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action what this rank does in its turn
   * @return what this rank's action returned
   * @throws E what this rank's action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T inOrder(LockedAction<T, E> action)
      throws E {
    return defaultLock.inOrder(action);
  }

  /**
   * Runs an action on each rank, one after the other, if they come in time. Collective; see {@link
   * ResourceLock#inOrder(Duration, LockedAction)}.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param timeout the longest time to wait for the other ranks to call
   * @param action what this rank does in its turn
   * @return what this rank's action returned
   * @throws E what this rank's action threw
   */
  public <T extends @Nullable Object, E extends Throwable> T inOrder(
      Duration timeout, LockedAction<T, E> action) throws E {
    return defaultLock.inOrder(timeout, action);
  }

  /**
   * This process's rank among those of the controller.
   *
   * @return from 0 to {@link #size()} - 1
   */
  public int rank() {
    return communicator.rank();
  }

  /**
   * Tells what the locks cost between nodes: how many messages about locks this rank's node has
   * sent so far. A lock that is taken again on the node that had it last costs none. May be called
   * by any thread.
   *
   * @return the number since {@code sync}; 0 if all ranks are on one node
   * @throws ControllerClosedException if the controller is closed
   */
  public long messages() {
    return core.messages();
  }

  /**
   * The number of ranks.
   *
   * @return at least 1
   */
  public int size() {
    return communicator.size();
  }

  /**
   * The rank that single writes go to by default.
   *
   * @return a rank of the controller
   */
  public int master() {
    return options.master();
  }

  /**
   * Tells whether this rank is the master.
   *
   * @return {@code rank() == master()}
   */
  public boolean isMaster() {
    return rank() == master();
  }

  /**
   * Tells who a rank is.
   *
   * @param rank a rank of the controller
   * @return its host and process
   */
  public Member member(int rank) {
    return communicator.member(rank);
  }

  /**
   * Names the transport and its library, for people.
   *
   * @return such as {@code native (Open MPI 4.1.4)}
   */
  public String transport() {
    return communicator.description();
  }

  /**
   * Looks at the whole job: who is there, and who holds and waits for what. Takes no lock, so it
   * also works while one is stuck; may be called on any rank by any thread, and costs those that
   * lock nothing. For people and for monitoring: with several nodes each node's agent is asked.
   *
   * @param timeout how long to wait for nodes that do not answer; an interrupt ends the wait, too,
   *     and stays. A job of one node waits for nobody
   * @return what was found in that time, with the nodes that were silent
   * @throws ControllerClosedException if the controller is closed
   */
  public JobStatus status(Duration timeout) {
    return core.status(ResourceLock.nanos(timeout));
  }

  /**
   * Looks at one resource in the whole job, as {@link #status(Duration)} does at all.
   *
   * @param resource its name
   * @param timeout how long to wait for nodes that do not answer
   * @return the resource, as far as it is known; nothing if no rank has named it, or none of this
   *     rank's node and another node left it out
   * @throws ControllerClosedException if the controller is closed
   */
  public Optional<ResourceStatus> status(String resource, Duration timeout) {
    return core.status(resource, ResourceLock.nanos(timeout)).resources().stream()
        .filter(found -> found.name().equals(resource))
        .findFirst();
  }

  /**
   * Tells how many names of resources the node of this rank knows, and how much room they take.
   * Takes no lock.
   *
   * @return a snapshot
   * @throws ControllerClosedException if the controller is closed
   */
  public NamesStatus names() {
    DirectoryUse use = core.names();
    return new NamesStatus(use.names(), use.reclaimed(), (double) use.usedWords() / use.words());
  }

  /**
   * The options that the controller was made with.
   *
   * @return the options
   */
  public ControllerOptions options() {
    return options;
  }

  /**
   * Adds a listener to all locks of this rank, apart from those whose names begin with {@code
   * mpilock.}: these are mpilock's own.
   *
   * @param listener is called from now on
   */
  public void addListener(LockListener listener) {
    listeners.add(listener);
  }

  /**
   * Removes a listener.
   *
   * @param listener is no longer called; nothing happens if it was never added
   */
  public void removeListener(LockListener listener) {
    listeners.remove(listener);
  }

  /**
   * Adds a listener to what goes wrong in the job, as this rank learns of it.
   *
   * @param listener is called from now on
   */
  public void addListener(JobListener listener) {
    incidents.add(listener);
  }

  /**
   * Removes a listener.
   *
   * @param listener is no longer called; nothing happens if it was never added
   */
  public void removeListener(JobListener listener) {
    incidents.remove(listener);
  }

  /**
   * Tells whether {@link #close()} was called on this rank.
   *
   * @return true from the start of the first close
   */
  public boolean isClosed() {
    return core.isClosed();
  }

  /**
   * Tells whether this rank takes no part any more: it was closed and the others know, it
   * {@linkplain #abandon() was abandoned}, or it has given itself up, since its shared memory
   * failed. A lease that was still held then is lost: another rank may have the resource, or all
   * are told that it is poisoned.
   *
   * @return true from then on
   */
  public boolean hasLeft() {
    return core.hasGone();
  }

  /**
   * Begins the time that {@link #close()} may take, unless it has begun: for what an application
   * does with the other ranks before it closes, so that all of it together ends after {@link
   * ControllerOptions#shutdownTimeout()}. Changes nothing else.
   *
   * @return what is left of that time; zero if the calling thread holds a lease, for which {@code
   *     close} does not wait
   */
  public Duration beginShutdown() {
    return Duration.ofNanos(core.beginShutdown());
  }

  /**
   * Ends this rank's part. Collective, and bounded: new requests are refused at once; then it waits
   * for the leases of this rank's other threads, and for the other ranks to close or to make
   * another collective call, for both together at most {@link ControllerOptions#shutdownTimeout()}
   * from its begin or from {@link #beginShutdown()}. A thread that holds a lease itself is told at
   * once, without any wait. Ranks may close several controllers in any order, and one that has died
   * or failed is not waited for. A rank that closes early leaves the locks working for the others.
   * Idempotent.
   *
   * <p>If the controller owns its communicator, as one from {@link #sync()} does, and it is the
   * last use of MPI in this process, MPI ends too. That waits, without a bound but saying so in the
   * log, for all ranks that live, but for those that gave themselves up or whose close failed:
   * MPI_Finalize is collective.
   *
   * <p>The controller is closed even if this throws.
   *
   * @throws LockUseException if leases of this rank were still held, naming the holders
   * @throws io.mpilock.failure.CollectiveMismatchException if another rank called something else
   */
  @Override
  public void close() {
    boolean first;
    try {
      first = core.close();
    } catch (Throwable failure) {
      endAll(failure, communicator::close);
      if (ownedWorld != null) {
        endAll(failure, ownedWorld::abandon);
      }
      throw failure;
    }
    if (first && core.hasGivenUp()) {
      giveUpCommunicators();
    } else if (first) {
      communicator.close();
      if (ownedWorld != null) {
        ownedWorld.close();
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // nothing can suppress itself
  private static void endAll(Throwable failure, Runnable step) {
    try {
      step.run();
    } catch (Throwable second) {
      if (second != failure) {
        failure.addSuppressed(second);
      }
    }
  }

  /**
   * Ends this rank's part without waiting for other ranks, for a rank that failed: its leases are
   * given up as if it had died, and the other ranks are informed. Idempotent, also with {@link
   * #close()}.
   */
  public void abandon() {
    if (core.abandon()) {
      giveUpCommunicators();
    }
  }

  private void giveUpCommunicators() {
    communicator.abandon();
    if (ownedWorld != null) {
      ownedWorld.abandon();
    }
  }

  /**
   * Ends the whole job, on every rank, with an exit status, as {@code MPI_Abort} does. Does not
   * return under a launcher.
   *
   * @param status the exit status, not 0
   */
  public void abort(int status) {
    communicator.abort(status);
  }

  private static void checkMaster(int master, int size) {
    if (master < 0 || master >= size) {
      throw new StartupException(
          StartupException.Problem.MASTER_OUT_OF_RANGE,
          "mpilock.master is %d, but the communicator has %d rank(s), numbered 0 to %d."
              .formatted(master, size, size - 1),
          "Set mpilock.master to one of these.");
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.CollectiveCall;
import io.mpilock.Fence;
import io.mpilock.JobCounter;
import io.mpilock.LockMode;
import io.mpilock.LockedAction;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockUseException;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.ObjIntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The template over a controller. The lock is found when the template is made, so that a call costs
 * a lease and nothing else.
 */
final class ControllerLockTemplate implements LockTemplate {
  /** A writer that comes more often than this makes a read under the lock the cheaper way. */
  private static final int OPTIMISTIC_TRIES = 3;

  private static final Duration ENDLESS = Duration.ofNanos(Long.MAX_VALUE);

  private final Family family;
  private final ResourceLock lock;
  private final @Nullable Duration timeout;
  private final @Nullable LockRequestObserver observer;
  private final boolean mayKeep;

  private ControllerLockTemplate(Family family, ResourceLock lock) {
    this.family = family;
    this.lock = lock;
    String name = lock.name();
    this.timeout = family.timeout != null ? family.timeout : family.settings.timeout(name);
    this.observer = family.observer;
    Until until = family.until != null ? family.until : family.settings.until(name);
    this.mayKeep = KeptWrites.Possible.INSTANCE && until == Until.TRANSACTION;
  }

  static LockTemplate of(
      WindowController controller,
      ResourceSettings settings,
      @Nullable LockRequestObserver observer) {
    return new Family(controller, settings, null, null, observer, new KeptOrders())
        .on(WindowController.DEFAULT_RESOURCE);
  }

  @Override
  public LockTemplate on(String resource) {
    return family.on(resource);
  }

  @Override
  public JobCounter counter(String name) {
    return family.controller.counter(name);
  }

  @Override
  public LockTemplate withTimeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    return family.with(timeout, family.until).on(lock.name());
  }

  @Override
  public LockTemplate until(Until until) {
    Objects.requireNonNull(until, "until");
    return family.with(family.timeout, until).on(lock.name());
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T read(LockedAction<T, E> action)
      throws E {
    try (ReadLease _ = readLease()) {
      return action.run();
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T write(LockedAction<T, E> action)
      throws E {
    if (mayKeep && KeptWrites.isInTransaction()) {
      try (OpenWrite _ = openWrite()) {
        return action.run();
      }
    }
    try (WriteLease _ = writeLease()) {
      return action.run();
    }
  }

  @Override
  public <E extends Throwable> void readWithoutResult(LockedRunnable<E> action) throws E {
    try (ReadLease _ = readLease()) {
      action.run();
    }
  }

  @Override
  public <E extends Throwable> void writeWithoutResult(LockedRunnable<E> action) throws E {
    if (mayKeep && KeptWrites.isInTransaction()) {
      try (OpenWrite _ = openWrite()) {
        action.run();
      }
      return;
    }
    try (WriteLease _ = writeLease()) {
      action.run();
    }
  }

  @Override
  public <T, E extends Throwable> Optional<T> tryRead(Duration timeout, LockedAction<T, E> action)
      throws E {
    try (ReadLease lease = tryReadLease(timeout)) {
      return lease == null ? Optional.empty() : LockGroup.resultOf(action.run(), "tryRead");
    }
  }

  @Override
  public <T, E extends Throwable> Optional<T> tryWrite(Duration timeout, LockedAction<T, E> action)
      throws E {
    try (OpenWrite write = tryOpenWrite(timeout)) {
      return write == null ? Optional.empty() : LockGroup.resultOf(action.run(), "tryWrite");
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T readWithLease(
      LeaseAction<LeasedRead, T, E> action) throws E {
    try (OpenRead read = new OpenRead(this, readLease())) {
      return action.run(read);
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T writeWithLease(
      LeaseAction<LeasedWrite, T, E> action) throws E {
    try (OpenWrite write = openWrite()) {
      return action.run(write);
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T optimisticRead(
      LockedAction<T, E> action) throws E {
    if (lock.isHeldByCurrentThread()) {
      return action.run();
    }
    for (int tries = 0; tries < OPTIMISTIC_TRIES; tries++) {
      long stamp = lock.tryOptimisticRead();
      if (stamp == ResourceLock.NO_STAMP) {
        break;
      }
      T result;
      try {
        result = action.run();
      } catch (Throwable failure) { // an Error too may come of what is half written
        if (lock.validate(stamp)) {
          throw failure;
        }
        continue;
      }
      if (lock.validate(stamp)) {
        return result;
      }
    }
    return read(action);
  }

  @Override
  public LockGroup group() {
    return new LockGroup(this, (modes, timeToTry) -> OpenGroup.of(this, modes, timeToTry));
  }

  /** The template of another resource of the same group, alike but for that. */
  ControllerLockTemplate beside(String resource) {
    return family.on(resource);
  }

  /** The time-out that was asked for, whatever the resource's settings say. */
  @Nullable Duration askedTimeout() {
    return family.timeout;
  }

  /** The longest time to wait for this resource. */
  @Nullable Duration timeout() {
    return timeout;
  }

  /** Takes the resource, or tries to. */
  @Nullable OpenHold open(LockMode mode, @Nullable Duration limit, boolean tries) {
    if (mode == LockMode.READ) {
      ReadLease lease = tries && limit != null ? tryReadLease(limit) : readLease(limit);
      return lease == null ? null : new OpenRead(this, lease);
    }
    return tries && limit != null ? tryOpenWrite(limit) : openWrite(() -> writeNow(limit));
  }

  @Override
  public boolean isHeldByCurrentThread() {
    return lock.isHeldByCurrentThread();
  }

  @Override
  public boolean isWriteHeldByCurrentThread() {
    return lock.isWriteHeldByCurrentThread();
  }

  @Override
  public void requireHeld() {
    if (!lock.isHeldByCurrentThread()) {
      throw notHeld("a read or the write", "read(…) or write(…)", "");
    }
  }

  @Override
  public void requireWriteHeld() {
    if (!lock.isWriteHeldByCurrentThread()) {
      throw notHeld(
          "the write", "write(…)", lock.isHeldByCurrentThread() ? ", though it has a read" : "");
    }
  }

  private LockUseException notHeld(String what, String forms, String but) {
    return new LockUseException(
        ("Thread '%s' of rank %d reached code that must run under %s of resource"
                + " '%s', which it does not hold%s: call it inside %s of that resource's"
                + " LockTemplate.")
            .formatted(Thread.currentThread().getName(), rank(), what, lock.name(), but, forms));
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E {
    warnOfTransaction();
    return this.<T, E>collective(rank, () -> singleWriteNow(rank, action));
  }

  private <T extends @Nullable Object, E extends Throwable> T singleWriteNow(
      int rank, LockedAction<T, E> action) throws E {
    return timeout == null
        ? lock.singleWrite(rank, action)
        : lock.singleWrite(rank, timeout, action);
  }

  @Override
  public <T, E extends Throwable> @Nullable T singleWriteFenced(int rank, FencedAction<T, E> action)
      throws E {
    warnOfTransaction();
    return this.<@Nullable T, E>collective(
        rank,
        () -> {
          Fence<T> fence =
              timeout == null ? lock.singleWrite(rank) : lock.singleWrite(rank, timeout);
          return FencedBlock.run(fence, action);
        });
  }

  @Override
  public <T extends @Nullable Object> List<T> allGather(T mine) {
    return this.<List<T>, RuntimeException>together(
        CollectiveCall.ALL_GATHER,
        () -> timeout == null ? lock.allGather(mine) : lock.allGather(mine, timeout));
  }

  @Override
  public <T extends @Nullable Object> void allGather(T mine, ObjIntConsumer<? super T> taker) {
    Duration limit = timeout == null ? ENDLESS : timeout;
    this.<@Nullable Void, RuntimeException>together(
        CollectiveCall.ALL_GATHER,
        () -> {
          lock.allGather(mine, taker, limit);
          return null;
        });
  }

  @Override
  public <T extends @Nullable Object> Optional<List<T>> gather(T mine) {
    return this.<Optional<List<T>>, RuntimeException>together(
        CollectiveCall.GATHER,
        () -> timeout == null ? lock.gather(mine) : lock.gather(mine, timeout));
  }

  @Override
  public void barrier() {
    this.<@Nullable Void, RuntimeException>together(
        CollectiveCall.BARRIER,
        () -> {
          if (timeout == null) {
            lock.barrier();
          } else {
            lock.barrier(timeout);
          }
          return null;
        });
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T inOrder(LockedAction<T, E> action)
      throws E {
    return this.<T, E>together(
        CollectiveCall.IN_ORDER,
        () -> timeout == null ? lock.inOrder(action) : lock.inOrder(timeout, action));
  }

  private <T extends @Nullable Object, E extends Throwable> T together(
      CollectiveCall kind, LockedAction<T, E> call) throws E {
    return observer == null ? call.run() : observer.together(lock, kind, call);
  }

  private <T extends @Nullable Object, E extends Throwable> T collective(
      int writer, LockedAction<T, E> call) throws E {
    return observer == null ? call.run() : observer.collective(lock, writer, call);
  }

  @Override
  public int rank() {
    return family.controller.rank();
  }

  @Override
  public int size() {
    return family.controller.size();
  }

  @Override
  public int master() {
    return family.controller.master();
  }

  @Override
  public String toString() {
    return "LockTemplate[" + lock.name() + (timeout == null ? "]" : ", " + timeout + "]");
  }

  private void warnOfTransaction() {
    if (mayKeep && KeptWrites.isInTransaction()) {
      family.orders.singleWrite(lock.name());
    }
  }

  private ReadLease readLease() {
    return observer == null ? readNow(timeout) : readLease(timeout);
  }

  private ReadLease readLease(@Nullable Duration limit) {
    return Objects.requireNonNull(observed(LockMode.READ, () -> readNow(limit)));
  }

  private ReadLease readNow(@Nullable Duration limit) {
    return limit == null ? lock.read() : lock.read(limit);
  }

  private @Nullable ReadLease tryReadLease(Duration limit) {
    return observed(LockMode.READ, () -> lock.tryRead(limit).orElse(null));
  }

  private WriteLease writeLease() {
    return observer == null
        ? writeNow(timeout)
        : Objects.requireNonNull(observed(LockMode.WRITE, () -> writeNow(timeout)));
  }

  private WriteLease writeNow(@Nullable Duration limit) {
    return limit == null ? lock.write() : lock.write(limit);
  }

  private OpenWrite openWrite() {
    return openWrite(() -> writeNow(timeout));
  }

  private OpenWrite openWrite(Supplier<WriteLease> request) {
    return Objects.requireNonNull(openWriteIfGranted(request));
  }

  private @Nullable OpenWrite tryOpenWrite(Duration limit) {
    return openWriteIfGranted(() -> lock.tryWrite(limit).orElse(null));
  }

  /** After the read, which is given up. */
  OpenWrite upgrade(ReadLease read) {
    return openWrite(() -> timeout == null ? read.upgrade() : read.upgrade(timeout));
  }

  private @Nullable OpenWrite openWriteIfGranted(Supplier<? extends @Nullable WriteLease> request) {
    KeptWrites keeper =
        mayKeep && KeptWrites.isInTransaction()
            ? KeptWrites.of(family.controller, lock, family.orders)
            : null;
    WriteLease lease = observed(LockMode.WRITE, request);
    return lease == null ? null : OpenWrite.of(lock, lease, keeper);
  }

  private <L extends AutoCloseable> @Nullable L observed(
      LockMode mode, Supplier<? extends @Nullable L> request) {
    return observer == null ? request.get() : observer.request(lock, mode, request);
  }

  /** The templates of one controller that are alike but for their resources, by these. */
  private static final class Family {
    final WindowController controller;
    final ResourceSettings settings;
    final @Nullable Duration timeout;
    final @Nullable Until until;
    final @Nullable LockRequestObserver observer;
    final KeptOrders orders;
    private final ConcurrentMap<String, Known> templates = new ConcurrentHashMap<>();
    private final ReferenceQueue<ControllerLockTemplate> unreachable = new ReferenceQueue<>();

    /** A template that is collected when it is unreachable: the number of names is unlimited. */
    private static final class Known extends WeakReference<ControllerLockTemplate> {
      private final String resource;

      Known(
          ControllerLockTemplate template,
          String resource,
          ReferenceQueue<ControllerLockTemplate> queue) {
        super(template, queue);
        this.resource = resource;
      }
    }

    Family(
        WindowController controller,
        ResourceSettings settings,
        @Nullable Duration timeout,
        @Nullable Until until,
        @Nullable LockRequestObserver observer,
        KeptOrders orders) {
      this.controller = controller;
      this.settings = settings;
      this.timeout = timeout;
      this.until = until;
      this.observer = observer;
      this.orders = orders;
    }

    Family with(@Nullable Duration otherTimeout, @Nullable Until otherUntil) {
      return new Family(controller, settings, otherTimeout, otherUntil, observer, orders);
    }

    ControllerLockTemplate on(String resource) {
      for (Reference<?> gone = unreachable.poll(); gone != null; gone = unreachable.poll()) {
        templates.remove(((Known) gone).resource, gone);
      }
      Known known = templates.get(resource);
      ControllerLockTemplate template = known == null ? null : known.get();
      return template != null ? template : make(resource);
    }

    private ControllerLockTemplate make(String resource) {
      ControllerLockTemplate made = new ControllerLockTemplate(this, controller.resource(resource));
      Known mine = new Known(made, resource, unreachable);
      while (true) {
        Known known = templates.putIfAbsent(resource, mine);
        ControllerLockTemplate template = known == null ? made : known.get();
        if (template != null) {
          return template;
        }
        if (known != null && templates.replace(resource, known, mine)) {
          return made;
        }
      }
    }
  }
}

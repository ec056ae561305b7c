package io.mpilock.spring;

import io.mpilock.Fence;
import io.mpilock.FencedSignal;
import io.mpilock.LockedAction;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The template over a controller. The lock is found when the template is made, so that a call costs
 * a lease and nothing else.
 */
final class ControllerLockTemplate implements LockTemplate {
  private final Family family;
  private final ResourceLock lock;
  private final @Nullable Duration timeout;
  private final boolean mayKeep;

  private ControllerLockTemplate(Family family, ResourceLock lock) {
    this.family = family;
    this.lock = lock;
    String name = lock.name();
    this.timeout = family.timeout != null ? family.timeout : family.settings.timeout(name);
    Until until = family.until != null ? family.until : family.settings.until(name);
    this.mayKeep = KeptWrites.Possible.INSTANCE && until == Until.TRANSACTION;
  }

  static LockTemplate of(WindowController controller, ResourceSettings settings) {
    return new Family(controller, settings, null, null, new KeptOrders())
        .on(WindowController.DEFAULT_RESOURCE);
  }

  @Override
  public LockTemplate on(String resource) {
    return family.on(resource);
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
      return KeptWrites.write(family.controller, lock, family.orders, this::writeLease, action);
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
      this.<@Nullable Void, E>write(() -> {
        action.run();
        return null;
      });
      return;
    }
    try (WriteLease _ = writeLease()) {
      action.run();
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(LockedAction<T, E> action)
      throws E {
    return singleWrite(master(), action);
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E {
    warnOfTransaction();
    return timeout == null
        ? lock.singleWrite(rank, action)
        : lock.singleWrite(rank, timeout, action);
  }

  @Override
  public <T, E extends Throwable> @Nullable T singleWriteFenced(FencedAction<T, E> action)
      throws E {
    warnOfTransaction();
    Fence<T> fence = timeout == null ? lock.singleWrite() : lock.singleWrite(master(), timeout);
    return runFenced(fence, action);
  }

  @Override
  public <T> void gather(T mine, ObjIntConsumer<? super T> taker) {
    Objects.requireNonNull(mine, "mine");
    long start = System.nanoTime();
    for (int rank = 0; rank < size(); rank++) {
      @Nullable T word =
          timeout == null
              ? lock.<T, RuntimeException>singleWrite(rank, () -> mine)
              : lock.<T, RuntimeException>singleWrite(
                  rank, timeout.minusNanos(System.nanoTime() - start), () -> mine);
      taker.accept(Objects.requireNonNull(word, "word"), rank);
    }
  }

  static <T, E extends Throwable> @Nullable T runFenced(Fence<T> fence, FencedAction<T, E> action)
      throws E {
    try {
      action.run(fence);
      if (fence.isWriter()) {
        fence.complete();
      }
    } catch (FencedSignal signal) {
      // this rank does not write, and the writer is done
    } catch (Throwable failure) {
      closeFailed(fence, failure);
      throw failure;
    }
    fence.close();
    return fence.collect();
  }

  private static void closeFailed(Fence<?> fence, Throwable failure) {
    try {
      if (fence.isWriter()) {
        fence.fail(failure);
      }
      fence.close();
    } catch (RuntimeException second) {
      if (!second.equals(failure)) { // Throwable compares by identity
        failure.addSuppressed(second);
      }
    }
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
    return timeout == null ? lock.read() : lock.read(timeout);
  }

  private WriteLease writeLease() {
    return timeout == null ? lock.write() : lock.write(timeout);
  }

  /** The templates of one controller that are alike but for their resources, by these. */
  private static final class Family {
    final WindowController controller;
    final ResourceSettings settings;
    final @Nullable Duration timeout;
    final @Nullable Until until;
    final KeptOrders orders;
    private final ConcurrentMap<String, LockTemplate> templates = new ConcurrentHashMap<>();

    Family(
        WindowController controller,
        ResourceSettings settings,
        @Nullable Duration timeout,
        @Nullable Until until,
        KeptOrders orders) {
      this.controller = controller;
      this.settings = settings;
      this.timeout = timeout;
      this.until = until;
      this.orders = orders;
    }

    Family with(@Nullable Duration otherTimeout, @Nullable Until otherUntil) {
      return new Family(controller, settings, otherTimeout, otherUntil, orders);
    }

    LockTemplate on(String resource) {
      LockTemplate template = templates.get(resource);
      if (template != null) {
        return template;
      }
      return templates.computeIfAbsent(
          resource, name -> new ControllerLockTemplate(this, controller.resource(name)));
    }
  }
}

package io.mpilock.spring.observation;

import io.micrometer.observation.Observation;
import io.mpilock.LockedAction;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.spring.FencedAction;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.LockedRunnable;
import io.mpilock.spring.Until;
import io.mpilock.spring.observation.LockObservationContext.Mode;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/** A template that observes its requests while somebody listens, and else does as a plain one. */
final class ObservedLockTemplate implements LockTemplate {
  private final LockObservations observations;
  private final LockTemplate plain;
  private final ResourceLock lock;
  private final @Nullable Duration timeout;
  private final ConcurrentMap<String, LockTemplate> family;

  ObservedLockTemplate(
      LockObservations observations,
      LockTemplate plain,
      String resource,
      @Nullable Duration timeout) {
    this(observations, plain, resource, timeout, new ConcurrentHashMap<>());
    family.put(resource, this);
  }

  private ObservedLockTemplate(
      LockObservations observations,
      LockTemplate plain,
      String resource,
      @Nullable Duration timeout,
      ConcurrentMap<String, LockTemplate> family) {
    this.observations = observations;
    this.plain = plain;
    this.lock = observations.controller().resource(resource);
    this.timeout = timeout;
    this.family = family;
  }

  @Override
  public LockTemplate on(String resource) {
    LockTemplate known = family.get(resource);
    if (known != null) {
      return known;
    }
    return family.computeIfAbsent(
        resource,
        name -> new ObservedLockTemplate(observations, plain.on(name), name, timeout, family));
  }

  @Override
  public LockTemplate withTimeout(Duration timeout) {
    return new ObservedLockTemplate(observations, plain.withTimeout(timeout), lock.name(), timeout);
  }

  @Override
  public LockTemplate until(Until until) {
    return new ObservedLockTemplate(observations, plain.until(until), lock.name(), timeout);
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T read(LockedAction<T, E> action)
      throws E {
    if (observations.isOff()) {
      return plain.read(action);
    }
    try (ReadLease _ = observedRead()) {
      return action.run();
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T write(LockedAction<T, E> action)
      throws E {
    if (observations.isOff()) {
      return plain.write(action);
    }
    return this.<T, E>observedWrite(action);
  }

  @Override
  public <E extends Throwable> void readWithoutResult(LockedRunnable<E> action) throws E {
    if (observations.isOff()) {
      plain.readWithoutResult(action);
      return;
    }
    try (ReadLease _ = observedRead()) {
      action.run();
    }
  }

  @Override
  public <E extends Throwable> void writeWithoutResult(LockedRunnable<E> action) throws E {
    if (observations.isOff()) {
      plain.writeWithoutResult(action);
      return;
    }
    this.<@Nullable Void, E>observedWrite(() -> {
      action.run();
      return null;
    });
  }

  private ReadLease observedRead() {
    LockObservationContext context = observations.context(lock, Mode.READ, -1);
    Observation observation = observations.start(context);
    Duration longest = timeout != null ? timeout : observations.settings().timeout(lock.name());
    ReadLease lease;
    try {
      lease = longest == null ? lock.read() : lock.read(longest);
    } catch (Throwable e) {
      context.failed(e);
      observation.error(e).stop();
      throw e;
    }
    try {
      context.granted(lease.token());
      observation.stop();
      return lease;
    } catch (Throwable e) { // who listens failed: the lock is not left behind
      lease.close();
      throw e;
    }
  }

  /** By the plain template, which knows how long a write lasts. */
  private <T extends @Nullable Object, E extends Throwable> T observedWrite(
      LockedAction<T, E> action) throws E {
    LockObservationContext context = observations.context(lock, Mode.WRITE, -1);
    Observation observation = observations.start(context);
    boolean[] granted = new boolean[1];
    try {
      return plain.<T, E>write(() -> {
        granted[0] = true;
        try (WriteLease again = lock.write()) {
          context.granted(again.token());
        }
        observation.stop();
        return action.run();
      });
    } catch (Throwable e) {
      if (!granted[0]) {
        context.failed(e);
        observation.error(e).stop();
      }
      throw e;
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
    return this.<T, E>observed(rank, () -> plain.singleWrite(rank, action));
  }

  @Override
  public <T, E extends Throwable> @Nullable T singleWriteFenced(FencedAction<T, E> action)
      throws E {
    return this.<@Nullable T, E>observed(master(), () -> plain.singleWriteFenced(action));
  }

  @Override
  public <T> void gather(T mine, ObjIntConsumer<? super T> taker) {
    this.<@Nullable Void, RuntimeException>observed(
        -1,
        () -> {
          plain.gather(mine, taker);
          return null;
        });
  }

  private <T extends @Nullable Object, E extends Throwable> T observed(
      int writer, LockedAction<T, E> call) throws E {
    if (observations.isOff()) {
      return call.run();
    }
    LockObservationContext context = observations.context(lock, Mode.SINGLE_WRITE, writer);
    Observation observation = observations.start(context);
    try (Observation.Scope _ = observation.openScope()) {
      T result = call.run();
      context.granted(-1);
      return result;
    } catch (Throwable e) {
      context.failed(e);
      observation.error(e);
      throw e;
    } finally {
      observation.stop();
    }
  }

  @Override
  public int rank() {
    return plain.rank();
  }

  @Override
  public int size() {
    return plain.size();
  }

  @Override
  public int master() {
    return plain.master();
  }

  @Override
  public String toString() {
    return plain.toString();
  }
}

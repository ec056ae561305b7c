/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.observation;

import io.micrometer.observation.Observation;
import io.mpilock.CollectiveCall;
import io.mpilock.LockMode;
import io.mpilock.LockedAction;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.spring.LockRequestObserver;
import io.mpilock.spring.observation.LockObservationContext.Mode;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Observes the requests of a template while somebody listens. */
final class ObservedRequests implements LockRequestObserver {
  private final LockObservations observations;

  ObservedRequests(LockObservations observations) {
    this.observations = observations;
  }

  @Override
  public <L extends AutoCloseable> @Nullable L request(
      ResourceLock lock, LockMode mode, Supplier<? extends @Nullable L> request) {
    if (observations.isOff()) {
      return request.get();
    }
    LockObservationContext context =
        observations.context(lock, mode == LockMode.READ ? Mode.READ : Mode.WRITE, -1);
    Observation observation = observations.start(context);
    L lease;
    try {
      lease = request.get();
    } catch (Throwable e) {
      context.failed(e);
      observation.error(e).stop();
      throw e;
    }
    try {
      if (lease == null) {
        context.notGranted();
      } else {
        context.granted(token(lease));
      }
      observation.stop();
      return lease;
    } catch (Throwable e) { // who listens failed: the lock is not left behind
      close(lease);
      throw e;
    }
  }

  private static long token(AutoCloseable lease) {
    return switch (lease) {
      case ReadLease read -> read.token();
      case WriteLease write -> write.token();
      default -> -1;
    };
  }

  private static void close(@Nullable AutoCloseable lease) {
    switch (lease) {
      case ReadLease read -> read.close();
      case WriteLease write -> write.close();
      case null, default -> {}
    }
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T collective(
      ResourceLock lock, int writer, LockedAction<T, E> call) throws E {
    return observed(lock, Mode.SINGLE_WRITE, writer, call);
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T together(
      ResourceLock lock, CollectiveCall kind, LockedAction<T, E> call) throws E {
    Mode mode =
        switch (kind) {
          case BARRIER -> Mode.BARRIER;
          case ALL_GATHER -> Mode.ALL_GATHER;
          case GATHER -> Mode.GATHER;
          case IN_ORDER -> Mode.IN_ORDER;
        };
    return observed(lock, mode, -1, call);
  }

  private <T extends @Nullable Object, E extends Throwable> T observed(
      ResourceLock lock, Mode mode, int writer, LockedAction<T, E> call) throws E {
    if (observations.isOff()) {
      return call.run();
    }
    LockObservationContext context = observations.context(lock, mode, writer);
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
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import io.mpilock.CollectiveCall;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import org.jspecify.annotations.Nullable;

/**
 * Makes an event of each wait, hold and single write that a recording wants: one that is not
 * enabled costs a look. A thread begins the same objects again and again, since an event that turns
 * out shorter than the recording's threshold is thrown away.
 */
final class FlightListener implements LockListener {
  private final int rank;
  private final ThreadLocal<OpenEvents> open = ThreadLocal.withInitial(OpenEvents::new);

  FlightListener(int rank) {
    this.rank = rank;
  }

  /** Whether anybody records one of the events. */
  static boolean isWanted() {
    return new LockWaitEvent().isEnabled()
        || new LockHoldEvent().isEnabled()
        || new SingleWriteEvent().isEnabled()
        || new CollectiveEvent().isEnabled();
  }

  @Override
  public void requested(String resource, LockMode mode) {
    open.get().request();
  }

  @Override
  public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
    waited(resource, mode, "granted", contended);
    open.get().grant(resource, mode);
  }

  @Override
  public void timedOut(String resource, LockMode mode, long waitNanos) {
    waited(resource, mode, "timeout", true);
  }

  @Override
  public void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {
    waited(resource, mode, "failed", true);
  }

  private void waited(String resource, LockMode mode, String outcome, boolean contended) {
    LockWaitEvent event = open.get().endWait();
    if (event != null) { // null if this listener came in the midst of the request
      event.end();
      if (event.shouldCommit()) {
        event.mode = name(mode);
        event.contended = contended;
        commit(event, resource, outcome);
      }
    }
  }

  @Override
  public void released(String resource, LockMode mode, long holdNanos) {
    LockHoldEvent event = open.get().endHold(resource, mode);
    if (event != null) {
      event.end();
      if (event.shouldCommit()) {
        event.mode = name(mode);
        commit(event, resource, "granted");
      }
    }
  }

  @Override
  public void singleWrite(
      String resource, boolean writer, long nanos, long sharedBytes, @Nullable Throwable failure) {
    SingleWriteEvent event = new SingleWriteEvent();
    if (event.shouldCommit()) {
      event.writer = writer;
      event.time = nanos;
      event.shared = sharedBytes;
      commit(event, resource, failure == null ? "success" : "failed");
    }
  }

  @Override
  public void collective(
      String resource,
      CollectiveCall call,
      long nanos,
      long sharedBytes,
      @Nullable Throwable failure) {
    CollectiveEvent event = new CollectiveEvent();
    if (event.shouldCommit()) {
      event.call = call.toString();
      event.time = nanos;
      event.shared = sharedBytes;
      commit(event, resource, failure == null ? "success" : "failed");
    }
  }

  private void commit(LockEvent event, String resource, String outcome) {
    event.resource = resource;
    event.rank = rank;
    event.outcome = outcome;
    event.commit();
  }

  private static String name(LockMode mode) {
    return switch (mode) {
      case READ -> "read";
      case WRITE -> "write";
    };
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import io.mpilock.WindowController;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Recording;

/**
 * Tells the JDK's Flight Recorder of a controller's locks, on this rank: the events {@code
 * mpilock.LockWait}, {@code mpilock.LockHold}, {@code mpilock.SingleWrite} and {@code
 * mpilock.Collective}. While no recording runs that wants one of them the locks are not listened to
 * and pay nothing; that is looked at when a recording starts, stops or ends, not when the settings
 * of a running one change.
 *
 * @since 0.1.0
 */
public final class LockFlightRecording implements AutoCloseable {
  private final WindowController controller;
  private final FlightListener events;
  private final FlightRecorderListener recordings =
      new FlightRecorderListener() {
        @Override
        public void recordingStateChanged(Recording recording) {
          look();
        }
      };

  // Guarded by this object.
  private boolean listens;
  private boolean closed;

  private LockFlightRecording(WindowController controller) {
    this.controller = controller;
    this.events = new FlightListener(controller.rank());
  }

  /**
   * Tells the recordings that run, and those to come.
   *
   * @param controller whose locks
   * @return to be closed before the controller
   */
  public static LockFlightRecording bind(WindowController controller) {
    LockFlightRecording made = new LockFlightRecording(controller);
    FlightRecorder.addListener(made.recordings);
    made.look();
    return made;
  }

  private synchronized void look() {
    boolean wanted = !closed && FlightRecorder.isInitialized() && FlightListener.isWanted();
    if (wanted && !listens) {
      controller.addListener(events);
    } else if (!wanted && listens) {
      controller.removeListener(events);
    }
    listens = wanted;
  }

  /** Whether some recording is told now. */
  synchronized boolean listens() {
    return listens;
  }

  /** Ends it. Does nothing the second time. */
  @Override
  public void close() {
    FlightRecorder.removeListener(recordings);
    synchronized (this) {
      closed = true;
    }
    look();
  }
}

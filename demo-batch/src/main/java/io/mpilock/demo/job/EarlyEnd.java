package io.mpilock.demo.job;

import org.springframework.batch.core.BatchStatus;

/**
 * Why the job did not come to its end.
 *
 * @param stopped whether it was asked to stop, as by a signal; else it failed
 * @param message for the console
 * @param agreed whether all ranks know it, so that the master can tell it for all before any ends
 * @param masterDied whether the master cannot tell anything any more
 */
record EarlyEnd(boolean stopped, String message, boolean agreed, boolean masterDied) {

  BatchStatus status() {
    return stopped ? BatchStatus.STOPPED : BatchStatus.FAILED;
  }

  /** The line for people. */
  String text() {
    return (stopped ? "demo-batch STOPPED: " : "demo-batch failed: ") + message;
  }
}

package io.mpilock.spring.report;

/** Is given events in the form in which they are kept. */
@FunctionalInterface
interface EventSink {
  /**
   * An event.
   *
   * @param beginNanos when it was asked for, by {@link System#nanoTime()}
   * @param waitNanos the wait
   * @param holdNanos the hold
   * @param kind resource, mode and outcome, as {@link EventKind} packs them
   * @param thread the name of the thread
   */
  void event(long beginNanos, long waitNanos, long holdNanos, long kind, String thread);
}

package io.mpilock.demo.timing;

import java.io.Serializable;

/**
 * A time in which a rank did one thing with the lock.
 *
 * @param kind what it did
 * @param startMicros when it began, in microseconds since 1970
 * @param endMicros when it ended, likewise
 */
public record Span(Kind kind, long startMicros, long endMicros) implements Serializable {

  /** What a rank does with the lock. */
  public enum Kind {
    /** Waits for it, to read or to write. */
    WAITED,
    /** Holds it to write. */
    WROTE,
    /** Holds it to read. */
    READ
  }

  /**
   * How long it took.
   *
   * @return microseconds, not negative
   */
  public long micros() {
    return Math.max(0, endMicros - startMicros);
  }
}

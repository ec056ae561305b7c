/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.observation;

import io.micrometer.observation.Observation;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import java.util.Locale;

/**
 * What is known of a request for a lock while it is observed. Used by the thread that asks.
 *
 * @since 0.1.0
 */
public final class LockObservationContext extends Observation.Context {

  /** What is asked for. */
  public enum Mode {
    /** A read, observed until it is granted. */
    READ,
    /** A write, observed until it is granted. */
    WRITE,
    /** A single write, observed until its common end. */
    SINGLE_WRITE,
    /** A barrier, observed until all ranks have come. */
    BARRIER,
    /** The values of all ranks for all, observed until this rank has them. */
    ALL_GATHER,
    /** The values of all ranks for the master, observed until all are shared. */
    GATHER,
    /** The actions of all ranks, observed until the last has run. */
    IN_ORDER;

    /** Gives the word for people and meters. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** How the request ended. */
  public enum Outcome {
    /** It has not. */
    WAITING,
    /** Well: the lock was granted, the single write succeeded. */
    GRANTED,
    /** The time was over, or a try found the resource held. */
    TIMEOUT,
    /** The thread was interrupted. */
    INTERRUPTED,
    /** In another way, such as the death of a rank. */
    FAILED;

    /** Gives the word for people and meters: the name in lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final String resource;
  private final String group;
  private final Mode mode;
  private final int rank;
  private final int writer;
  private final String lock;
  private Outcome outcome = Outcome.WAITING;
  private long token = -1;

  LockObservationContext(
      String resource, String group, Mode mode, int rank, int writer, String lock) {
    this.resource = resource;
    this.group = group;
    this.mode = mode;
    this.rank = rank;
    this.writer = writer;
    this.lock = lock;
  }

  void granted(long grantedToken) {
    outcome = Outcome.GRANTED;
    token = grantedToken;
  }

  /** A try was given up. */
  void notGranted() {
    outcome = Outcome.TIMEOUT;
  }

  void failed(Throwable failure) {
    outcome =
        switch (failure) {
          case LockTimeoutException _ -> Outcome.TIMEOUT;
          case LockInterruptedException _ -> Outcome.INTERRUPTED;
          default -> Outcome.FAILED;
        };
  }

  /**
   * The resource.
   *
   * @return its name
   */
  public String resource() {
    return resource;
  }

  /**
   * The resource for values of low cardinality, of which meters may be made.
   *
   * @return its name, if it is one of the first 100 that were observed; else {@code (other)}
   */
  public String group() {
    return group;
  }

  /**
   * What is asked for.
   *
   * @return the mode
   */
  public Mode mode() {
    return mode;
  }

  /**
   * The rank that asks.
   *
   * @return its number
   */
  public int rank() {
    return rank;
  }

  /**
   * The rank that writes, in a single write.
   *
   * @return its number, or -1
   */
  public int writer() {
    return writer;
  }

  /**
   * Who held the resource, and who waited for it, on this rank's node when the request began.
   *
   * @return in words, with rank, host, process and thread of each
   */
  public String lock() {
    return lock;
  }

  /**
   * How the request ended.
   *
   * @return WAITING until it does
   */
  public Outcome outcome() {
    return outcome;
  }

  /**
   * The fencing token of the write, or of the last one before the read.
   *
   * @return the token; -1 before the grant, and of single writes
   */
  public long token() {
    return token;
  }
}

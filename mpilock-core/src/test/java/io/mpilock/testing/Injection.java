/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Throws at the n-th step of one thread. What a step is its callers say: a call, an allocation
 * ({@link InjectingLoader}), an access to a window. Other threads go on undisturbed.
 */
public final class Injection {
  private static final int NOWHERE = -1;

  private static volatile @Nullable Injection current;

  /** Null until a thread of the name comes to a step. */
  private volatile @Nullable Thread thread;

  private final String name;
  private final long at;
  private final boolean forEver;
  private final Throwable failure;
  private final long scriptAt;
  private final Runnable script;
  private long steps;
  private boolean paused;
  private boolean thrown;
  private final BitSet places = new BitSet();
  private String apart = "";
  private final BitSet placesApart = new BitSet();

  private Injection(
      @Nullable Thread thread,
      String name,
      long at,
      boolean forEver,
      Throwable failure,
      long scriptAt,
      Runnable script) {
    this.thread = thread;
    this.name = name;
    this.at = at;
    this.forEver = forEver;
    this.failure = failure;
    this.scriptAt = scriptAt;
    this.script = script;
  }

  /**
   * Begins to count the calling thread's steps.
   *
   * @param at the step to throw at, from 1
   * @param failure what to throw
   */
  public static Injection arm(long at, Throwable failure) {
    return arm(at, false, failure, 0, () -> {});
  }

  /**
   * Begins to count the calling thread's steps.
   *
   * @param at the step to throw at, from 1; or less than 1, for the first step at the place whose
   *     number this is the negative of
   * @param forEver whether to throw at every later step, too
   * @param failure what to throw
   * @param scriptAt the step before which the script runs
   * @param script is not counted
   */
  public static Injection arm(
      long at, boolean forEver, Throwable failure, long scriptAt, Runnable script) {
    Injection armed =
        new Injection(Thread.currentThread(), "", at, forEver, failure, scriptAt, script);
    current = armed;
    return armed;
  }

  /**
   * Begins to count another thread's steps.
   *
   * @param thread whose
   * @param at the step to throw at, or the place, as above
   * @param failure what to throw
   */
  public static Injection arm(Thread thread, long at, Throwable failure) {
    Injection armed = new Injection(thread, "", at, false, failure, 0, () -> {});
    current = armed;
    return armed;
  }

  /**
   * Begins to count the steps of the first thread of a name that comes to one.
   *
   * @param name the thread's
   * @param at the step to throw at, or the place, as above
   * @param failure what to throw
   */
  public static Injection armFirst(String name, long at, Throwable failure) {
    Injection armed = new Injection(null, name, at, false, failure, 0, () -> {});
    current = armed;
    return armed;
  }

  private boolean isOf(Thread stepping) {
    if (thread == null && stepping.getName().equals(name)) {
      synchronized (this) {
        if (thread == null) {
          thread = stepping;
        }
      }
    }
    return stepping.equals(thread);
  }

  public void disarm() {
    current = null;
  }

  /** Whether it threw. */
  public boolean hasThrown() {
    return thrown;
  }

  public long steps() {
    return steps;
  }

  /** One step of the calling thread, at no place in particular. */
  public static void step() {
    step(NOWHERE);
  }

  /** One step of the calling thread, at a place in the code. */
  public static void step(int place) {
    Injection armed = current;
    if (armed != null && armed.isOf(Thread.currentThread()) && !armed.paused) {
      armed.count(place);
    }
  }

  /**
   * Notes apart at which places the thread is while it is in a method of {@code io.mpilock}.
   *
   * @param method the class's simple name, a dot and the method's name
   */
  public Injection apart(String method) {
    apart = method;
    return this;
  }

  /** The places that the thread has come to. */
  public BitSet places() {
    return places;
  }

  /** Those of them to which it has also come in the method that is noted apart. */
  public BitSet placesApart() {
    return placesApart;
  }

  private void count(int place) {
    steps++;
    if (place != NOWHERE) {
      boolean first = !places.get(place);
      places.set(place);
      if (!apart.isEmpty() && isApart()) {
        placesApart.set(place);
      }
      if (first && place == -at) {
        thrown = true;
        raise(failure.fillInStackTrace());
      }
    }
    if (steps == scriptAt) {
      paused = true;
      script.run();
      paused = false;
    }
    if (steps == at || (forEver && steps > at)) {
      thrown = true;
      raise(failure.fillInStackTrace());
    }
  }

  private boolean isApart() {
    return StackWalker.getInstance()
        .walk(frames ->
            frames.anyMatch(frame ->
                frame.getClassName().startsWith("io.mpilock.")
                    && (frame.getClassName() + "." + frame.getMethodName()).endsWith("." + apart)));
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void raise(Throwable failure) throws T {
    throw (T) failure;
  }
}

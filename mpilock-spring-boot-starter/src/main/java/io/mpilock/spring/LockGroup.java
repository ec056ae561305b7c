/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.LockMode;
import io.mpilock.LockedAction;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import kotlin.internal.LowPriorityInOverloadResolution;
import org.jspecify.annotations.Nullable;

/**
 * Several resources that are held at once, all or none of them. Immutable, and safe for use by many
 * threads.
 *
 * <pre>{@code
 * locks.group().read("prices").write("account-" + from, "account-" + to).run(() -> transfer());
 * }</pre>
 *
 * <p>Whatever the order in which they are named, they are taken in that of their names, on all
 * ranks. So groups cannot wait for each other for ever, as two could that take the same resources
 * one inside the other. If one is not granted, those before it are given back, also in a
 * transaction, and the action does not run. A resource that is named twice is taken once, to write
 * if one of them says so.
 *
 * <p>What this thread holds already is held once more, without a wait. If it does not hold all of
 * the group, and one that it holds comes after one that it does not, then that order is lost, and
 * the group is refused, unless there is a time-out. What it holds besides the group is not looked
 * at: there the order is the caller's.
 *
 * <p>In a transaction each write is kept as that of {@link LockTemplate#write(LockedAction)}.
 *
 * @since 0.1.0
 */
public final class LockGroup {

  /** How a template takes several resources. */
  @FunctionalInterface
  interface Opening {
    /**
     * Takes them in their order.
     *
     * @return null if not all were granted in the time to try
     */
    @Nullable OpenHold open(SortedMap<String, LockMode> modes, @Nullable Duration timeToTry);
  }

  private final LockTemplate template;
  private final Opening opening;
  private final SortedMap<String, LockMode> modes;

  LockGroup(LockTemplate template, Opening opening) {
    this(template, opening, Collections.emptySortedMap());
  }

  private LockGroup(LockTemplate template, Opening opening, SortedMap<String, LockMode> modes) {
    this.template = template;
    this.opening = opening;
    this.modes = modes;
  }

  /**
   * Adds resources to read.
   *
   * @param resources their names; see {@link LockTemplate#on}
   * @return a group of these too
   * @throws IllegalArgumentException if a name is not valid
   */
  public LockGroup read(String... resources) {
    return with(LockMode.READ, resources);
  }

  /**
   * Adds resources to write.
   *
   * @param resources their names; see {@link LockTemplate#on}
   * @return a group of these too
   * @throws IllegalArgumentException if a name is not valid
   */
  public LockGroup write(String... resources) {
    return with(LockMode.WRITE, resources);
  }

  private LockGroup with(LockMode mode, String... resources) {
    SortedMap<String, LockMode> more = new TreeMap<>(modes);
    for (String resource : resources) {
      template.on(resource); // checks the name
      more.merge(resource, mode, (before, now) -> before == now ? now : LockMode.WRITE);
    }
    return new LockGroup(template, opening, Collections.unmodifiableSortedMap(more));
  }

  /**
   * Runs an action while this thread holds all of them. The time of {@link
   * LockTemplate#withTimeout} counts for all of them together; without it each has the time-out
   * that its settings say.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work
   * @return what the action returned
   * @throws E what the action threw
   * @throws LockUseException if the order is lost, or this thread already reads a resource that it
   *     wants to write
   * @throws LockTimeoutException if the template has a time-out and it was over before all were
   *     granted
   * @throws IllegalStateException if the group is empty
   * @throws RuntimeException as {@link LockTemplate#write(LockedAction)}
   */
  @LowPriorityInOverloadResolution
  public <T extends @Nullable Object, E extends Throwable> T run(LockedAction<T, E> action)
      throws E {
    try (OpenHold _ = Objects.requireNonNull(open(null))) {
      return action.run();
    }
  }

  /**
   * Runs an action, as {@link #run(LockedAction)}, of which no type says what it throws: for
   * Kotlin.
   *
   * @param <T> the type of the result
   * @param action the work
   * @return what the action returned
   * @throws Exception what the action threw
   */
  public <T extends @Nullable Object> T run(Callable<T> action) throws Exception {
    return this.<T, Exception>run(action::call);
  }

  /**
   * Runs an action without a result, as {@link #run(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @throws E what the action threw
   */
  public <E extends Throwable> void runWithoutResult(LockedRunnable<E> action) throws E {
    try (OpenHold _ = Objects.requireNonNull(open(null))) {
      action.run();
    }
  }

  /**
   * Runs an action if all of them can be had at once, whatever the template's time-out is.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run
   * @throws E what the action threw
   * @throws NullPointerException if the action returned null: it has run, and empty would say that
   *     it has not
   * @throws RuntimeException as {@link #run(LockedAction)}, but for {@link LockTimeoutException}
   */
  @LowPriorityInOverloadResolution
  public <T, E extends Throwable> Optional<T> tryRun(LockedAction<T, E> action) throws E {
    return tryRun(Duration.ZERO, action);
  }

  /**
   * As {@link #tryRun(LockedAction)}, waiting at most the given time for all of them together.
   *
   * @param <T> the type of the result
   * @param <E> what the action may throw
   * @param timeout the longest time to wait; zero or less does not wait
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run
   * @throws E what the action threw
   */
  @LowPriorityInOverloadResolution
  public <T, E extends Throwable> Optional<T> tryRun(Duration timeout, LockedAction<T, E> action)
      throws E {
    Objects.requireNonNull(timeout, "timeout");
    try (OpenHold held = open(timeout)) {
      return held == null ? Optional.empty() : resultOf(action.run(), "tryRun");
    }
  }

  /**
   * Runs an action, as {@link #tryRun(LockedAction)}, of which no type says what it throws: for
   * Kotlin.
   *
   * @param <T> the type of the result
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run
   * @throws Exception what the action threw
   */
  public <T> Optional<T> tryRun(Callable<T> action) throws Exception {
    return this.<T, Exception>tryRun(action::call);
  }

  /**
   * Runs an action, as {@link #tryRun(Duration, LockedAction)}, of which no type says what it
   * throws: for Kotlin.
   *
   * @param <T> the type of the result
   * @param timeout the longest time to wait; zero or less does not wait
   * @param action the work; not null what it returns
   * @return what the action returned; empty only if it did not run
   * @throws Exception what the action threw
   */
  public <T> Optional<T> tryRun(Duration timeout, Callable<T> action) throws Exception {
    return this.<T, Exception>tryRun(timeout, action::call);
  }

  /**
   * Runs an action without a result, as {@link #tryRun(LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param action the work
   * @return whether it ran
   * @throws E what the action threw
   */
  public <E extends Throwable> boolean tryRunWithoutResult(LockedRunnable<E> action) throws E {
    return tryRunWithoutResult(Duration.ZERO, action);
  }

  /**
   * Runs an action without a result, as {@link #tryRun(Duration, LockedAction)}.
   *
   * @param <E> what the action may throw
   * @param timeout the longest time to wait; zero or less does not wait
   * @param action the work
   * @return whether it ran
   * @throws E what the action threw
   */
  public <E extends Throwable> boolean tryRunWithoutResult(
      Duration timeout, LockedRunnable<E> action) throws E {
    Objects.requireNonNull(timeout, "timeout");
    try (OpenHold held = open(timeout)) {
      if (held != null) {
        action.run();
      }
      return held != null;
    }
  }

  private @Nullable OpenHold open(@Nullable Duration timeToTry) {
    if (modes.isEmpty()) {
      throw new IllegalStateException(
          "A group without resources holds nothing: name some by read(…) or write(…) before it runs.");
    }
    return opening.open(modes, timeToTry);
  }

  /** Refuses what an Optional cannot tell from an action that did not run. */
  static <T> Optional<T> resultOf(@Nullable T result, String form) {
    if (result == null) {
      throw new NullPointerException(
          ("The action of %s ran and returned null, but an empty Optional would mean"
                  + " that it did not run. Use %sWithoutResult for an action without a result,"
                  + " or let it return an Optional.")
              .formatted(form, form));
    }
    return Optional.of(result);
  }

  /** Tells the names and modes. */
  @Override
  public String toString() {
    return "LockGroup" + Arrays.toString(modes.entrySet().toArray());
  }
}

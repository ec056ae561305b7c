package io.mpilock.spring;

import io.mpilock.ControllerOptions;
import io.mpilock.LockedAction;
import io.mpilock.WindowController;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.time.Duration;
import java.util.Objects;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The template of {@code mpilock.enabled=false}: runs everything on every rank, and never waits.
 */
final class UnlockedLockTemplate implements LockTemplate {
  private final int rank;
  private final int size;
  private final ControllerOptions options;

  UnlockedLockTemplate(int rank, int size, ControllerOptions options) {
    this.rank = Objects.checkIndex(rank, size);
    this.size = size;
    this.options = options;
  }

  @Override
  public LockTemplate on(String resource) {
    Objects.requireNonNull(resource, "resource");
    return this;
  }

  @Override
  public LockTemplate withTimeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    return this;
  }

  @Override
  public LockTemplate until(Until until) {
    Objects.requireNonNull(until, "until");
    return this;
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T read(LockedAction<T, E> action)
      throws E {
    return action.run();
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T write(LockedAction<T, E> action)
      throws E {
    return action.run();
  }

  @Override
  public <E extends Throwable> void readWithoutResult(LockedRunnable<E> action) throws E {
    action.run();
  }

  @Override
  public <E extends Throwable> void writeWithoutResult(LockedRunnable<E> action) throws E {
    action.run();
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(LockedAction<T, E> action)
      throws E {
    return action.run();
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E {
    if (rank < 0 || rank >= size) {
      throw new IllegalArgumentException(
          "There is no rank %d: there are %d, numbered 0 to %d.".formatted(rank, size, size - 1));
    }
    return action.run();
  }

  @Override
  public <T> void gather(T mine, ObjIntConsumer<? super T> taker) {
    Objects.requireNonNull(mine, "mine");
    for (int other = 0; other < size; other++) {
      taker.accept(mine, other);
    }
  }

  @Override
  public void barrier() {}

  /**
   * Only a controller makes fences, so each call has one of its own, of this rank alone: it shares
   * no lock with any other call.
   */
  @Override
  public <T, E extends Throwable> @Nullable T singleWriteFenced(FencedAction<T, E> action)
      throws E {
    TransportSettings alone = new TransportSettings(null, null, options.stallWarning());
    try (WindowController controller =
        WindowController.syncOwning(
            Transports.open("local", alone), options.withMaster(0).withExpectedRanks(0))) {
      return ControllerLockTemplate.runFenced(controller.singleWrite(), action);
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public int master() {
    return options.master();
  }

  @Override
  public String toString() {
    return "LockTemplate[mpilock.enabled=false]";
  }
}

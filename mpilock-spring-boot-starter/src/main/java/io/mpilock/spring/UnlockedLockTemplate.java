/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.ControllerOptions;
import io.mpilock.JobCounter;
import io.mpilock.LockedAction;
import io.mpilock.WindowController;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The template of {@code mpilock.enabled=false}: runs everything on every rank, and never waits.
 */
final class UnlockedLockTemplate implements LockTemplate {
  private static final NoLease NO_LEASE = new NoLease();

  private final int rank;
  private final int size;
  private final ControllerOptions options;
  private final ConcurrentMap<String, JobCounter> counters = new ConcurrentHashMap<>();

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
  public JobCounter counter(String name) {
    return counters.computeIfAbsent(name, LoneCounter::new);
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
  public <T, E extends Throwable> Optional<T> tryRead(Duration timeout, LockedAction<T, E> action)
      throws E {
    return LockGroup.resultOf(action.run(), "tryRead");
  }

  @Override
  public <T, E extends Throwable> Optional<T> tryWrite(Duration timeout, LockedAction<T, E> action)
      throws E {
    return LockGroup.resultOf(action.run(), "tryWrite");
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T readWithLease(
      LeaseAction<LeasedRead, T, E> action) throws E {
    return action.run(NO_LEASE);
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T writeWithLease(
      LeaseAction<LeasedWrite, T, E> action) throws E {
    return action.run(NO_LEASE);
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T optimisticRead(
      LockedAction<T, E> action) throws E {
    return action.run();
  }

  @Override
  public LockGroup group() {
    return new LockGroup(this, (modes, timeToTry) -> NO_LEASE);
  }

  @Override
  public boolean isHeldByCurrentThread() {
    return true;
  }

  @Override
  public boolean isWriteHeldByCurrentThread() {
    return true;
  }

  @Override
  public void requireHeld() {}

  @Override
  public void requireWriteHeld() {}

  @Override
  public <T extends @Nullable Object, E extends Throwable> T singleWrite(
      int rank, LockedAction<T, E> action) throws E {
    checkRank(rank);
    return action.run();
  }

  private void checkRank(int one) {
    if (one < 0 || one >= size) {
      throw new IllegalArgumentException(
          "There is no rank %d: the job has %d, numbered 0 to %d.".formatted(one, size, size - 1));
    }
  }

  @Override
  public <T extends @Nullable Object> List<T> allGather(T mine) {
    return Collections.nCopies(size, mine);
  }

  @Override
  public <T extends @Nullable Object> void allGather(T mine, ObjIntConsumer<? super T> taker) {
    for (int other = 0; other < size; other++) {
      taker.accept(mine, other);
    }
  }

  @Override
  public <T extends @Nullable Object> Optional<List<T>> gather(T mine) {
    return Optional.of(allGather(mine));
  }

  @Override
  public void barrier() {}

  @Override
  public <T extends @Nullable Object, E extends Throwable> T inOrder(LockedAction<T, E> action)
      throws E {
    return action.run();
  }

  /**
   * Only a controller makes fences, so each call has one of its own, of this rank alone: it shares
   * no lock with any other call.
   */
  @Override
  public <T, E extends Throwable> @Nullable T singleWriteFenced(int rank, FencedAction<T, E> action)
      throws E {
    checkRank(rank);
    TransportSettings alone = new TransportSettings(null, null, options.stallWarning());
    try (WindowController controller =
        WindowController.syncOwning(
            Transports.open("local", alone), options.withMaster(0).withExpectedRanks(0))) {
      return FencedBlock.run(controller.singleWrite(), action);
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

  /** What is held where nothing is locked. */
  private static final class NoLease implements LeasedRead, LeasedWrite, OpenHold {
    @Override
    public long token() {
      return 0;
    }

    @Override
    public boolean intervened() {
      return false;
    }

    @Override
    public <T extends @Nullable Object, E extends Throwable> T upgrade(
        LeaseAction<LeasedWrite, T, E> action) throws E {
      return action.run(this);
    }

    @Override
    public void downgrade() {}

    @Override
    public void giveUp() {}

    @Override
    public void close() {}
  }
}

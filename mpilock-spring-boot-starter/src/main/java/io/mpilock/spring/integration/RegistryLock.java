/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.integration;

import io.mpilock.WindowController;
import io.mpilock.failure.LockUseException;
import java.util.ConcurrentModificationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.CannotAcquireLockException;

/** A resource's write whose failures are those that users of Spring Integration know. */
record RegistryLock(WindowController controller, String resource, Lock write) implements Lock {

  @Override
  public void lock() {
    try {
      write.lock();
    } catch (RuntimeException failure) {
      throw translated(failure);
    }
  }

  @Override
  public void lockInterruptibly() throws InterruptedException {
    try {
      write.lockInterruptibly();
    } catch (RuntimeException failure) {
      throw translated(failure);
    }
  }

  @Override
  public boolean tryLock() {
    try {
      return write.tryLock();
    } catch (RuntimeException failure) {
      throw translated(failure);
    }
  }

  @Override
  public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
    try {
      return write.tryLock(time, unit);
    } catch (RuntimeException failure) {
      throw translated(failure);
    }
  }

  private RuntimeException translated(RuntimeException failure) {
    return failure instanceof LockUseException
        ? failure
        : new CannotAcquireLockException(
            "Rank %d cannot get the lock of '%s': %s"
                .formatted(controller.rank(), resource, failure.getMessage()),
            failure);
  }

  /**
   * {@inheritDoc}
   *
   * @throws ConcurrentModificationException if this rank had left the job, with the lock
   */
  @Override
  public void unlock() {
    boolean lost = controller.hasLeft();
    try {
      write.unlock();
    } catch (RuntimeException failure) {
      throw lost ? lost(failure) : failure;
    }
    if (lost) {
      throw lost(null);
    }
  }

  private ConcurrentModificationException lost(@Nullable Throwable cause) {
    return new ConcurrentModificationException(
        ("Rank %d left the job while its thread '%s' held the lock of '%s': another"
                + " rank may have had it since, or found it poisoned. What was done under it"
                + " may be incomplete.")
            .formatted(controller.rank(), Thread.currentThread().getName(), resource),
        cause);
  }

  @Override
  public Condition newCondition() {
    return write.newCondition();
  }

  @Override
  public String toString() {
    return write.toString();
  }
}

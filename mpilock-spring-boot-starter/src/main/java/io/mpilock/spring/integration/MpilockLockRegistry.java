/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.integration;

import io.mpilock.WindowController;
import io.mpilock.failure.MpilockException;
import java.util.concurrent.locks.Lock;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.integration.support.locks.LockRegistry;

/**
 * Gives Spring Integration locks that the ranks of an MPI job share: for aggregators and other
 * correlating handlers over a shared message store, for the election of a leader among the ranks,
 * for files that one rank at a time writes.
 *
 * <p>A key is a String, and its lock the write of the resource that is called the prefix and the
 * key: two keys never share a lock. The keys may be without end, as correlation keys are: one that
 * no thread holds or waits for, and whose lock is unreachable, gives its place in the window back.
 * With a number of stripes a key's lock is that of the resource of the prefix and {@code
 * floorMod(key.hashCode(), stripes)}, which other keys share, as they do in Spring Integration's
 * {@code DefaultLockRegistry}.
 *
 * <p>The locks are those of {@link io.mpilock.ResourceLock#asReadWriteLock()}: reentrant, owned by
 * a thread, without conditions. They have no time to live: a lock is held until it is unlocked. If
 * its rank dies first, {@link io.mpilock.OnHolderDeath} says whether another gets it; for an
 * election that is to go on, that is {@code mpilock.on-holder-death=release}. Safe for use by many
 * threads.
 *
 * <p>They fail as those of Spring Integration's other registries do: what keeps a lock from being
 * got, such as a rank that died, a poisoned resource or a closed controller, is a {@link
 * CannotAcquireLockException}; {@code unlock()} throws {@link
 * java.util.ConcurrentModificationException} if this rank had lost the lock before, since it left
 * the job. The cause is mpilock's own exception. What only a mistake in the program leads to stays
 * what it is: {@link io.mpilock.failure.LockUseException} for a write inside a read, {@link
 * IllegalMonitorStateException} for an unlock by another thread.
 *
 * @since 0.1.0
 */
public final class MpilockLockRegistry implements LockRegistry<Lock> {
  private final WindowController controller;
  private final String prefix;
  private final int stripes;

  /**
   * Makes a registry over a controller's resources.
   *
   * @param controller whose locks to give; stays the caller's to close
   * @param prefix what the resources' names begin with, the same on every rank
   * @param stripes the number of resources that all keys share, the same on every rank; 0 gives
   *     each key its own
   * @throws IllegalArgumentException if {@code stripes} is negative
   */
  public MpilockLockRegistry(WindowController controller, String prefix, int stripes) {
    if (stripes < 0) {
      throw new IllegalArgumentException("There cannot be %d stripes.".formatted(stripes));
    }
    this.controller = controller;
    this.prefix = prefix;
    this.stripes = stripes;
  }

  /**
   * Gives the lock of a key.
   *
   * @param lockKey a String; without stripes, one that makes a valid name with the prefix: at most
   *     255 characters together, none of them a control character
   * @return the lock, the same on all ranks
   * @throws IllegalArgumentException if the key is not such a String
   * @throws CannotAcquireLockException if the key is new, and the window has no room for another
   *     resource, or the controller is closed
   */
  @Override
  public Lock obtain(Object lockKey) {
    if (!(lockKey instanceof String key)) {
      throw new IllegalArgumentException(
          ("The lock key '%s' is a %s. Only a String is the same key on all ranks:"
                  + " convert it to one.")
              .formatted(lockKey, lockKey.getClass().getName()));
    }
    String name = stripes == 0 ? key : String.valueOf(Math.floorMod(key.hashCode(), stripes));
    String resource = prefix + name;
    try {
      return new RegistryLock(
          controller, resource, controller.resource(resource).asReadWriteLock().writeLock());
    } catch (MpilockException failure) {
      throw new CannotAcquireLockException(
          "There is no lock for '%s': %s".formatted(resource, failure.getMessage()), failure);
    }
  }

  @Override
  public String toString() {
    return "MpilockLockRegistry[" + prefix + (stripes == 0 ? "]" : ", " + stripes + " stripes]");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

/**
 * Receives what goes wrong in a job, as far as this rank learns of it: a rank for which no thread
 * here waits may be dead for a while before it is reported. Called on the thread that found out,
 * which may lock or speak for its node, so an implementation is quick, does not lock, and hands on
 * to another thread what takes longer. Whatever it throws is logged and otherwise ignored. While
 * nothing goes wrong it is not called, and costs the locks nothing.
 *
 * @since 0.1.0
 */
public interface JobListener {

  /**
   * A wait has lasted for the stall warning's time; reported once for a resource and such a time,
   * however many threads of this rank wait. Or it is part of a cycle of waits that is not ended
   * ({@link OnDeadlock}); reported once for each cycle.
   *
   * @param resource the resource's name; empty for a wait that is for none, as in close
   * @param report a text: who waits, who holds it and who else waits
   */
  default void stalled(String resource, String report) {}

  /**
   * A rank is dead, has given itself up, has closed with a lease, or cannot be reached. Told once
   * for each.
   *
   * @param rank the rank
   * @param report what is known, in words
   */
  default void rankFailed(int rank, String report) {}

  /**
   * No thread gets a resource any more, because its writer died. Reported once for each, when a
   * thread of this rank asks for it.
   *
   * @param resource the resource's name
   * @param rank who wrote
   */
  default void poisoned(String resource, int rank) {}

  /**
   * A request of this rank ends with {@link io.mpilock.failure.DeadlockException}, since it is the
   * latest in a cycle of waits. Told once for each cycle, by the rank whose request it is.
   *
   * @param resource the name of the resource that it asked for
   * @param report a text: who is in the cycle, and what each holds and waits for
   */
  default void deadlocked(String resource, String report) {}
}

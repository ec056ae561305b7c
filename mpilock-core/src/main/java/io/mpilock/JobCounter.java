/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;

/**
 * A number that all ranks of a job share: {@link WindowController#counter}. It is 0 until somebody
 * changes it. A counter and a resource of equal name have nothing to do with each other.
 *
 * <pre>{@code
 * JobCounter rows = controller.counter("rows");
 * rows.add(batch.size());              // how many all ranks have done
 * long id = controller.counter("ids").next(); // a number that no other rank gets
 * }</pre>
 *
 * <p><b>On one node</b> each call is one atomic instruction on shared memory. It never waits, and
 * takes no lock. {@link #next} hands out all numbers, in order, without a hole.
 *
 * <p><b>On several nodes</b> the number is on one node at a time, and stays there until another
 * node asks for it. {@code get} and {@code add} cost no message as long as no other node does.
 * {@code next} takes a run of numbers for its rank, and hands it out without a message. A run
 * begins with as many numbers as are asked for, and doubles up to 1024 times as many. So:
 *
 * <ul>
 *   <li>The numbers that one rank gets only rise. Those of different ranks are not in the order in
 *       which they asked.
 *   <li>{@code get} tells all numbers that were handed out or are in some rank's run.
 *   <li>What is left of a run is lost when its rank closes or dies: no rank gets those numbers. The
 *       same is true of what does not fill a call, if a rank calls {@code next} with different
 *       counts, and of each run at a {@link #reset}.
 *   <li>To share work use {@code add}: {@code rows.add(n) - n} is the first of n numbers, without a
 *       run ahead, so without a hole, and no rank has work that another could do.
 * </ul>
 *
 * <p>A call that must ask another node waits for as long as it takes; a lock's rules hold for that
 * wait. It is in the order of the requests, it can be interrupted, a long one is reported as a wait
 * for {@code counter 'rows'}, and it ends with an exception if it can never be answered. A rank
 * that dies while it counts keeps nobody from counting: what it had added stays, and the call that
 * was cut short has added all or nothing. But if its process spoke for its node (the first rank of
 * a node does), calls that need another node fail. No transaction undoes what was added.
 *
 * <p>A counter goes from {@value #LEAST} to {@value #MOST}. What would go beyond is refused, and
 * changes nothing; on one node others may see it for a moment. Safe for use by many threads. A call
 * that waits for nobody allocates nothing, but for a thread's first on several nodes.
 *
 * @since 0.1.0
 */
public interface JobCounter {

  /** The least number that a counter can stand at: -2<sup>62</sup>. */
  long LEAST = -(1L << 62);

  /** The highest number that a counter can stand at: 2<sup>62</sup>. */
  long MOST = 1L << 62;

  /**
   * The counter's name.
   *
   * @return the name that it was asked for by
   */
  String name();

  /**
   * Tells what the counter stands at. An {@link #add} that has returned on any rank before the call
   * is in it.
   *
   * @return the number; on several nodes with all numbers that ranks have in their runs
   * @throws LockInterruptedException if this thread was interrupted while it asked another node
   * @throws RankFailedException if a node must be asked that is lost
   * @throws ControllerClosedException if the controller is closed
   */
  long get();

  /**
   * Adds to the counter.
   *
   * @param amount what to add; may be negative, but see {@link #next(long)}
   * @return what the counter stands at then
   * @throws ArithmeticException if it would go beyond {@link #LEAST} or {@link #MOST}
   * @throws LockInterruptedException if this thread was interrupted while it asked another node;
   *     nothing is added then
   * @throws RankFailedException if a node must be asked that is lost; nothing is added then
   * @throws ControllerClosedException if the controller is closed
   */
  long add(long amount);

  /**
   * Takes one number that no other call of {@code next} gets; as {@link #next(long)}.
   *
   * @return the number; the first one is 0
   */
  default long next() {
    return next(1);
  }

  /**
   * Takes numbers in a row that no other call of {@code next} gets, on any rank. The counter grows
   * by as many, or by a run of them on several nodes. Numbers may come again after a {@link
   * #reset}, and after an {@link #add} of less than 0: do not use that with {@code next}.
   *
   * @param count how many, at least 1
   * @return the first of them; the others follow it
   * @throws IllegalArgumentException if {@code count} is less than 1
   * @throws ArithmeticException if there are not as many up to {@link #MOST}
   * @throws LockInterruptedException if this thread was interrupted while it asked another node
   * @throws RankFailedException if a node must be asked that is lost
   * @throws ControllerClosedException if the controller is closed
   */
  long next(long count);

  /**
   * Has the counter stand at a number. Collective: every rank calls it, in the same order as every
   * other collective call of this controller. It begins when all ranks are there, and no rank
   * returns before the counter is set. What ranks have left of their runs is lost. Between a rank's
   * call and its return no thread of that rank may use the counter. A rank that gets an exception
   * must not use it before a reset that succeeds: it may have left before the number was set.
   *
   * @param value the number, the same on every rank: that of the master counts
   * @throws IllegalArgumentException on the master, if it is less than {@link #LEAST} or more than
   *     {@link #MOST}
   * @throws SingleWriteFailedException on the other ranks then
   * @throws CollectiveMismatchException if the ranks disagree, or one of them gave up or closed
   * @throws RuntimeException as {@link ResourceLock#singleWrite()}; if one rank fails, all are told
   */
  void reset(long value);
}

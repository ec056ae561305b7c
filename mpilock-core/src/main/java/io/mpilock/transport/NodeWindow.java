/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

/**
 * 64-bit words that all ranks of a node share.
 *
 * <p>Memory order: {@link #get}, {@link #set}, {@link #getAndAdd} and {@link #compareAndSet} are
 * sequentially consistent among each other, over all ranks. {@link #setRelease} orders what came
 * before it only: a {@code get} that sees its value sees that too. {@link #putBytes} and {@link
 * #getBytes} have no order of their own and no atomicity: a word written after and read before them
 * gives it.
 *
 * <p>Any thread may call any method. After {@link #free} every access throws {@link
 * IllegalStateException}; it never touches memory that is not there.
 *
 * @since 0.1.0
 */
public interface NodeWindow {

  /**
   * The number of words.
   *
   * @return at least 1
   */
  long words();

  /**
   * Reads a word.
   *
   * @param index from 0 to {@link #words()} - 1
   * @return its value
   */
  long get(long index);

  /**
   * Writes a word.
   *
   * @param index from 0 to {@link #words()} - 1
   * @param value its new value
   */
  void set(long index, long value);

  /**
   * Writes a word with release order, which is cheaper than {@link #set}.
   *
   * @param index from 0 to {@link #words()} - 1
   * @param value its new value
   */
  void setRelease(long index, long value);

  /**
   * Adds to a word.
   *
   * @param index from 0 to {@link #words()} - 1
   * @param delta what to add; wraps around
   * @return the value before
   */
  long getAndAdd(long index, long delta);

  /**
   * Writes a word if it has the expected value.
   *
   * @param index from 0 to {@link #words()} - 1
   * @param expected the value that it must have
   * @param value its new value
   * @return whether it had the expected value
   */
  boolean compareAndSet(long index, long expected, long value);

  /**
   * Copies bytes into the window.
   *
   * @param index the first word
   * @param source where the bytes are
   * @param offset the first byte in {@code source}
   * @param length the number of bytes
   */
  void putBytes(long index, byte[] source, int offset, int length);

  /**
   * Copies bytes out of the window.
   *
   * @param index the first word
   * @param target where the bytes go
   * @param offset the first byte in {@code target}
   * @param length the number of bytes
   */
  void getBytes(long index, byte[] target, int offset, int length);

  /**
   * Sleeps while the low 32 bits of a word have the given value, until {@link #wake} on the same
   * word, or the time is over, or the thread is interrupted; may also return for no reason. Does
   * not clear the interrupt status. A change without a {@code wake} need not end it.
   *
   * @param index the word
   * @param low32 the value to sleep on
   * @param nanos the longest time to sleep in nanoseconds; interruption may be noticed only then
   */
  void sleepWhile(long index, int low32, long nanos);

  /**
   * Tells whether {@link #sleepWhile} does not suit a virtual thread, whose carrier would sleep
   * with it; it then polls there.
   *
   * @return true for a sleep in the kernel
   */
  default boolean holdsCarrier() {
    return false;
  }

  /**
   * Wakes everyone in {@link #sleepWhile} on a word. Costs a system call: only for words that
   * someone is known to sleep on.
   *
   * @param index the word
   */
  void wake(long index);

  /**
   * Gives another handle on the same memory, with a life of its own: for a part of this process
   * that goes on when the other has ended.
   *
   * @return the handle, to be freed by the caller
   */
  NodeWindow view();

  /**
   * Ends the use of the memory through this handle, at once and without waiting for the others;
   * every later access through it throws. The memory is used again, or freed, once every rank of
   * the node has freed all of its handles. Idempotent.
   */
  void free();
}

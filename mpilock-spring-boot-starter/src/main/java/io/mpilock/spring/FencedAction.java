/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.Fence;
import java.util.function.Consumer;

/**
 * The block of a fenced single write. Every rank enters it, and every rank but the writing one
 * leaves it at {@link Fence#guard()}. It is a {@link Consumer} too, so that methods which take
 * either get lambdas as this, in Java, and keep what they throw.
 *
 * @param <T> the type of what is shared
 * @param <E> what the block may throw; a lambda that throws nothing checked makes it {@link
 *     RuntimeException}
 * @since 0.1.0
 */
@FunctionalInterface
public interface FencedAction<T, E extends Throwable> extends Consumer<Fence<T>> {

  /**
   * Runs the block.
   *
   * @param fence this rank's part in the single write; the template closes it
   * @throws E whatever the block throws; it reaches this rank's caller as it is, and if this rank
   *     writes, every other rank gets {@link io.mpilock.failure.SingleWriteFailedException}
   */
  void run(Fence<T> fence) throws E;

  /** As {@link #run}, whatever that throws. */
  @Override
  @SuppressWarnings("unchecked") // what is thrown is not checked when it runs
  default void accept(Fence<T> fence) {
    ((FencedAction<T, RuntimeException>) this).run(fence);
  }
}

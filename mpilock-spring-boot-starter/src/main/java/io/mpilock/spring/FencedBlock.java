/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.Fence;
import io.mpilock.FencedSignal;
import org.jspecify.annotations.Nullable;

/** One rank's part in a fenced single write whose block is a callback. */
final class FencedBlock {
  private FencedBlock() {}

  static <T, E extends Throwable> @Nullable T run(Fence<T> fence, FencedAction<T, E> action)
      throws E {
    try {
      action.run(fence);
      if (fence.isWriter()) {
        fence.complete();
      }
    } catch (FencedSignal signal) {
      // this rank does not write, and the writer is done
    } catch (Throwable failure) {
      closeFailed(fence, failure);
      throw failure;
    }
    fence.close();
    return fence.collect();
  }

  private static void closeFailed(Fence<?> fence, Throwable failure) {
    try {
      if (fence.isWriter()) {
        fence.fail(failure);
      }
      fence.close();
    } catch (RuntimeException second) {
      if (!second.equals(failure)) { // Throwable compares by identity
        failure.addSuppressed(second);
      }
    }
  }
}

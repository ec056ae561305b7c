/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

/**
 * Thrown by {@link Fence#guard()} on every rank that does not write, to leave the fenced block. A
 * signal, not an error: it has no stack trace.
 *
 * @since 0.1.0
 */
public final class FencedSignal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  FencedSignal() {
    super("this rank does not write", null, false, false);
  }
}

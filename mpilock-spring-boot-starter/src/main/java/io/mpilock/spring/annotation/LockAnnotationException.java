/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import org.jspecify.annotations.Nullable;

/** An annotation is in a place where it cannot work, or has a value that cannot work. */
final class LockAnnotationException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  LockAnnotationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

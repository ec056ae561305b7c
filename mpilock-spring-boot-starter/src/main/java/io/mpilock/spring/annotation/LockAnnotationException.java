package io.mpilock.spring.annotation;

import org.jspecify.annotations.Nullable;

/** An annotation stands where it cannot work, or says what cannot be. */
final class LockAnnotationException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  LockAnnotationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

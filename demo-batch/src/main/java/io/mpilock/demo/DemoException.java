/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;

/** A failure that the user can correct. The message says what is wrong and what to do. */
public final class DemoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message for the console
   */
  public DemoException(String message) {
    this(message, null);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message for the console
   * @param cause what led to it, or null
   */
  public DemoException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Says in a few words why a file could not be used.
   *
   * @param failure what the file system said
   * @return the reason, without the file's name
   */
  public static String reason(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException missing -> "there is no " + missing.getFile();
      case FileSystemException other when other.getReason() != null -> other.getReason();
      default -> String.valueOf(failure.getMessage());
    };
  }
}

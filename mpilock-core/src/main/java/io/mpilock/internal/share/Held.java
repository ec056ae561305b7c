/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import io.mpilock.failure.Values;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.NotSerializableException;
import java.io.Serializable;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An {@link Optional} or a {@link Path} as what it holds.
 *
 * @param isPath whether it is a path, else an optional
 * @param content its text, or what it holds
 */
record Held(boolean isPath, @Nullable Object content) implements Serializable {
  private static final String SAME_LOCALE =
      "Start every rank in the same locale, such as LC_ALL=C.UTF-8";

  /** Gives what this stands for. */
  Object open() throws IOException {
    return isPath ? path(String.valueOf(content)) : Optional.ofNullable(content);
  }

  /** A file's name is bytes; the text between ranks means the same ones only where it can. */
  static Held of(Path path) throws IOException {
    String text = path.toString();
    if (!path.equals(pathOrNull(text))) {
      throw new NotSerializableException(
          "a Path whose name is not text in this rank's locale (%s): %s. %s"
              .formatted(encoding(), Values.shown(text), SAME_LOCALE));
    }
    return new Held(true, text);
  }

  private static Path path(String text) throws IOException {
    Path path = pathOrNull(text);
    if (path == null) {
      throw new InvalidObjectException(
          "a Path whose name cannot be written in this rank's locale (%s): %s. %s"
              .formatted(encoding(), Values.shown(text), SAME_LOCALE));
    }
    return path;
  }

  private static @Nullable Path pathOrNull(String text) {
    try {
      Path path = Path.of(text);
      return path.toString().equals(text) ? path : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  private static String encoding() {
    return "sun.jnu.encoding=" + System.getProperty("sun.jnu.encoding");
  }
}

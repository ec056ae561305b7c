/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.IOException;
import java.io.InvalidClassException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes an object graph. {@link Path}, {@link Optional} and {@link Records records}, where they
 * are not {@link Serializable}, travel in a form that is. A class that no rank would take is
 * refused here, so that every rank is told.
 */
final class GraphWriter extends ObjectOutputStream {

  /** What a writer may nest; it looks at every LOOK_AT_DEPTH-th object. */
  static final int MAX_DEPTH = 1_000;

  static final int LOOK_AT_DEPTH = 256;

  private final AllowList classes;
  private final Records records = new Records();
  private int objects;

  /** The first failure of a record; the JDK writes it too, and may fail at its cause. */
  private @Nullable IOException refused;

  private GraphWriter(OutputStream out, AllowList classes) throws IOException {
    super(out);
    this.classes = classes;
    enableReplaceObject(true);
  }

  /** Writes one object. */
  static void write(@Nullable Object value, OutputStream out, AllowList classes)
      throws IOException {
    GraphWriter objects = new GraphWriter(out, classes);
    try {
      objects.writeObject(value);
    } catch (IOException failure) {
      throw objects.refused == null ? failure : objects.refused;
    }
    objects.flush();
  }

  @Override
  protected @Nullable Object replaceObject(Object object) throws IOException {
    if (++objects % LOOK_AT_DEPTH == 0 && depth() > MAX_DEPTH) {
      throw new InvalidClassException(
          "a graph of depth " + depth(), "it is more than the other ranks accept");
    }
    if (object instanceof Path path) {
      if (!"file".equals(path.getFileSystem().provider().getScheme())) {
        throw new NotSerializableException(
            "a Path of another file system than the default: " + path);
      }
      return Held.of(path);
    }
    return switch (object) {
      case Optional<?> optional -> new Held(false, optional.orElse(null));
      case Record record when Records.isOne(record) -> take(record);
      default -> object;
    };
  }

  private Object take(Record record) throws IOException {
    try {
      return records.take(record);
    } catch (IOException failure) {
      refused = refused == null ? failure : refused;
      throw failure;
    }
  }

  /** How many objects are being written, each inside the one before. */
  private static long depth() {
    return StackWalker.getInstance()
        .walk(
            frames -> frames.filter(frame -> frame.getMethodName().equals("writeObject0")).count());
  }

  @Override
  protected void annotateClass(@Nullable Class<?> type) throws IOException {
    if (type == null) {
      throw noClass();
    }
    if (IOException.class.isAssignableFrom(type)) {
      return; // how a failed encoding ends
    }
    if (classes.refuses(type)) {
      throw new InvalidClassException(type.getName(), AllowList.reason());
    }
  }

  @Override
  protected void annotateProxyClass(@Nullable Class<?> type) throws IOException {
    if (type == null) {
      throw noClass();
    }
    throw new InvalidClassException( // no other rank would take it
        type.getName(), "a dynamic proxy cannot be shared");
  }

  private static NotSerializableException noClass() {
    return new NotSerializableException("a description of a class that is missing here");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.IOException;
import java.io.InputStream;
import java.io.InvalidClassException;
import java.io.InvalidObjectException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.io.ObjectStreamClass;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads an object graph whose bytes are not trusted. What is read costs memory and time in
 * proportion to the bytes that came: see {@link ReceivedBytes} for arrays, {@link HashWork} for
 * hash codes, and {@link GraphWriter#MAX_DEPTH} for the stack. Classes are resolved with the
 * application's class loader, as in a Spring Boot jar.
 */
final class GraphReader extends ObjectInputStream {

  /** More than any writer sends that keeps to its own bound. */
  private static final int MAX_DEPTH = GraphWriter.MAX_DEPTH + GraphWriter.LOOK_AT_DEPTH + 10;

  private final Records records = new Records();
  private final HashWork work;

  private GraphReader(ReceivedBytes in) throws IOException {
    super(in);
    this.work = new HashWork(in, records);
    enableResolveObject(true);
  }

  /** Reads one object; what is wrong with the bytes is told by an exception of the two. */
  static @Nullable Object read(InputStream in, AllowList classes)
      throws IOException, ClassNotFoundException {
    ReceivedBytes bytes = new ReceivedBytes(in);
    Refusals refusals = new Refusals(classes, bytes);
    try {
      ObjectInputStream objects = new GraphReader(bytes);
      objects.setObjectInputFilter(refusals);
      return objects.readObject();
    } catch (InvalidClassException failure) {
      bytes.rethrow();
      if (refusals.refused == null) {
        throw failure;
      }
      InvalidClassException named = new InvalidClassException(refusals.refused, refusals.why);
      named.initCause(failure);
      throw named;
    } catch (RuntimeException
        | StackOverflowError
        | LinkageError
        | InternalError failure) { // of the JDK, on broken bytes
      bytes.rethrow();
      InvalidObjectException broken =
          new InvalidObjectException("the bytes are not those of an object: " + failure);
      broken.initCause(failure);
      throw broken;
    }
  }

  @Override
  protected Class<?> resolveClass(ObjectStreamClass description)
      throws IOException, ClassNotFoundException {
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    if (loader != null) {
      try {
        return Class.forName(description.getName(), false, loader);
      } catch (ClassNotFoundException notThere) {
        return super.resolveClass(description); // primitives, and classes of our own loader
      }
    }
    return super.resolveClass(description);
  }

  @Override
  protected @Nullable Object resolveObject(@Nullable Object object) throws IOException {
    if (object instanceof Records.Shape shape) {
      records.check(shape);
    }
    Object resolved =
        switch (object) {
          case Held held -> held.open();
          case Records.Taken taken -> records.make(taken);
          case null, default -> object;
        };
    if (resolved != null) {
      work.read(resolved);
    }
    return resolved;
  }

  /** Remembers what was refused, since the JDK's exception does not name it. */
  private static final class Refusals implements ObjectInputFilter {
    private final AllowList classes;
    private final ReceivedBytes bytes;
    private @Nullable String refused;
    private String why = "";

    Refusals(AllowList classes, ReceivedBytes bytes) {
      this.classes = classes;
      this.bytes = bytes;
    }

    @Override
    public Status checkInput(FilterInfo info) {
      Class<?> type = info.serialClass();
      if (info.depth() > MAX_DEPTH) {
        return refuse("a graph of depth " + info.depth(), "it is more than this rank accepts");
      }
      if (type != null && Path.class.isAssignableFrom(type)) {
        return Status.ALLOWED; // what resolveObject made of a Held; no path is in the stream itself
      }
      if (classes.refuses(info)) {
        return type == null ? Status.REJECTED : refuse(type.getName(), AllowList.reason());
      }
      if (info.arrayLength() > 0 && !bytes.backs(type, info.arrayLength())) {
        return refuse(
            "an array of " + info.arrayLength() + " elements",
            "it is more than this rank accepts: only " + bytes.received() + " bytes came");
      }
      return Status.UNDECIDED;
    }

    private Status refuse(String what, String reason) {
      refused = what;
      why = reason;
      return Status.REJECTED;
    }
  }
}

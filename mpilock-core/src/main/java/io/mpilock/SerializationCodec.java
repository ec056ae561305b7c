package io.mpilock;

import java.io.IOException;
import java.io.InputStream;
import java.io.InvalidClassException;
import java.io.NotSerializableException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Java serialisation behind an allow-list. The same list refuses a class on the way out, so that
 * every rank is told, and on the way in, where the bytes are not trusted. {@link Path} and {@link
 * Optional}, which are not {@link Serializable}, travel in a form that is.
 */
final class SerializationCodec implements ShareCodec {

  /** Value-like packages of java.base; nothing that reflects, opens or runs. */
  private static final List<String> JAVA =
      List.of(
          "java.lang.Boolean",
          "java.lang.Byte",
          "java.lang.Character",
          "java.lang.Short",
          "java.lang.Integer",
          "java.lang.Long",
          "java.lang.Float",
          "java.lang.Double",
          "java.lang.Number",
          "java.lang.String",
          "java.lang.Enum",
          "java.lang.Record",
          "java.lang.Object",
          "java.lang.Throwable",
          "java.lang.Exception",
          "java.lang.RuntimeException",
          "java.lang.StackTraceElement",
          "java.math.*",
          "java.net.URI",
          "java.time.**",
          "java.util.*",
          "java.util.concurrent.*",
          "java.util.concurrent.atomic.*",
          "io.mpilock.SerializationCodec$*");

  private static final long MAX_DEPTH = 1_000;

  private final ObjectInputFilter filter;

  SerializationCodec(List<String> allow) {
    List<String> patterns = new ArrayList<>(JAVA);
    patterns.addAll(allow);
    patterns.add("!*");
    ObjectInputFilter classes = ObjectInputFilter.Config.createFilter(String.join(";", patterns));
    this.filter =
        info ->
            info.depth() > MAX_DEPTH || isTooLong(info)
                ? ObjectInputFilter.Status.REJECTED
                : classes.checkInput(info);
  }

  /** An array that no heap of this process holds is refused before it is allocated. */
  private static boolean isTooLong(ObjectInputFilter.FilterInfo info) {
    long width =
        switch (info.serialClass()) {
          case Class<?> type when type == long[].class || type == double[].class -> Long.BYTES;
          case Class<?> type when type == byte[].class || type == boolean[].class -> 1;
          case Class<?> type when type == char[].class || type == short[].class -> Short.BYTES;
          case null, default -> Integer.BYTES;
        };
    return info.arrayLength() > Runtime.getRuntime().maxMemory() / width;
  }

  @Override
  public void encode(@Nullable Object value, OutputStream out) throws IOException {
    ObjectOutputStream objects = new Encoder(out, filter);
    objects.writeObject(value);
    objects.flush();
  }

  @Override
  public @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException {
    Refusals refusals = new Refusals(filter);
    ObjectInputStream objects = new Decoder(in);
    objects.setObjectInputFilter(refusals);
    try {
      return objects.readObject();
    } catch (InvalidClassException failure) {
      if (refusals.refused == null) {
        throw failure;
      }
      InvalidClassException named = new InvalidClassException(refusals.refused, refusals.why());
      named.initCause(failure);
      throw named;
    }
  }

  private static String remedy() {
    return "if it is to be shared, add its class to mpilock.share.allow (ControllerOptions.shareAllow)";
  }

  /** Remembers what the filter refused, since the JDK's exception does not name it. */
  private static final class Refusals implements ObjectInputFilter {
    private final ObjectInputFilter filter;
    private @Nullable String refused;
    private boolean tooMuch;

    Refusals(ObjectInputFilter filter) {
      this.filter = filter;
    }

    String why() {
      return tooMuch
          ? "it is more than this rank takes"
          : "it is not on the allow-list; " + remedy();
    }

    @Override
    public Status checkInput(FilterInfo info) {
      Class<?> type = info.serialClass();
      if (type != null && Path.class.isAssignableFrom(type)) {
        return Status.ALLOWED; // what resolveObject made of a Held; no path is in the stream itself
      }
      Status status = filter.checkInput(info);
      if (status == Status.REJECTED) {
        boolean tooLong = isTooLong(info);
        tooMuch = tooLong || info.depth() > MAX_DEPTH || type == null;
        refused =
            tooLong
                ? "an array of " + info.arrayLength() + " elements"
                : tooMuch ? "a graph of depth " + info.depth() : type.getName();
      }
      return status;
    }
  }

  /** Optional and Path as what they hold. */
  private record Held(boolean isPath, @Nullable Object content) implements Serializable {
    Object open() {
      return isPath ? Path.of(String.valueOf(content)) : Optional.ofNullable(content);
    }
  }

  private static final class Encoder extends ObjectOutputStream {
    private final ObjectInputFilter filter;

    Encoder(OutputStream out, ObjectInputFilter filter) throws IOException {
      super(out);
      this.filter = filter;
      enableReplaceObject(true);
    }

    @Override
    protected @Nullable Object replaceObject(Object object) throws IOException {
      if (object instanceof Path path) {
        if (!"file".equals(path.getFileSystem().provider().getScheme())) {
          throw new NotSerializableException(
              "a Path of another file system than the default: " + path);
        }
        return new Held(true, path.toString());
      }
      return object instanceof Optional<?> optional
          ? new Held(false, optional.orElse(null))
          : object;
    }

    @Override
    protected void annotateClass(Class<?> type) throws IOException {
      if (IOException.class.isAssignableFrom(type)) {
        return; // how a failed encoding ends
      }
      if (filter.checkInput(new OnlyClass(type)) == ObjectInputFilter.Status.REJECTED) {
        throw new InvalidClassException(type.getName(), "it is not on the allow-list; " + remedy());
      }
    }

    @Override
    protected void annotateProxyClass(Class<?> type) throws IOException {
      throw new InvalidClassException( // no other rank would take it
          type.getName(), "a dynamic proxy cannot be shared");
    }
  }

  /** Resolves classes with the application's class loader, as in a Spring Boot jar. */
  private static final class Decoder extends ObjectInputStream {
    Decoder(InputStream in) throws IOException {
      super(in);
      enableResolveObject(true);
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
    protected @Nullable Object resolveObject(Object object) {
      return object instanceof Held held ? held.open() : object;
    }
  }

  /** Asks the filter about a class alone. */
  private record OnlyClass(Class<?> serialClass) implements ObjectInputFilter.FilterInfo {
    @Override
    public long arrayLength() {
      return -1;
    }

    @Override
    public long depth() {
      return 1;
    }

    @Override
    public long references() {
      return 1;
    }

    @Override
    public long streamBytes() {
      return 0;
    }
  }
}

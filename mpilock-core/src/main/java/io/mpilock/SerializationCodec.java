/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.Values;
import java.io.IOException;
import java.io.InputStream;
import java.io.InvalidClassException;
import java.io.InvalidObjectException;
import java.io.NotSerializableException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Java serialisation behind an allow-list. The same list refuses a class on the way out, so that
 * every rank is told, and when they are read, because the bytes are not trusted. {@link Path},
 * {@link Optional} and {@link Records records}, where they are not {@link Serializable}, travel in
 * a form that is.
 *
 * <p>What is read costs memory and time in proportion to the bytes that came: see {@link Intake}
 * for arrays, {@link HashWork} for hash codes, and MAX_DEPTH for the stack.
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
          Held.class.getName(),
          Records.Shape.class.getName(),
          Records.Taken.class.getName());

  /** What a writer may nest; it looks at every LOOK_AT_DEPTH-th object. */
  private static final int MAX_DEPTH = 1_000;

  private static final int LOOK_AT_DEPTH = 256;

  /** What a reader takes: more than any writer that keeps to the above sends. */
  private static final int MAX_READ_DEPTH = MAX_DEPTH + LOOK_AT_DEPTH + 10;

  private final ObjectInputFilter filter;

  SerializationCodec(List<String> allow) {
    List<String> patterns = new ArrayList<>(JAVA);
    patterns.addAll(allow);
    patterns.add("!*");
    this.filter = ObjectInputFilter.Config.createFilter(String.join(";", patterns));
  }

  @Override
  public void encode(@Nullable Object value, OutputStream out) throws IOException {
    Encoder objects = new Encoder(out, filter);
    try {
      objects.writeObject(value);
    } catch (IOException failure) {
      throw objects.refused == null ? failure : objects.refused;
    }
    objects.flush();
  }

  @Override
  public @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException {
    Intake intake = new Intake(in);
    Refusals refusals = new Refusals(filter, intake);
    try {
      ObjectInputStream objects = new Decoder(intake);
      objects.setObjectInputFilter(refusals);
      return objects.readObject();
    } catch (InvalidClassException failure) {
      intake.rethrow();
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
      intake.rethrow();
      InvalidObjectException broken =
          new InvalidObjectException("the bytes are not those of an object: " + failure);
      broken.initCause(failure);
      throw broken;
    }
  }

  private static String remedy() {
    return "to share it, add its class to mpilock.share.allow" + " (ControllerOptions.shareAllow)";
  }

  /** Remembers what was refused, since the JDK's exception does not name it. */
  private static final class Refusals implements ObjectInputFilter {
    private final ObjectInputFilter classes;
    private final Intake intake;
    private @Nullable String refused;
    private String why = "";

    Refusals(ObjectInputFilter classes, Intake intake) {
      this.classes = classes;
      this.intake = intake;
    }

    @Override
    public Status checkInput(FilterInfo info) {
      Class<?> type = info.serialClass();
      if (info.depth() > MAX_READ_DEPTH) {
        return refuse("a graph of depth " + info.depth(), "it is more than this rank accepts");
      }
      if (type != null && Path.class.isAssignableFrom(type)) {
        return Status.ALLOWED; // what resolveObject made of a Held; no path is in the stream itself
      }
      if (classes.checkInput(info) == Status.REJECTED) {
        return type == null
            ? Status.REJECTED
            : refuse(type.getName(), "it is not on the allow-list; " + remedy());
      }
      if (info.arrayLength() > 0 && !intake.backs(type, info.arrayLength())) {
        return refuse(
            "an array of " + info.arrayLength() + " elements",
            "it is more than this rank accepts: only " + intake.received() + " bytes came");
      }
      return Status.UNDECIDED;
    }

    private Status refuse(String what, String reason) {
      refused = what;
      why = reason;
      return Status.REJECTED;
    }
  }

  /**
   * The bytes as they come. An array is allocated before its elements are read, so its length must
   * be backed by bytes: over all arrays of a stream, one byte received for each {@value #FACTOR}
   * that they take, beyond {@value #FREE}. Where they have not been read yet they are received
   * ahead. Elements take up at least that many bytes in the stream (a HashMap's table, of 4-byte
   * references, takes up to 6 for each byte of its entries), so no stream that is whole is refused;
   * but for {@code Collections.nCopies}, which sends one element for many.
   */
  private static final class Intake extends InputStream {
    static final long FREE = 1 << 20;
    static final int FACTOR = 8;

    private static final int PIECE = 1 << 16;

    private final InputStream in;
    private final Deque<ByteBuffer> ahead = new ArrayDeque<>();
    private long received;
    private long claimed;
    private @Nullable Exception failure;

    Intake(InputStream in) {
      this.in = in;
    }

    long received() {
      return received;
    }

    /** Whether enough has come, or comes now, for a further array. */
    boolean backs(@Nullable Class<?> type, long length) {
      long width =
          switch (type) {
            case Class<?> array when array == long[].class || array == double[].class -> Long.BYTES;
            case Class<?> array when array == byte[].class || array == boolean[].class -> 1;
            case Class<?> array when array == char[].class || array == short[].class -> Short.BYTES;
            case null, default -> Integer.BYTES;
          };
      if (length > Runtime.getRuntime().maxMemory() / width) {
        return false;
      }
      claimed += length * width;
      try {
        while (claimed > FREE + FACTOR * received) {
          byte[] piece = new byte[PIECE];
          int count = receive(piece, 0, PIECE);
          if (count < 0) {
            return false;
          }
          ahead.add(ByteBuffer.wrap(piece, 0, count));
        }
      } catch (IOException e) {
        return false; // rethrow() has it
      }
      return true;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      ByteBuffer first = ahead.peek();
      if (first == null) {
        return receive(target, offset, length);
      }
      int count = Math.min(length, first.remaining());
      first.get(target, offset, count);
      if (!first.hasRemaining()) {
        ahead.remove();
      }
      return count;
    }

    private int receive(byte[] target, int offset, int length) throws IOException {
      try {
        int count = in.read(target, offset, length);
        received += Math.max(0, count);
        return count;
      } catch (IOException | RuntimeException e) {
        failure = e;
        throw e;
      }
    }

    /** Throws what the stream itself threw, whatever the JDK made of it. */
    void rethrow() throws IOException {
      switch (failure) {
        case IOException e -> throw e;
        case RuntimeException e -> throw e;
        case null, default -> {}
      }
    }
  }

  /**
   * Bounds the time that hash codes take. A set in two sets, both in two sets, and so on, is few
   * bytes and takes for ever: each hash code asks for those of all elements. So each collection of
   * the JDK, and each record, is weighed when it has been read, before it can become an element: by
   * itself and its elements. Without sharing the sum of all weights is at most the number of
   * objects times the depth.
   */
  private static final class HashWork {
    private static final long FREE = 500_000;
    private static final int EACH_BYTE = 100;

    private final Intake intake;
    private final Records records;
    private final IdentityHashMap<Object, Long> weights = new IdentityHashMap<>();
    private long sum;

    HashWork(Intake intake, Records records) {
      this.intake = intake;
      this.records = records;
    }

    void read(Object object) throws InvalidObjectException {
      long most = FREE + EACH_BYTE * intake.received();
      long weight =
          switch (object) {
            // One element, however often; its hash code knows that.
            case Collection<?> copies
                when copies.getClass().getName().equals("java.util.Collections$CopiesList") ->
                1;
            case Collection<?> elements when isOfTheJdk(elements) -> of(elements, most);
            case Map<?, ?> map when isOfTheJdk(map) ->
                of(map.keySet(), most) + of(map.values(), most);
            case Map.Entry<?, ?> entry when isOfTheJdk(entry) ->
                of(Arrays.asList(entry.getKey(), entry.getValue()), most);
            case Optional<?> optional -> of(Arrays.asList(optional.orElse(null)), most);
            case Record record -> of(record);
            default -> 1;
          };
      if (weight > 1) {
        weights.put(object, weight);
        sum += weight;
        if (sum > most) {
          throw new InvalidObjectException(
              "collections that contain the same collections again and again: their hash"
                  + " codes would take longer than this rank allows");
        }
      }
    }

    /** An application's collection is its own business: its iterator could be anything. */
    private static boolean isOfTheJdk(Object object) {
      return object.getClass().getName().startsWith("java.util.");
    }

    /** One, and more only for what else of these it has: most records hold values. */
    private long of(Record record) {
      long weight = 1;
      for (Object value : records.valuesOrNone(record)) {
        Long known = value == null ? null : weights.get(value);
        weight += known != null ? known : value instanceof Record ? 1 : 0;
      }
      return weight;
    }

    private long of(Collection<?> elements, long most) {
      if (weights.isEmpty()) {
        return 1L + elements.size();
      }
      long weight = 1;
      for (Object element : elements) {
        Long known = element == null ? null : weights.get(element);
        weight += known == null ? 1 : known;
        if (weight > most) {
          break;
        }
      }
      return weight;
    }
  }

  private static final String SAME_LOCALE =
      "Start every rank in the same locale, such as LC_ALL=C.UTF-8";

  /** Optional and Path as what they hold. */
  private record Held(boolean isPath, @Nullable Object content) implements Serializable {
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

  private static final class Encoder extends ObjectOutputStream {
    private final ObjectInputFilter filter;
    private final Records records = new Records();
    private int objects;

    /** The first failure of a record; the JDK writes it too, and may fail at its cause. */
    private @Nullable IOException refused;

    Encoder(OutputStream out, ObjectInputFilter filter) throws IOException {
      super(out);
      this.filter = filter;
      enableReplaceObject(true);
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
          .walk(frames ->
              frames.filter(frame -> frame.getMethodName().equals("writeObject0")).count());
    }

    @Override
    protected void annotateClass(@Nullable Class<?> type) throws IOException {
      if (type == null) {
        throw noClass();
      }
      if (IOException.class.isAssignableFrom(type)) {
        return; // how a failed encoding ends
      }
      if (filter.checkInput(new OnlyClass(type)) == ObjectInputFilter.Status.REJECTED) {
        throw new InvalidClassException(type.getName(), "it is not on the allow-list; " + remedy());
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
  }

  private static NotSerializableException noClass() {
    return new NotSerializableException("a description of a class that is missing here");
  }

  /** Resolves classes with the application's class loader, as in a Spring Boot jar. */
  private static final class Decoder extends ObjectInputStream {
    private final Records records = new Records();
    private final HashWork work;

    Decoder(Intake in) throws IOException {
      super(in);
      this.work = new HashWork(in, records);
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

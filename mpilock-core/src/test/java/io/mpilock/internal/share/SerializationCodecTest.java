/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.InvalidObjectException;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamConstants;
import java.io.Serializable;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the codec lets through, and what it refuses on the way out and on the way in. */
class SerializationCodecTest {
  private final SerializationCodec closed = new SerializationCodec(List.of());
  private final SerializationCodec open =
      new SerializationCodec(List.of("io.mpilock.internal.share.SerializationCodecTest$*"));

  record Order(String name, @Nullable Object content) implements Serializable {}

  /** Not serializable, as are all below. */
  @SuppressWarnings("ArrayRecordComponent") // compared with no array
  record Line(String article, int amount, long @Nullable [] tags) {
    Line {
      if (amount < 0) {
        throw new IllegalArgumentException("an amount of " + amount);
      }
    }
  }

  record Basket<T>(@Nullable String owner, List<T> lines, @Nullable Basket<?> next) {}

  record Empty() {}

  /** Its accessor gives what it was made of, its field holds something else. */
  record Counted(List<String> names) {
    Counted {
      names = new ArrayList<>(names);
      names.add("end");
    }

    @Override
    public List<String> names() {
      return List.copyOf(names.subList(0, names.size() - 1));
    }
  }

  record Broken(String what) {
    @Override
    public String what() {
      throw new IllegalStateException("not now");
    }
  }

  /** A class that is serializable, of records that are not. */
  record Letter(Line line, Map<Line, Optional<Line>> more) implements Serializable {}

  /** Acts when it is read, as the classes of an attack do. */
  static final class Trap implements Serializable {
    private static final long serialVersionUID = 1;

    private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
      in.defaultReadObject();
      throw new AssertionError("a class outside of the list was read");
    }
  }

  private static byte[] encode(SerializationCodec codec, @Nullable Object value)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    codec.encode(value, out);
    return out.toByteArray();
  }

  private static @Nullable Object decode(SerializationCodec codec, byte[] bytes) throws Exception {
    return codec.decode(new ByteArrayInputStream(bytes));
  }

  /** As the JDK writes it, with no list in the way. */
  private static byte[] crafted(Object value) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ObjectOutputStream objects = new ObjectOutputStream(out)) {
      objects.writeObject(value);
    }
    return out.toByteArray();
  }

  static List<Object> values() {
    return List.of(
        "text",
        1,
        2.5,
        'c',
        new BigDecimal("1.50"),
        Instant.EPOCH,
        Duration.ofDays(3),
        UUID.nameUUIDFromBytes(new byte[] {1}),
        URI.create("mpi://x"),
        TimeUnit.DAYS,
        List.of(1, 2, 3),
        Arrays.asList("a", null),
        Set.of("x"),
        Map.of("k", List.of(Optional.of("v"))),
        new TreeMap<>(Map.of("k", 1L)),
        Path.of("a", "b"),
        Optional.empty(),
        Optional.of(Path.of("/tmp")));
  }

  @ParameterizedTest
  @MethodSource("values")
  void valuesOfTheJdkGoThroughWithoutBeingListed(Object value) throws Exception {
    assertThat(decode(closed, encode(closed, value))).isEqualTo(value);
  }

  @Test
  void nullAndArraysGoThrough() throws Exception {
    assertThat(decode(closed, encode(closed, null))).isNull();
    assertThat((int[]) decode(closed, encode(closed, new int[] {1, 2}))).containsExactly(1, 2);
    assertThat((String[][]) decode(closed, encode(closed, new String[][] {{"a"}, {}})))
        .isDeepEqualTo(new String[][] {{"a"}, {}});
  }

  @Test
  void aClassGoesThroughOnceItIsListed() throws Exception {
    Order order = new Order("o", List.of(new Order("inner", null)));
    assertThat(decode(open, encode(open, order))).isEqualTo(order);
    assertThatThrownBy(() -> encode(closed, order))
        .isInstanceOf(InvalidClassException.class)
        .hasMessageContaining("SerializationCodecTest$Order")
        .hasMessageContaining("mpilock.share.allow");
  }

  @Test
  void aStreamWithAClassOutsideOfTheListIsRefusedBeforeItActs() {
    for (Object hidden :
        List.of(new Trap(), new ArrayList<>(List.of(new Trap())), new Trap[] {new Trap()})) {
      assertThatThrownBy(() -> decode(closed, crafted(hidden)))
          .isInstanceOf(InvalidClassException.class)
          .hasMessageContaining("SerializationCodecTest$Trap")
          .hasMessageContaining("mpilock.share.allow");
    }
  }

  @Test
  void aClassInsideAnAllowedContainerIsRefusedOnTheWayOutToo() {
    assertThatThrownBy(() -> encode(closed, Map.of("k", List.of(Optional.of(new Trap())))))
        .isInstanceOf(InvalidClassException.class)
        .hasMessageContaining("SerializationCodecTest$Trap");
  }

  private @Nullable Object copy(@Nullable Object value) throws Exception {
    return decode(open, encode(open, value));
  }

  @Test
  void recordsAreSharedByTheirComponents() throws Exception {
    Line line = new Line("pen", 3, null);
    for (Object value :
        List.of(
            line,
            new Empty(),
            new Basket<>("me", List.of(line, new Line("ink", 0, null)), null),
            new Basket<>(
                null, Arrays.asList(line, null), new Basket<>("x", List.of(Path.of("p")), null)),
            Map.of(new Empty(), Set.of(line)),
            Optional.of(line),
            new TreeMap<>(Map.of("k", new Basket<>("o", List.of(Optional.of(line)), null))),
            new Letter(line, Map.of(line, Optional.of(line))),
            new Order("o", new Order("inner", line)))) {
      assertThat(copy(value)).isEqualTo(value);
    }
    assertThat((Line[]) copy(new Line[] {line, line})).containsExactly(line, line);
    assertThat(((Line) Objects.requireNonNull(copy(new Line("t", 1, new long[] {5, 6})))).tags())
        .containsExactly(5, 6);
    assertThat(((Counted) Objects.requireNonNull(copy(new Counted(List.of("a"))))).names())
        .containsExactly("a");
  }

  @Test
  void aRecordThatIsTwiceInAnObjectIsOneThereToo() throws Exception {
    Line line = new Line("pen", 3, new long[1]);
    List<?> copied = (List<?>) Objects.requireNonNull(copy(List.of(line, line)));
    assertThat((Object) copied.get(0)).isSameAs(copied.get(1));
  }

  @Test
  void aClassOfRecordsStandsOnceInTheStream() throws Exception {
    int one = encode(open, List.of(new Line("a", 1, null))).length;
    int two = encode(open, List.of(new Line("a", 1, null), new Line("a", 2, null))).length;
    assertThat(two - one).isLessThan(60);
  }

  /** As with the JDK's own way with records. */
  @Test
  void aRecordSeesNullForItselfInWhatItContains() throws Exception {
    List<Object> items = new ArrayList<>();
    items.add("first");
    Basket<Object> cyclic = new Basket<>("me", items, null);
    items.add(cyclic);
    Basket<?> copied = (Basket<?>) Objects.requireNonNull(copy(cyclic));
    assertThat(new ArrayList<Object>(copied.lines())).containsExactly("first", null);
  }

  @Test
  void aRecordOutsideOfTheListIsRefusedInBothDirections() throws Exception {
    Basket<Line> hidden = new Basket<>("me", List.of(new Line("pen", 1, null)), null);
    SerializationCodec half =
        new SerializationCodec(List.of("io.mpilock.internal.share.SerializationCodecTest$Basket"));
    byte[] bytes = encode(open, hidden);
    for (SerializationCodec codec : List.of(closed, half)) {
      String refused = codec == closed ? "SerializationCodecTest$Basket" : "$Line";
      assertThatThrownBy(() -> encode(codec, hidden))
          .isInstanceOf(InvalidClassException.class)
          .hasMessageContaining(refused)
          .hasMessageContaining("mpilock.share.allow");
      assertThatThrownBy(() -> decode(codec, bytes))
          .isInstanceOf(InvalidClassException.class)
          .hasMessageContaining(refused)
          .hasMessageContaining("mpilock.share.allow");
    }
  }

  /** The same number of letters, so that the stream is whole. */
  private static byte[] changed(byte[] bytes, String from, String to) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    assertThat(text).contains(from);
    return text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void anotherVersionOfARecordIsToldInWords() throws Exception {
    byte[] other = changed(encode(open, new Line("pen", 1, null)), "int amount", "int weight");
    assertThatThrownBy(() -> decode(open, other))
        .isInstanceOf(InvalidClassException.class)
        .hasMessageContaining("SerializationCodecTest$Line")
        .hasMessageContaining("(java.lang.String article, int amount, long[] tags)")
        .hasMessageContaining("(java.lang.String article, int weight, long[] tags)")
        .hasMessageContaining("same version");
  }

  @Test
  void aConstructorOrAnAccessorThatThrowsIsTold() throws Exception {
    byte[] bytes = encode(open, new Line("pen", 0x01020304, null));
    byte[] negative = changed(bytes, "\1\2\3\4", "\u00ff\2\3\4");
    assertThatThrownBy(() -> decode(open, negative))
        .isInstanceOf(InvalidObjectException.class)
        .hasMessageContaining("SerializationCodecTest$Line(java.lang.String article, int amount")
        .hasMessageContaining("an amount of -")
        .hasCauseInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> encode(open, new Broken("x")))
        .isInstanceOf(InvalidObjectException.class)
        .hasMessageContaining(
            "component what of record io.mpilock.internal.share.SerializationCodecTest$Broken(")
        .hasMessageContaining("not now");
  }

  private byte[] claimed(Class<?> type, String components, @Nullable Object... values)
      throws IOException {
    return crafted(new Records.Taken(new Records.Shape(type, components), values));
  }

  @Test
  @SuppressWarnings("NullAway") // what a stream may bring
  void recordsThatAreNoneAreRefused() throws Exception {
    String components = "java.lang.String article, int amount, long[] tags";
    for (byte[] bytes :
        List.of(
            claimed(Line.class, components, "pen"),
            claimed(Line.class, components, "pen", 1, null, 2),
            claimed(Line.class, components, "pen", null, null),
            claimed(Line.class, components, 1, "pen", null),
            claimed(Line.class, components, (Object[]) null),
            claimed(String.class, ""),
            claimed(Trap.class, ""),
            claimed(null, ""),
            claimed(Empty.class, null),
            crafted(new Records.Taken(null, new Object[0])))) {
      assertThatThrownBy(() -> decode(open, bytes)).isInstanceOf(IOException.class);
    }
    assertThat(decode(open, claimed(Empty.class, ""))).isEqualTo(new Empty());
    assertThatThrownBy(() -> decode(closed, claimed(Empty.class, "")))
        .isInstanceOf(InvalidClassException.class)
        .hasMessageContaining("SerializationCodecTest$Empty");
    assertThatThrownBy( // mpilock's own, which are not on the list
            () -> decode(open, claimed(ControllerOptions.class, "")))
        .isInstanceOf(InvalidClassException.class);
  }

  @Test
  void aDynamicProxyIsRefusedInBothDirections() throws Exception {
    Object proxy =
        Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {Runnable.class}, new Handler());
    assertThatThrownBy(() -> encode(open, proxy))
        .isInstanceOf(InvalidClassException.class)
        .hasMessageContaining("dynamic proxy");
    byte[] crafted = crafted(proxy);
    assertThatThrownBy(() -> decode(open, crafted)).isInstanceOf(InvalidClassException.class);
  }

  private static final class Handler implements InvocationHandler, Serializable {
    private static final long serialVersionUID = 1;

    @Override
    public @Nullable Object invoke(Object proxy, java.lang.reflect.Method method, Object[] args) {
      return null;
    }
  }

  @Test
  void whatIsNotSerializableIsRefusedOnTheWayOut() {
    assertThatThrownBy(() -> encode(open, new Order("o", new Object() {})))
        .isInstanceOfAny(NotSerializableException.class, InvalidClassException.class);
    assertThatThrownBy(() -> encode(closed, Thread.currentThread()))
        .isInstanceOf(NotSerializableException.class);
  }

  @Test
  void aDeepGraphIsRefused() throws Exception {
    Object deep = "bottom";
    for (int i = 0; i < 700; i++) { // two levels each
      deep = new Object[] {new Object[] {deep}};
    }
    byte[] crafted = crafted(deep);
    assertThatThrownBy(() -> decode(closed, crafted))
        .isInstanceOf(InvalidClassException.class)
        .hasMessageContaining("a graph of depth");
  }

  @Test
  void aHugeArrayThatAShortStreamDeclaresIsRefusedBeforeItIsAllocated() throws Exception {
    for (Object small : List.of(new long[1], new double[1], new int[2])) {
      byte[] bytes = crafted(small);
      int length = bytes.length - Long.BYTES - Integer.BYTES;
      bytes[length] = 0x7F;
      bytes[length + 1] = (byte) 0xFF;
      bytes[length + 2] = (byte) 0xFF;
      bytes[length + 3] = (byte) 0xFF;
      assertThatThrownBy(() -> decode(closed, bytes))
          .isInstanceOfAny( // the latter with a heap of 16 GiB and more
              InvalidClassException.class, OutOfMemoryError.class);
    }
  }

  @Test
  void aNegativeArrayLengthIsAnError() throws Exception {
    byte[] bytes = crafted(new byte[1]);
    bytes[bytes.length - 5] = (byte) 0xFF;
    assertThatThrownBy(() -> decode(closed, bytes)).isInstanceOf(Exception.class);
  }

  @Test
  void aStreamThatIsCutAnywhereIsAnError() throws Exception {
    byte[] whole =
        encode(
            open, new Order("name", List.of(1, "two", Path.of("three"), new Line("pen", 1, null))));
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> decode(open, cut)).isInstanceOf(IOException.class);
    }
    assertThatThrownBy(() -> decode(open, new byte[0])).isInstanceOf(EOFException.class);
  }

  @Test
  void bytesThatAreNoStreamAreAnError() {
    assertThatThrownBy(() -> decode(closed, new byte[] {1, 2, 3, 4, 5, 6, 7, 8}))
        .isInstanceOf(IOException.class);
  }

  @Test
  void aClassThatIsNotThereIsAnError() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (DataOutputStream data = new DataOutputStream(out)) {
      data.writeShort(ObjectStreamConstants.STREAM_MAGIC);
      data.writeShort(ObjectStreamConstants.STREAM_VERSION);
      data.writeByte(ObjectStreamConstants.TC_OBJECT);
      data.writeByte(ObjectStreamConstants.TC_CLASSDESC);
      data.writeUTF("java.util.NotThere");
      data.writeLong(1);
      data.writeByte(ObjectStreamConstants.SC_SERIALIZABLE);
      data.writeShort(0);
      data.writeByte(ObjectStreamConstants.TC_ENDBLOCKDATA);
      data.writeByte(ObjectStreamConstants.TC_NULL);
    }
    assertThatThrownBy(() -> decode(closed, out.toByteArray()))
        .isInstanceOf(ClassNotFoundException.class);
  }
}

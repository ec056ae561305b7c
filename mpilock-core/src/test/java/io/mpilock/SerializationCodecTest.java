package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamConstants;
import java.io.Serializable;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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
      new SerializationCodec(List.of("io.mpilock.SerializationCodecTest$*"));

  record Order(String name, @Nullable Object content) implements Serializable {}

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
    byte[] whole = encode(open, new Order("name", List.of(1, "two", Path.of("three"))));
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

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.ControllerOptions;
import io.mpilock.ShareCodec;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.testing.Bounded;
import io.mpilock.testing.ThreadRanks;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamConstants;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Streams that were made to harm, as a rank that is not ours would share them: each other rank
 * refuses them with the reason, and the locks go on. And objects of our own that the others could
 * not take: every rank is told.
 */
class HostileShareTest {
  @TempDir private Path folder;

  private static final List<String> ALLOWED =
      List.of(
          "io.mpilock.internal.share.HostileShareTest$Pair",
          "io.mpilock.internal.share.HostileShareTest$SerializablePair",
          "io.mpilock.internal.share.HostileShareTest$Positive");

  private final SerializationCodec codec = new SerializationCodec(ALLOWED);

  record Foreign(String what) implements Serializable {}

  record ForeignRecord(String what) {}

  record Pair(@Nullable Object one, @Nullable Object two) {}

  record SerializablePair(@Nullable Object one, @Nullable Object two) implements Serializable {}

  record Positive(int number) {
    Positive {
      if (number < 1) {
        throw new IllegalArgumentException("not positive: " + number);
      }
    }
  }

  /** A stream and the words of its refusal. */
  @SuppressWarnings("ArrayRecordComponent") // not compared
  record Bomb(String name, byte[] bytes, List<String> words) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Bomb bomb(String name, byte[] bytes, String... words) {
    return new Bomb(name, bytes, List.of(words));
  }

  /** As the JDK writes it, with no list in the way. */
  private static byte[] crafted(@Nullable Object value) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ObjectOutputStream objects = new ObjectOutputStream(out)) {
      objects.writeObject(value);
    }
    return out.toByteArray();
  }

  private static Object nested(int depth) {
    Object inner = "bottom";
    for (int i = 0; i < depth; i++) {
      inner = new Object[] {inner};
    }
    return inner;
  }

  /** Two sets in each of two sets, and so on: few bytes, and 2 to the 100 hash codes. */
  private static Set<Object> setsInSets() {
    Set<Object> root = new HashSet<>();
    Set<Object> one = root;
    Set<Object> two = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      Set<Object> nextOne = new HashSet<>();
      Set<Object> nextTwo = new HashSet<>();
      nextOne.add("makes them differ");
      one.add(nextOne);
      one.add(nextTwo);
      two.add(nextOne);
      two.add(nextTwo);
      one = nextOne;
      two = nextTwo;
    }
    return root;
  }

  /** As setsInSets. */
  private static Object pairsOfPairs(BinaryOperator<@Nullable Object> pair) {
    Object inner = "bottom";
    for (int i = 0; i < 100; i++) {
      inner = pair.apply(inner, inner);
    }
    return inner;
  }

  /** As our own codec writes it, with no list in the way. */
  private static byte[] encoded(Object value) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new SerializationCodec(List.of("io.mpilock.**")).encode(value, out);
    return out.toByteArray();
  }

  private static byte[] notPositive() throws IOException {
    return crafted(
        new Records.Taken(
            new Records.Shape(Positive.class, "int number"), new @Nullable Object[] {-1}));
  }

  /** An array of one long that says that it has more. */
  private static byte[] longs(int declared) throws IOException {
    byte[] bytes = crafted(new long[1]);
    int at = bytes.length - Long.BYTES - Integer.BYTES;
    for (int i = 0; i < Integer.BYTES; i++) {
      bytes[at + i] = (byte) (declared >>> (24 - 8 * i));
    }
    return bytes;
  }

  /** Arrays in arrays; each declares a length and brings its first element, the next array. */
  private static byte[] arraysInArrays(int depth, int declared) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(out);
    data.writeShort(ObjectStreamConstants.STREAM_MAGIC);
    data.writeShort(ObjectStreamConstants.STREAM_VERSION);
    for (int i = 0; i < depth; i++) {
      data.writeByte(ObjectStreamConstants.TC_ARRAY);
      if (i == 0) {
        data.writeByte(ObjectStreamConstants.TC_CLASSDESC);
        data.writeUTF("[Ljava.lang.Object;");
        data.writeLong(1);
        data.writeByte(ObjectStreamConstants.SC_SERIALIZABLE);
        data.writeShort(0);
        data.writeByte(ObjectStreamConstants.TC_ENDBLOCKDATA);
        data.writeByte(ObjectStreamConstants.TC_NULL);
      } else {
        data.writeByte(ObjectStreamConstants.TC_REFERENCE);
        data.writeInt(ObjectStreamConstants.baseWireHandle);
      }
      data.writeInt(declared);
    }
    return out.toByteArray();
  }

  static List<Bomb> bombs() throws IOException {
    byte[] good = crafted(new HashMap<>(Map.of("key", List.of(1, 2, 3))));
    byte[] broken = good.clone();
    broken[4] ^= 0x40;
    return List.of(
        bomb("a class outside of the list", crafted(new Foreign("x")), "Foreign", "share.allow"),
        bomb("a class inside a list", crafted(List.of(new Foreign("x"))), "Foreign", "share.allow"),
        bomb(
            "a record outside of the list",
            encoded(List.of(new ForeignRecord("x"))),
            "ForeignRecord",
            "share.allow"),
        bomb("pairs of pairs", encoded(pairsOfPairs(Pair::new)), "hash codes"),
        bomb(
            "serializable pairs of pairs",
            crafted(pairsOfPairs(SerializablePair::new)),
            "hash codes"),
        bomb(
            "a record of other components",
            crafted(new Records.Shape(Positive.class, "long number")),
            "(int number)",
            "(long number)"),
        bomb("a record that its class refuses", notPositive(), "not positive: -1"),
        bomb("a deep graph", arraysInArrays(1_500, 1), "a graph of depth", "more than"),
        bomb("an array of 16 GiB", longs(Integer.MAX_VALUE), "an array of 2147483647", "more than"),
        bomb("an array of 80 MB", longs(10_000_000), "an array of 10000000", "bytes came"),
        bomb(
            "900 arrays of 1 MB", arraysInArrays(900, 250_000), "an array of 250000", "bytes came"),
        bomb("sets in sets", crafted(setsInSets()), "hash codes"),
        bomb("a stream that is cut", Arrays.copyOf(good, good.length - 7), "EOFException"),
        bomb("a stream with a flipped bit", broken, "StreamCorruptedException"),
        bomb("nothing", new byte[0], "EOFException"),
        bomb(
            "no stream",
            "GET / HTTP/1.1".getBytes(StandardCharsets.US_ASCII),
            "StreamCorruptedException"));
  }

  static Stream<Arguments> everywhere() throws IOException {
    List<Bomb> bombs = bombs();
    return Stream.of(List.of(0, 0), List.of(0, 0, 0, 0), List.of(0, 0, 1, 1))
        .flatMap(nodes ->
            bombs.stream()
                .map(bomb -> Arguments.argumentSet(bomb + ", nodes " + nodes, nodes, bomb)));
  }

  /** Writes what it is given, as a rank would that is not ours; reads as ours do. */
  private final class Hostile implements ShareCodec {
    @Override
    public void encode(@Nullable Object value, OutputStream out) throws IOException {
      out.write((byte[]) Objects.requireNonNull(value));
    }

    @Override
    public @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException {
      return codec.decode(in);
    }
  }

  @ParameterizedTest
  @MethodSource("everywhere")
  void everyRankThatReadsRefusesABombWithTheReason(List<Integer> nodes, Bomb bomb)
      throws Exception {
    byte[] good = crafted("all is well");
    new ThreadRanks(nodes, folder)
        .run(
            ControllerOptions.defaults().withShareCodec(new Hostile()),
            controller -> {
              int writer = controller.size() - 1;
              Throwable refused =
                  catchThrowable(() -> controller.singleWrite(writer, () -> bomb.bytes()));
              if (controller.rank() == writer) {
                assertThat(refused).isNull(); // it keeps what it made
              } else {
                assertThat(refused)
                    .isInstanceOf(ShareException.class)
                    .hasMessageContaining("Rank " + controller.rank() + " could not decode")
                    .hasMessageContaining("rank " + writer + " shared");
                bomb.words().forEach(word -> assertThat(refused).hasMessageContaining(word));
              }
              Object shared = controller.singleWrite(writer, () -> good);
              if (controller.rank() != writer) {
                assertThat(shared).isEqualTo("all is well");
              }
              controller.write().close();
            });
  }

  static Stream<Arguments> ownObjects() {
    return Stream.of(List.of(0, 0), List.of(0, 0, 0, 0), List.of(0, 0, 1, 1))
        .flatMap(nodes ->
            Stream.of(
                Arguments.argumentSet("deep, nodes " + nodes, nodes, nested(1_500), "depth"),
                Arguments.argumentSet(
                    "record, nodes " + nodes, nodes, new ForeignRecord("x"), "share.allow"),
                Arguments.argumentSet(
                    "foreign, nodes " + nodes, nodes, new Foreign("x"), "share.allow")));
  }

  @ParameterizedTest
  @MethodSource("ownObjects")
  void whatTheOthersWouldRefuseTheWriterRefusesForAll(
      List<Integer> nodes, Object value, String word) throws Exception {
    new ThreadRanks(nodes, folder)
        .run(controller -> {
          Throwable refused = catchThrowable(() -> controller.singleWrite(() -> value));
          assertThat(refused)
              .isInstanceOf(
                  controller.rank() == 0 ? ShareException.class : SingleWriteFailedException.class)
              .hasMessageContaining(word);
          String still = controller.singleWrite(() -> "still");
          assertThat(still).isEqualTo("still");
        });
  }

  private @Nullable Object decode(byte[] bytes) throws IOException, ClassNotFoundException {
    return codec.decode(new ByteArrayInputStream(bytes));
  }

  @ParameterizedTest
  @MethodSource("bombs")
  void refusingABombTakesLittleMemory(Bomb bomb) throws Exception {
    Bounded.run(
        64L << 20, // the hash codes of the sets leave garbage; each array takes more
        () -> assertThatThrownBy(() -> decode(bomb.bytes())).isInstanceOf(IOException.class));
  }

  @Test
  void aStreamWithAnyOneBitFlippedIsReadOrRefusedAndNothingElse() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    codec.encode(
        new HashMap<>(
            Map.of(
                "k",
                List.of(1, Optional.of(Path.of("p"))),
                "s",
                Set.of("x"),
                "r",
                new Pair(new Positive(5), null))),
        out);
    byte[] bytes = out.toByteArray();
    for (int bit = 0; bit < 8 * bytes.length; bit++) {
      byte[] flipped = bytes.clone();
      flipped[bit / 8] ^= (byte) (1 << (bit % 8));
      Throwable refused = catchThrowable(() -> decode(flipped));
      if (refused != null) {
        assertThat(refused)
            .as("%s, bit %d", refused, bit)
            .isInstanceOfAny(IOException.class, ClassNotFoundException.class);
      }
    }
  }

  /** Lists of records that hold records, which others hold too. */
  private static List<Pair> manyPairs() {
    List<Pair> all = new ArrayList<>();
    Pair common = new Pair("a", List.of(1, 2, 3));
    for (int i = 0; i < 50_000; i++) {
      all.add(
          new Pair(new Pair(i, common), new Pair(all.isEmpty() ? null : all.getLast().one(), 1)));
    }
    return all;
  }

  @Test
  void whatIsWholeIsNotTakenForABomb() throws Exception {
    Map<String, Integer> colliding = new HashMap<>(); // 16384 keys of one hash code
    for (int i = 0; i < 1 << 14; i++) {
      StringBuilder key = new StringBuilder();
      for (int bit = 0; bit < 14; bit++) {
        key.append(((i >>> bit) & 1) == 0 ? "Aa" : "BB");
      }
      colliding.put(key.toString(), i);
    }
    Map<Object, Object> sparse = new HashMap<>(1 << 12, 0.25f);
    IdentityHashMap<Object, Object> many = new IdentityHashMap<>();
    for (int i = 0; i < 300_000; i++) {
      sparse.put(i, null);
      many.put(i, null);
    }
    List<Object> shared = List.of(colliding, colliding, List.of(colliding));
    for (Object whole :
        List.of(
            colliding,
            sparse,
            shared,
            new Object[2_000_000],
            new ArrayDeque<>(sparse.keySet()),
            manyPairs(),
            Collections.nCopies(200_000, 1))) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      codec.encode(whole, out);
      Object read = Objects.requireNonNull(decode(out.toByteArray()));
      if (whole instanceof Map<?, ?> map) {
        assertThat(((Map<?, ?>) read).size()).isEqualTo(map.size());
      } else if (whole instanceof Object[] array) {
        assertThat((Object[]) read).hasSameSizeAs(array);
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    codec.encode(many, out);
    assertThat((Map<?, ?>) decode(out.toByteArray())).hasSize(300_000);
    assertThat((Object[]) Objects.requireNonNull(decode(crafted(nested(900))))).hasSize(1);
  }
}

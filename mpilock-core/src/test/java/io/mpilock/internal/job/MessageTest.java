/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.mpilock.internal.job.Message.MalformedException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The frames of the messages. */
class MessageTest {

  /** Every message there is, with each value that a component is tested with at least once. */
  static Stream<Message> messages() {
    return types(Message.class)
        .flatMap(type -> IntStream.range(0, 4).mapToObj(variant -> make(type, variant)));
  }

  private static Stream<Class<?>> types(Class<?> type) {
    return type.isRecord()
        ? Stream.of(type)
        : Arrays.stream(type.getPermittedSubclasses()).flatMap(MessageTest::types);
  }

  private static Message make(Class<?> type, int variant) {
    try {
      RecordComponent[] components = type.getRecordComponents();
      Class<?>[] types =
          Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      Object[] values =
          IntStream.range(0, types.length)
              .mapToObj(i -> value(types[i], (variant + i) % 4))
              .toArray();
      return (Message) type.getDeclaredConstructor(types).newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("a message that cannot be made", e);
    }
  }

  private static Object value(Class<?> type, int variant) {
    if (type == String.class) {
      return List.of("", "orders", "größe \uD83D\uDD12 \u0000", "x".repeat(300)).get(variant);
    } else if (type == long.class) {
      return List.of(0L, -1L, Long.MIN_VALUE, 0x0102030405060708L).get(variant);
    } else if (type == int.class) {
      return List.of(0, -1, Integer.MAX_VALUE, 0x01020304).get(variant);
    } else if (type == boolean.class) {
      return variant % 2 == 0;
    } else if (type == Permission.class) {
      return List.copyOf(EnumSet.allOf(Permission.class)).get(variant % 3);
    } else if (type == NodeReport.class) {
      return report(variant);
    } else if (type == WaitReport.class) {
      return waits(variant);
    }
    throw new AssertionError("no value of " + type + " to test with");
  }

  private static NodeReport report(int variant) {
    Permission permission = (Permission) value(Permission.class, variant);
    String text = (String) value(String.class, variant);
    long number = (long) value(long.class, variant);
    int rank = (int) value(int.class, variant);
    NodeReport.Use use =
        new NodeReport.Use(
            rank, variant % 2 == 0, variant / 2 == 0, ~rank, number, text, number + 1);
    NodeReport.Resource resource =
        new NodeReport.Resource(
            text, number, rank, permission, text, Collections.nCopies(variant, use));
    return new NodeReport(
        number,
        List.of(1, variant, -128, 127),
        Collections.nCopies((variant + 1) % 4, resource),
        rank);
  }

  private static WaitReport waits(int variant) {
    String text = (String) value(String.class, variant);
    long number = (long) value(long.class, variant);
    int rank = (int) value(int.class, variant);
    WaitReport.Wait wait =
        new WaitReport.Wait(
            rank,
            number,
            ~number,
            text,
            text + "2",
            variant % 2 == 0,
            variant / 2 == 0,
            number + 1,
            Collections.nCopies(variant, new WaitReport.Wait.Held(text, variant % 2 == 1)));
    return new WaitReport(
        Collections.nCopies(variant, number), Collections.nCopies((variant + 1) % 4, wait));
  }

  private static byte[] encode(Message message) {
    ByteBuffer frame = ByteBuffer.allocate(16 * 1024);
    frame.position(7).limit(9); // left over from an earlier use
    message.encode(frame);
    byte[] bytes = new byte[frame.remaining()];
    frame.get(bytes);
    return bytes;
  }

  private static void assertMalformed(byte[] bytes) {
    try {
      fail(Arrays.toString(bytes) + " is " + decode(bytes));
    } catch (MalformedException _) {
      // as it should be
    }
  }

  @ParameterizedTest
  @MethodSource("messages")
  void whatIsEncodedIsDecoded(Message message) throws MalformedException {
    ByteBuffer frame = ByteBuffer.wrap(encode(message));
    assertThat(Message.decode(frame)).isEqualTo(message);
    assertThat(frame.hasRemaining()).isFalse();
  }

  @Test
  void eachTypeHasItsOwnByteWhichIsNotThatOfAStream() {
    Set<Byte> bytes = new HashSet<>();
    types(Message.class).forEach(type -> assertThat(bytes.add(encode(make(type, 0))[0])).isTrue());
    assertThat(bytes).hasSizeGreaterThan(20).doesNotContain(Message.STREAM);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void whatIsCutOffIsMalformed(Message message) {
    byte[] bytes = encode(message);
    for (int length = 0; length < bytes.length; length++) {
      assertMalformed(Arrays.copyOf(bytes, length));
    }
  }

  @ParameterizedTest
  @MethodSource("messages")
  void whatIsTooLongIsMalformed(Message message) {
    byte[] bytes = encode(message);
    assertMalformed(Arrays.copyOf(bytes, bytes.length + 1));
  }

  @Test
  void anUnknownTypeIsMalformed() {
    Set<Byte> known = new HashSet<>();
    types(Message.class).forEach(type -> known.add(encode(make(type, 0))[0]));
    for (int type = Byte.MIN_VALUE; type <= Byte.MAX_VALUE; type++) {
      if (!known.contains((byte) type)) {
        assertMalformed(new byte[] {(byte) type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Short.MIN_VALUE, 4097, Short.MAX_VALUE})
  void anIllegalLengthIsMalformed(int length) {
    byte[] frame = new byte[40 * 1024];
    ByteBuffer.wrap(frame).put(encode(new Message.Cancel(""))[0]).putShort((short) length);
    assertMalformed(frame);
  }

  @Test
  void anIllegalPermissionIsMalformed() {
    byte[] frame = encode(new Message.Grant("r", Permission.SHARED, 1, 2));
    for (int permission : new int[] {-1, 3, Byte.MAX_VALUE}) {
      frame[4] = (byte) permission;
      assertMalformed(frame);
    }
  }

  @Test
  void anIllegalFlagIsMalformed() {
    byte[] frame = encode(new Message.Through(true));
    for (int flag : new int[] {-1, 2}) {
      frame[1] = (byte) flag;
      assertMalformed(frame);
    }
  }

  @Test
  void textThatIsNotUtf8IsMalformed() {
    byte[] frame = encode(new Message.Cancel("abc"));
    frame[4] = (byte) 0xC3; // and no second byte of that character
    assertMalformed(frame);
  }

  @Test
  void anyBytesAreAMessageOrMalformed() {
    Random random = new Random(17);
    List<byte[]> frames = messages().map(MessageTest::encode).toList();
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = frames.get(random.nextInt(frames.size())).clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bytes[random.nextInt(Math.min(bytes.length, 40))] = (byte) random.nextInt();
      }
      try {
        Message message = Message.decode(ByteBuffer.wrap(bytes));
        assertThat(encode(message)).isEqualTo(bytes);
      } catch (MalformedException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
  }

  @Test
  void theLongestTextIsKept() throws MalformedException {
    Message.Summary summary = new Message.Summary(1, "x".repeat(Message.LONGEST_TEXT));
    byte[] bytes = encode(summary);
    assertThat(decode(bytes)).isEqualTo(summary);
    assertMalformed(Arrays.copyOf(bytes, bytes.length - 1));
  }

  @Test
  void textThatIsTooLongIsCutBetweenCharacters() throws MalformedException {
    for (String character : List.of("a", "ö", "€", "\uD83D\uDD12")) {
      for (int before = 0; before < 4; before++) {
        String text = "x".repeat(before) + character.repeat(5000);
        Message.Summary summary = (Message.Summary) decode(encode(new Message.Summary(1, text)));
        assertThat(text).startsWith(summary.text());
        int bytes = summary.text().getBytes(StandardCharsets.UTF_8).length;
        assertThat(bytes).isBetween(Message.LONGEST_TEXT - 3, Message.LONGEST_TEXT);
      }
    }
  }

  @Test
  void textThatHasNoUtf8IsStillAMessage() throws MalformedException {
    assertThat(decode(encode(new Message.Summary(1, "a\uD83D"))))
        .isEqualTo(new Message.Summary(1, "a?"));
  }

  private static Message decode(byte[] bytes) throws MalformedException {
    return Message.decode(ByteBuffer.wrap(bytes));
  }
}

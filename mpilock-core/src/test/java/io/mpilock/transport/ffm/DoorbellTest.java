/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The connections beside MPI, between doorbells of this process. */
@Timeout(60)
class DoorbellTest {
  private static final int TOKEN = 16;
  private static final byte RING = 1;

  private final AtomicLong rungAtLow = new AtomicLong();
  private final AtomicLong rungAtHigh = new AtomicLong();
  private Doorbell low;
  private Doorbell high;

  @BeforeEach
  void open() throws IOException {
    low = new Doorbell(0);
    high = new Doorbell(1);
    low.add(rungAtLow::incrementAndGet);
    high.add(rungAtHigh::incrementAndGet);
  }

  @AfterEach
  void close() {
    low.close();
    high.close();
  }

  private static void waitUntil(BooleanSupplier isSo) throws InterruptedException {
    while (!isSo.getAsBoolean()) { // till the time-out
      Thread.sleep(1);
    }
  }

  /** As one that is on this host only: the test runs where there is no network, too. */
  private static ByteBuffer greeting() {
    ByteBuffer greeting = ByteBuffer.allocate(64);
    Places.put(greeting, List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
    return greeting.flip();
  }

  private void connect() throws InterruptedException {
    ByteBuffer _ = Objects.requireNonNull(high.greet(0));
    high.accept(0, low.invite(1, greeting()));
    waitUntil(() -> low.isConnected(1) && high.isConnected(0));
  }

  private static InetSocketAddress place(ByteBuffer invitation) {
    return Places.get(invitation.duplicate().position(TOKEN)).getFirst();
  }

  @Test
  void eachWakesTheOther() throws Exception {
    assertThat(low.isComing(1)).isTrue();
    connect();
    assertThat(low.isComing(1)).isFalse();
    long before = rungAtLow.get();
    high.ring(0);
    waitUntil(() -> rungAtLow.get() > before);
    long beforeHigh = rungAtHigh.get();
    low.ring(1);
    waitUntil(() -> rungAtHigh.get() > beforeHigh);
    assertThat(high.nanosSinceRing()).isLessThan(60_000_000_000L);
  }

  @Test
  void onlyTheHigherRankGreetsAndOnlyOnce() {
    assertThat(low.greet(1)).isNull();
    assertThat(high.greet(0)).isNotNull();
    assertThat(high.greet(0)).isNull();
  }

  @Test
  void nobodyListensOnceTheInvitedHasCome() throws Exception {
    ByteBuffer _ = Objects.requireNonNull(high.greet(0));
    ByteBuffer invitation = low.invite(1, greeting());
    high.accept(0, invitation.duplicate());
    waitUntil(() -> low.isConnected(1));
    waitUntil(() -> {
      try (SocketChannel late = SocketChannel.open(place(invitation))) {
        return !late.isOpen(); // it came before the listener was closed
      } catch (IOException e) {
        return true; // refused
      }
    });
  }

  @Test
  void whoDoesNotKnowTheTokenIsSentAway() throws Exception {
    ByteBuffer invitation = low.invite(1, greeting());
    try (SocketChannel stranger = SocketChannel.open(place(invitation))) {
      int _ = stranger.write(ByteBuffer.wrap(new byte[TOKEN]));
      assertThat(stranger.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }
    assertThat(low.isConnected(1)).isFalse();
    high.accept(0, invitation); // without having greeted: not expected
    ByteBuffer _ = Objects.requireNonNull(high.greet(0));
    high.accept(0, invitation.rewind());
    waitUntil(() -> low.isConnected(1));
  }

  private SocketChannel pretend() throws IOException, InterruptedException {
    ByteBuffer invitation = low.invite(1, greeting());
    SocketChannel channel = SocketChannel.open(place(invitation));
    int _ = channel.write(invitation.duplicate().limit(TOKEN));
    waitUntil(() -> low.isConnected(1));
    return channel;
  }

  @Test
  void aProcessThatEndsIsCutOff() throws Exception {
    SocketChannel other = pretend();
    long before = rungAtLow.get();
    other.close();
    waitUntil(() -> low.isCutOff(1));
    waitUntil(() -> rungAtLow.get() > before);
    assertThat(low.isConnected(1)).isFalse();
    low.ring(1); // no harm
  }

  @Test
  void whoSaysGoodbyeIsNot() throws Exception {
    connect();
    high.close();
    waitUntil(() -> !low.isConnected(1));
    assertThat(low.isCutOff(1)).isFalse();
  }

  /** By construction: a millisecond passes between two. */
  @Test
  void aFloodWakesNoMoreOftenThanOnceAMillisecond() throws Exception {
    try (SocketChannel other = pretend()) {
      byte[] flood = new byte[1 << 16];
      java.util.Arrays.fill(flood, RING);
      long before = rungAtLow.get();
      long start = System.nanoTime();
      for (int i = 0; i < 16; i++) {
        int _ = other.write(ByteBuffer.wrap(flood));
      }
      waitUntil(() -> rungAtLow.get() - before > 20);
      long millis = (System.nanoTime() - start) / 1_000_000;
      assertThat(rungAtLow.get() - before).isLessThanOrEqualTo(millis + 2);
    }
  }

  @Test
  void whereNobodyListensThereIsNoDoorbell() throws Exception {
    ByteBuffer invitation = low.invite(1, greeting());
    low.close(); // and with it the listener
    ByteBuffer _ = Objects.requireNonNull(high.greet(0));
    high.accept(0, invitation);
    waitUntil(() -> !high.isComing(0));
    assertThat(high.isConnected(0)).isFalse();
    assertThat(high.isCutOff(0)).isFalse();
  }

  @Test
  void anInvitationOfSomebodyWithoutADoorbellEndsTheWait() throws Exception {
    ByteBuffer _ = Objects.requireNonNull(high.greet(0));
    high.accept(0, ByteBuffer.allocate(0));
    waitUntil(() -> !high.isComing(0));
    assertThat(low.invite(1, ByteBuffer.wrap(new byte[] {3, 9})).remaining()).isEqualTo(TOKEN + 1);
    assertThat(low.isComing(1)).isFalse();
  }

  @Test
  void placesSurviveTheWay() throws Exception {
    List<InetSocketAddress> places =
        List.of(
            new InetSocketAddress(InetAddress.getByName("10.1.2.3"), 65_535),
            new InetSocketAddress(InetAddress.getByName("fd00::7"), 1));
    ByteBuffer bytes = ByteBuffer.allocate(100);
    Places.put(bytes, places);
    assertThat(Places.get(bytes.flip())).isEqualTo(places);
    assertThatThrownBy(() -> Places.get(ByteBuffer.wrap(new byte[] {1, 4, 0})))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The ring of a single write, chunk by chunk: rank 1 writes, ranks 0 and 2 read. */
@Timeout(20)
class ShareStreamTest {
  private static final int CHUNK = Layout.CHUNK_BYTES;
  private static final long CALL = 7;

  private final Simulation simulation =
      new Simulation(1, 3, (int) Layout.directory(3, 3) + Layout.LINE, false);
  private final List<RankContext> nodes = new ArrayList<>();
  private final List<ShareStream> streams = new ArrayList<>();
  private final ShareStream writer;

  ShareStreamTest() {
    for (int rank = 0; rank < 3; rank++) {
      simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      nodes.add(simulation.node(rank, Simulation.settings(false, 0, false)));
      streams.add(new ShareStream(nodes.get(rank), CALL, 1, rank));
    }
    writer = streams.get(1);
  }

  @AfterEach
  void nobodyIsLeftInterrupted() {
    Thread.interrupted();
  }

  private Waiter waiter(int rank) {
    Waiter.Watch watch =
        new Waiter.Watch() {
          @Override
          public void check() {}

          @Override
          public String describe(long waitedNanos) {
            return "";
          }
        };
    return new Waiter(nodes.get(rank), "r", 0, Waiter.FOREVER, watch);
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i * 31 + (i >>> 12));
    }
    return bytes;
  }

  private void putData(String text) {
    byte[] source = ("__" + text).getBytes(StandardCharsets.US_ASCII);
    writer.put(ShareStream.DATA, source, 2, text.length());
  }

  private String take(int rank) {
    byte[] target = new byte[CHUNK + 1];
    int length = streams.get(rank).take(target, 1);
    return new String(target, 1, length, StandardCharsets.US_ASCII);
  }

  @Test
  void eachReaderTakesEachChunkInOrder() {
    assertThat(writer.writer()).isEqualTo(1);
    assertThat(streams.get(0).isProduced()).isFalse();
    putData("a");
    putData("bc");
    writer.put(ShareStream.FAILURE, new byte[] {1}, 0, 1);
    writer.put(ShareStream.END, new byte[0], 0, 0);
    assertThat(writer.chunks()).isEqualTo(4);
    assertThat(writer.bytes()).as("of data").isEqualTo(3);
    for (int rank = 0; rank < 3; rank += 2) {
      ShareStream reader = streams.get(rank);
      assertThat(reader.isProduced()).isTrue();
      assertThat(reader.await(waiter(rank))).isEqualTo(ShareStream.DATA);
      assertThat(take(rank)).isEqualTo("a");
      assertThat(reader.chunks()).isEqualTo(1);
      assertThat(take(rank)).isEqualTo("bc");
      assertThat(reader.kind()).isEqualTo(ShareStream.FAILURE);
      assertThat(take(rank)).hasSize(1);
      assertThat(reader.await(waiter(rank))).isEqualTo(ShareStream.END);
      assertThat(take(rank)).isEmpty();
      assertThat(reader.isProduced()).isFalse();
    }
  }

  @Test
  void thereIsRoomForFourChunksUntilTheSlowestHasRead() {
    for (int i = 0; i < 4; i++) {
      assertThat(writer.hasRoom()).isTrue();
      putData("x");
    }
    assertThat(writer.hasRoom()).isFalse();
    take(0);
    take(0);
    assertThat(writer.hasRoom()).isFalse();
    take(2);
    assertThat(writer.hasRoom()).isTrue();
    putData("y");
    assertThat(writer.hasRoom()).isFalse();
  }

  @Test
  void whoLeavesOrIsGoneIsNotWaitedFor() {
    for (int i = 0; i < 4; i++) {
      putData("x");
    }
    streams.get(0).leave();
    assertThat(writer.hasRoom()).isFalse();
    simulation.word(Layout.slot(2) + Layout.LIFE, RankContext.CLOSING);
    assertThat(writer.hasRoom()).isFalse();
    simulation.word(Layout.slot(2) + Layout.LIFE, RankContext.LEFT);
    assertThat(writer.hasRoom()).isTrue();
  }

  @Test
  void whatIsLeftOfAnotherCallIsNotTakenForThisOnes() {
    putData("x");
    take(0);
    ShareStream next = new ShareStream(nodes.get(0), CALL + 1, 1, 0);
    assertThat(next.isProduced()).isFalse();
    ShareStream nextWriter = new ShareStream(nodes.get(1), CALL + 1, 1, 1);
    for (int i = 0; i < 4; i++) {
      assertThat(nextWriter.hasRoom()).isTrue();
      nextWriter.put(ShareStream.DATA, new byte[1], 0, 1);
    }
    assertThat(nextWriter.hasRoom()).as("progress of the call before is none").isFalse();
    for (int rank = 0; rank < 3; rank += 2) { // ranks that are in a later call have read it all
      ShareStream later = new ShareStream(nodes.get(rank), CALL + 2, 1, rank);
      later.leave();
    }
    assertThat(nextWriter.hasRoom()).isTrue();
    assertThat(next.isProduced()).isTrue();
    assertThat(streams.get(2).isProduced()).isFalse();
  }

  @Test
  void anInterruptEndsAWaitForRoomUnlessItIsToTellTheEnd() {
    for (int i = 0; i < 4; i++) {
      putData("x");
    }
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> putData("y"))
        .isInstanceOf(LockInterruptedException.class)
        .hasMessageContaining("Rank 1 was interrupted while it shared an object");
    assertThat(writer.chunks()).isEqualTo(4);
    assertThat(writer.bytes()).isEqualTo(4);
  }

  @Test
  void theEndNeedsNoRoom() {
    for (int i = 0; i < 4; i++) {
      putData("x");
    }
    assertThat(writer.hasRoom()).isFalse();
    writer.put(ShareStream.END, new byte[0], 0, 0);
    for (int rank = 0; rank < 3; rank += 2) {
      for (int i = 0; i < 4; i++) {
        assertThat(streams.get(rank).await(waiter(rank))).isEqualTo(ShareStream.DATA);
        assertThat(take(rank)).isEqualTo("x");
      }
      assertThat(streams.get(rank).await(waiter(rank))).isEqualTo(ShareStream.END);
      assertThat(take(rank)).isEmpty();
      assertThat(streams.get(rank).isProduced()).isFalse();
    }
  }

  @Test
  void anInterruptOrTheCloseEndsAWaitForTheWriter() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> streams.get(0).await(waiter(0)))
        .isInstanceOf(LockInterruptedException.class)
        .hasMessageContaining(
            "Rank 0 was interrupted while it waited for the single write of rank 1");
    Thread.interrupted();
    nodes.get(0).markClosed();
    assertThatThrownBy(() -> streams.get(0).await(waiter(0)))
        .isInstanceOf(ControllerClosedException.class);
    putData("x");
    assertThat(streams.get(0).await(waiter(0))).as("what is there is taken").isEqualTo(1);
  }

  @Test
  void aLengthThatNoChunkHasIsRefused() {
    putData("x");
    simulation.word(Layout.chunk(3, 0), (long) ShareStream.DATA << 32 | CHUNK + 1);
    assertThatThrownBy(() -> take(0))
        .isInstanceOf(MpilockException.class)
        .hasMessageContaining("a chunk of a shared object says that it has");
  }

  @Test
  void whatACodecWritesIsReadByTheOthersWhicheverWayItIsCut() throws IOException {
    byte[] all = bytes(2 * CHUNK + 5);
    try (OutputStream out = writer.output()) {
      out.write(all, 0, CHUNK - 1);
      out.write(all[CHUNK - 1]);
      out.write(all[CHUNK]);
      out.write(all, CHUNK + 1, all.length - CHUNK - 1);
      assertThatThrownBy(() -> out.write(all, 1, all.length))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(writer.chunks()).isEqualTo(3);
    assertThat(writer.bytes()).isEqualTo(all.length);
    writer.put(ShareStream.END, new byte[0], 0, 0);

    try (InputStream in = streams.get(0).input(waiter(0))) {
      byte[] got = new byte[all.length + 9];
      assertThat(in.read(got, 0, 0)).isZero();
      int at = 0;
      got[at++] = (byte) in.read();
      at += in.read(got, at, 3);
      assertThat(at).isEqualTo(4);
      int part;
      while ((part = in.read(got, at, got.length - at)) > 0) {
        assertThat(part).isLessThanOrEqualTo(CHUNK);
        at += part;
      }
      assertThat(part).isEqualTo(-1);
      assertThat(in.read()).isEqualTo(-1);
      assertThat(Arrays.copyOf(got, at)).isEqualTo(all);
      assertThatThrownBy(() -> in.read(got, 5, got.length))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(streams.get(0).bytes()).isEqualTo(all.length);
    assertThat(streams.get(0).kind()).isEqualTo(ShareStream.END);

    try (InputStream in = streams.get(2).input(waiter(2))) {
      byte[] got = new byte[all.length];
      for (int i = 0; i < got.length; i++) {
        got[i] = (byte) in.read();
      }
      assertThat(got).isEqualTo(all);
      assertThat(in.read()).isEqualTo(-1);
    }
  }

  @Test
  void aByteThatLooksNegativeIsAByte() throws IOException {
    try (OutputStream out = writer.output()) {
      out.write(0xFF);
    }
    try (InputStream in = streams.get(0).input(waiter(0))) {
      assertThat(in.read()).isEqualTo(0xFF);
    }
  }

  @Test
  void nothingThatWasSharedIsStillSomething() throws IOException {
    writer.output().close();
    assertThat(writer.chunks()).isEqualTo(1);
    assertThat(streams.get(0).await(waiter(0))).isEqualTo(ShareStream.DATA);
    assertThat(take(0)).isEmpty();
    assertThat(writer.bytes()).isZero();
  }
}

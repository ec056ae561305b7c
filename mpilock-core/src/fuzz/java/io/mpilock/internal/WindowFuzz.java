/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.failure.MpilockException;
import io.mpilock.internal.call.ShareStream;
import io.mpilock.internal.node.Holders;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.StatusQuery;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Bounded;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;

/**
 * Words that another process left in the shared memory: the directory's entries, the lengths in the
 * ring and in the texts. What cannot be is an exception that says so; nothing is read beyond its
 * place, and no length is allocated that the window does not have.
 *
 * <p>An input is words: each a short that says where, and a value of 8 bytes.
 */
public final class WindowFuzz {
  private WindowFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Bounded.run(1_500_000, () -> read(ByteBuffer.wrap(input)));
  }

  private static void read(ByteBuffer input) {
    RankContext[] ranks = HostileNode.fresh(2, 1, 0);
    RankContext node = ranks[0];
    NodeWindow window = node.window();
    long first = Layout.directory(node.members(), node.jobSize());
    while (input.remaining() >= Short.BYTES + Long.BYTES) {
      int where = input.getShort() & 0xFFFF;
      long value = input.getLong();
      long index = index(node, first, where);
      boolean isLock = index == Layout.DIRECTORY_LOCK;
      if (!isLock || value < 0 || value > node.members()) { // a living holder is waited for
        window.set(index, value);
      }
    }
    attempt(() -> directory(node));
    attempt(() -> stream(node));
    attempt(() -> node.text(Layout.report(node.members(), 1)));
    attempt(() -> new StatusQuery(node).read(0));
  }

  /** A few words of the header and the ring, else one of the directory. */
  private static long index(RankContext node, long first, int where) {
    return switch (where >>> 12) {
      case 0 -> Layout.DIRECTORY_END;
      case 1 -> Layout.DIRECTORY_LOCK;
      case 2 -> Layout.PRODUCED;
      case 3 -> Layout.chunk(node.members(), where);
      case 4 -> Layout.report(node.members(), where);
      case 5 -> Layout.answer(node.members());
      case 6 -> Layout.ENDED;
      case 7 -> Layout.END_KIND;
      default -> first + (where & 0xFFF);
    };
  }

  private static void attempt(Runnable reading) {
    try {
      reading.run();
    } catch (MpilockException e) {
      if (!String.valueOf(e.getMessage()).contains("shared memory")
          && !String.valueOf(e.getMessage()).contains("window")) {
        throw new AssertionError("an answer that is none", e);
      }
    }
  }

  private static void directory(RankContext node) {
    Directory directory = new Directory(node);
    for (long lockLine : directory.lockLines()) {
      new Holders(node, new NodeLock(node, lockLine, 0)).describe();
    }
    directory.use("orders");
  }

  private static void stream(RankContext node) {
    ShareStream stream = new ShareStream(node, 1, 1, 0);
    byte[] chunk = new byte[Layout.CHUNK_BYTES];
    for (int i = 0; i < 4 && stream.isProduced(); i++) {
      stream.kind();
      stream.take(chunk);
    }
  }
}

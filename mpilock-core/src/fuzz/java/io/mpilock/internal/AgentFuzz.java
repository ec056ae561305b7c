/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Bounded;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An agent whose other nodes send it anything, at any time: each frame is taken or dropped, and the
 * agent goes on. It runs on the fuzzer's thread.
 *
 * <p>An input is a byte for who is the master and how wide the tree of the nodes is, and steps. A
 * step is a byte and what it needs: a frame of one of the other nodes, or something that a rank of
 * the node does.
 */
public final class AgentFuzz {
  private static final int RANKS = 2;
  private static final int OTHERS = 2;

  private AgentFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (input.length > 0) {
      Bounded.run((6L << 20) + 64L * input.length, () -> run(ByteBuffer.wrap(input)));
    }
  }

  private static void run(ByteBuffer input) {
    int first = input.get();
    boolean isRoot = (first & 1) == 0;
    int arity = (first & 2) == 0 ? Agent.ARITY : 1;
    RankContext node = HostileNode.fresh(RANKS, OTHERS, isRoot ? 0 : RANKS)[0];
    Steps steps = new Steps(node, input);
    Agent agent = new Agent(node, steps, 1, new CallersThread(), arity);
    steps.agent = agent;
    agent.start(false);
    if (node.life(node.agent()) != RankContext.LEFT) {
      throw new AssertionError("the agent ended in the middle");
    }
  }

  private static final class CallersThread implements Agent.Carrier {
    @Override
    public void start(Runnable agent) {
      agent.run();
    }

    @Override
    public void awaitEnd(long nanos) {}
  }

  /** Frames as they come, and between them what ranks of the node do. */
  private static final class Steps implements Messenger {
    private final NodeWindow window;
    private final Directory directory;
    private final ByteBuffer input;
    private @Nullable Agent agent;

    Steps(RankContext node, ByteBuffer input) {
      this.window = node.window();
      this.directory = new Directory(node);
      this.input = input;
    }

    @Override
    public void send(int rank, ByteBuffer frame) {
      if (rank < RANKS || rank >= RANKS + OTHERS || frame.remaining() > FRAME_BYTES) {
        throw new AssertionError("a frame of " + frame.remaining() + " bytes to rank " + rank);
      }
      frame.position(frame.limit());
    }

    @Override
    public int receive(ByteBuffer target) {
      if (input.remaining() < 3) {
        Objects.requireNonNull(agent).stop();
        return -1;
      }
      int step = input.get() & 0xFF;
      int operand = input.getShort() & 0xFFFF;
      switch (step & 7) {
        case 0 -> askFor(operand);
        case 1 -> arrive(step >>> 3 & 1, operand, Verdict.SINGLE_WRITE);
        case 2 -> arrive(step >>> 3 & 1, operand, Verdict.CLOSE);
        case 3 -> seen(step >>> 3 & 1, operand);
        default -> {
          int length = Math.min(operand & 0x3FFF, input.remaining());
          target.clear().put(input.slice(input.position(), length)).flip();
          input.position(input.position() + length);
          if (length > 0) {
            return RANKS + (step >>> 3) % OTHERS;
          }
        }
      }
      return -1;
    }

    /** A rank waits for a resource, as if it had found it closed. */
    private void askFor(int operand) {
      long lockLine = directory.use((operand & 1) == 0 ? "default" : "r" + (operand >>> 8 & 3));
      if (lockLine >= 0 && window.compareAndSet(lockLine + Layout.ATTENTION, 0, 1)) {
        window.set(lockLine + Layout.NEXT, window.get(Layout.INBOX));
        window.set(Layout.INBOX, lockLine);
      }
    }

    private void arrive(int rank, int operand, long kind) {
      long call = operand & 7;
      long slot = Layout.callSlot(rank, call);
      window.set(slot + Layout.KIND, kind);
      window.set(slot + Layout.WRITER, operand >>> 8 & 3);
      window.set(slot + Layout.RESOURCE, directory.use("default"));
      window.set(slot + Layout.CALL, call << 8 | 1);
    }

    private void seen(int rank, int operand) {
      long call = operand & 7;
      window.set(Layout.callSlot(rank, call) + Layout.CALL, call << 8 | 2);
    }

    @Override
    public boolean isFlushed() {
      return true;
    }

    @Override
    public long pollNanos() {
      return 1_000_000;
    }

    @Override
    public void close() {}
  }
}

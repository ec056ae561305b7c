/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.testing.ProcessRanks;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** Programs that the messengers' tests run as the ranks of a job. */
final class MessengerScenarios {

  private MessengerScenarios() {}

  private static Communicator world() {
    return Transports.open(
        System.getProperty(ProcessRanks.TRANSPORT, "auto"), NativeNodeWindowSuite.settings());
  }

  private static Messenger open(Communicator world) {
    return world.messenger(() -> {});
  }

  private static void check(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static long allocatedBytes() {
    return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getCurrentThreadAllocatedBytes();
  }

  private static long threadNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  /** A rank that fails ends the job, for which the others would wait. */
  private interface Body {
    void run(Communicator world) throws Exception;
  }

  @SuppressWarnings("CatchAndPrintStackTrace") // the job ends here, so nobody else would print it
  private static void run(Body body) {
    Communicator world = world();
    try {
      body.run(world);
    } catch (Throwable e) {
      e.printStackTrace();
      System.err.flush();
      world.abort(70);
    }
  }

  /** The traffic of one messenger: every rank sends to every other, and checks what comes. */
  private static final class Traffic {
    private final Communicator world;
    private final Messenger messenger;
    private final long seed;
    private final int frames;
    private final int[] sent;
    private final int[] received;
    private final Random[] sending;
    private final Random[] receiving;
    private final ByteBuffer out = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    private final ByteBuffer in = ByteBuffer.allocateDirect(Messenger.FRAME_BYTES);

    Traffic(Communicator world, int frames, long seed) {
      this.world = world;
      this.frames = frames;
      this.seed = seed;
      messenger = open(world);
      int size = world.size();
      sent = new int[size];
      received = new int[size];
      sending = new Random[size];
      receiving = new Random[size];
      for (int rank = 0; rank < size; rank++) {
        sending[rank] = random(world.rank(), rank);
        receiving[rank] = random(rank, world.rank());
      }
    }

    /** What one rank sends to another is made up by both. */
    private Random random(int from, int to) {
      return new Random(seed * 10_000 + from * 100L + to);
    }

    private static int length(Random random, int number) {
      return switch (number) {
        case 0 -> 1;
        case 1 -> Messenger.FRAME_BYTES;
        default ->
            1
                + random.nextInt(
                    number % 16 == 0 ? Messenger.FRAME_BYTES : number % 4 == 0 ? 5000 : 300);
      };
    }

    private static byte content(int number, int at) {
      return (byte) (number * 31 + at * 7 + (at >> 8));
    }

    /** With more ranks than cores, spinning would hold up those that have something to do. */
    private static void rest() {
      LockSupport.parkNanos(50_000);
    }

    /** Sends a burst to every rank that has not got all, and takes what is there. */
    void turn(int burst) {
      for (int i = 0; i < burst; i++) {
        for (int rank = 0; rank < world.size(); rank++) {
          if (rank != world.rank() && sent[rank] < frames) {
            int number = sent[rank]++;
            out.clear().limit(length(sending[rank], number));
            for (int at = 0; at < out.limit(); at++) {
              out.put(at, content(number, at));
            }
            messenger.send(rank, out);
            check(out.position() == out.limit(), "the position is not at the limit");
          }
        }
      }
      take();
    }

    void take() {
      for (int from = messenger.receive(in); from >= 0; from = messenger.receive(in)) {
        int number = received[from]++;
        int length = length(receiving[from], number);
        check(
            in.position() == 0 && in.limit() == length,
            "frame %d of rank %d has %d bytes, not %d".formatted(number, from, in.limit(), length));
        for (int at = 0; at < length; at++) {
          check(in.get(at) == content(number, at), "frame " + number + " differs at " + at);
        }
      }
    }

    boolean isDone() {
      for (int rank = 0; rank < world.size(); rank++) {
        if (rank != world.rank() && (sent[rank] < frames || received[rank] < frames)) {
          return false;
        }
      }
      return messenger.isFlushed();
    }
  }

  /** Two messengers at once, each with thousands of frames of all sizes between all ranks. */
  static final class Exchanges {
    public static void main(String[] args) {
      int frames = Integer.parseInt(args[0]);
      run(world -> {
        Traffic one = new Traffic(world, frames, 1);
        Traffic two = new Traffic(world, frames / 4, 2);
        long start = System.nanoTime();
        while (!one.isDone() || !two.isDone()) {
          one.turn(8);
          two.turn(3);
          Traffic.rest();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        one.messenger.close();
        two.messenger.close();
        Traffic three = new Traffic(world, 20, 3);
        while (!three.isDone()) {
          three.turn(1);
          Traffic.rest();
        }
        three.messenger.close();
        System.out.println(
            "exchanged %d frames per pair in %.2f s".formatted(frames + frames / 4, seconds));
        world.close();
      });
    }
  }

  /** Every rank sends large frames that nobody receives, and closes. */
  static final class ClosesWithQueuedFrames {
    public static void main(String[] args) {
      run(world -> {
        Messenger messenger = open(world);
        for (int i = 0; i < 40; i++) {
          for (int rank = 0; rank < world.size(); rank++) {
            if (rank != world.rank()) {
              messenger.send(rank, ByteBuffer.allocate(i % 2 == 0 ? Messenger.FRAME_BYTES : 10));
            }
          }
        }
        System.out.println("flushed at once: " + messenger.isFlushed());
        messenger.close();
        messenger.close();
        check(messenger.receive(ByteBuffer.allocate(Messenger.FRAME_BYTES)) < 0, "received");
        messenger.send((world.rank() + 1) % world.size(), ByteBuffer.allocate(1));
        world.close();
        System.out.println("closed");
      });
    }
  }

  /** What waiting costs an agent that has nothing to do; arguments: seconds, poll in µs. */
  static final class Idles {
    public static void main(String[] args) {
      long nanos = Long.parseLong(args[0]) * 1_000_000_000;
      run(world -> {
        Messenger messenger = open(world);
        long poll = args.length > 1 ? Long.parseLong(args[1]) * 1000 : messenger.pollNanos();
        ByteBuffer target = ByteBuffer.allocate(Messenger.FRAME_BYTES);
        for (int warm = 0; warm < 30_000; warm++) {
          check(messenger.receive(target) < 0, "received");
        }
        long allocated = allocatedBytes();
        for (int i = 0; i < 1000; i++) {
          check(messenger.receive(target) < 0, "received");
        }
        allocated = (allocatedBytes() - allocated) / 1000;
        Thread.sleep(1000); // for the compiler to be quiet again
        long start = System.nanoTime();
        long cpu = threadNanos();
        long all = cpuNanos();
        while (System.nanoTime() - start < nanos) {
          check(messenger.receive(target) < 0, "received");
          LockSupport.parkNanos(poll);
        }
        double passed = (System.nanoTime() - start) / 100.0;
        System.out.println(
            ("idle, polling every %d µs: the thread takes %.2f %% of a core, the process %.2f %%;"
                    + " a poll allocates %d bytes")
                .formatted(
                    poll / 1000,
                    (threadNanos() - cpu) / passed,
                    (cpuNanos() - all) / passed,
                    allocated));
        messenger.close();
        world.close();
      });
    }
  }

  /** Rank 1 is killed in the middle of large frames; the others go on with each other. */
  static final class LosesARank {
    private final Messenger messenger;
    private final ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    private final int[] received = new int[3];

    private LosesARank(Messenger messenger) {
      this.messenger = messenger;
    }

    public static void main(String[] args) {
      run(world -> {
        LosesARank self = new LosesARank(open(world));
        if (world.rank() == 1) {
          self.beKilled();
        }
        self.goOn(world);
        self.messenger.close();
        world.close();
        System.out.println("came to its end");
      });
    }

    private void beKilled() throws InterruptedException {
      send(0, 1, 0);
      send(2, 1, 0);
      awaitFrames(0, 1);
      awaitFrames(2, 1);
      for (int number = 1; number <= 20; number++) {
        send(0, number == 1 ? 1 : Messenger.FRAME_BYTES, number);
        send(2, Messenger.FRAME_BYTES, number);
      }
      Thread.sleep(Long.MAX_VALUE); // no call that would make them get on
    }

    private void goOn(Communicator world) {
      int other = 2 - world.rank();
      awaitFrames(1, 1);
      send(1, 1, 0); // now the connections are made
      if (world.rank() == 0) {
        awaitFrames(1, 2);
        ProcessHandle.of(world.member(1).pid()).orElseThrow().destroyForcibly();
      }
      for (int number = 0; number < 300; number++) {
        int length = number % 10 == 0 ? Messenger.FRAME_BYTES : 100;
        send(other, length, number);
        send(1, length, number + 1); // behind the answer, which was 0
        awaitFrames(other, number + 1);
        if (number == 200) {
          world.lost(1);
          check(!world.isAlive(1), "rank 1 should be dead");
        }
      }
      while (!messenger.isFlushed()) {
        LockSupport.parkNanos(100_000);
      }
      System.out.println("went on without rank 1");
    }

    private void send(int rank, int length, int number) {
      messenger.send(rank, frame.clear().limit(length).put(0, (byte) number));
    }

    /** Takes frames of all ranks until so many of one have come. */
    private void awaitFrames(int rank, int count) {
      while (received[rank] < count) {
        int from = messenger.receive(frame);
        if (from < 0) {
          LockSupport.parkNanos(100_000);
        } else {
          byte number = (byte) received[from]++;
          check(frame.get(0) == number, frame.get(0) + " of " + from + " instead of " + number);
        }
      }
    }
  }

  /** Two ranks whose connection is cut and comes back. */
  static final class IsCutOff {
    private static final int LAST = -1;

    public static void main(String[] args) {
      run(world -> {
        Messenger messenger = open(world);
        ByteBuffer in = ByteBuffer.allocate(Messenger.FRAME_BYTES);
        ByteBuffer out = ByteBuffer.allocate(Messenger.FRAME_BYTES);
        int peer = 1 - world.rank();
        int sent = 0;
        int received = 0;
        long silence = 0; // turns, of some milliseconds
        boolean cut = false;
        boolean silent = false;
        boolean last = false;
        while (!last) {
          out.clear().limit(++sent % 20 == 0 ? Messenger.FRAME_BYTES : 100);
          messenger.send(peer, out.putInt(0, sent));
          silence++;
          while (!last && messenger.receive(in) == peer) {
            silence = 0;
            last = in.getInt(0) == LAST;
            received++;
            check(last || in.getInt(0) == received, in.getInt(0) + " instead of " + received);
          }
          if (world.rank() == 0) {
            if (!cut && received > 100) {
              cut = true;
              System.out.println("cut me off");
            } else if (cut && !silent && silence > 100) {
              silent = true;
              System.out.println("connect me");
            } else if (silent && silence == 0) {
              break;
            }
          }
          LockSupport.parkNanos(5_000_000);
        }
        messenger.send(peer, out.clear().limit(4).putInt(0, LAST));
        while (!last || !messenger.isFlushed()) {
          if (messenger.receive(in) == peer) {
            last = in.getInt(0) == LAST;
            received++;
            check(last || in.getInt(0) == received, in.getInt(0) + " instead of " + received);
          }
        }
        System.out.println("missed nothing");
        messenger.close();
        world.close();
      });
    }
  }
}

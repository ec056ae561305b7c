/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.testing.InjectingLoader;
import io.mpilock.testing.Injection;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Ranks under a launcher that open controllers, while something is thrown at one of them. Each time
 * with the ranks in another order, which is another group to MPI. Loaded by {@link
 * InjectingLoader}.
 */
public final class OpeningOverMpi {
  private static final int FAULTY = 1;
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final ControllerOptions OPTIONS =
      ControllerOptions.defaults().withShutdownTimeout(Duration.ofMillis(100));

  private OpeningOverMpi() {}

  /** As {@link #run}: the folder that the ranks share, the thread, the steps; and the transport. */
  public static void main(String[] args) throws Exception {
    new InjectingLoader(OpeningOverMpi.class, "io.mpilock.transport." + args[3])
        .loadClass(OpeningOverMpi.class.getName())
        .getMethod("run", String.class, String.class, String.class)
        .invoke(null, args[0], args[1], args[2]);
  }

  /**
   * Runs one rank. What is thrown while a rank waits for the others to come to collective calls of
   * MPI may leave them in a call that never returns, so that they can split no communicator any
   * more: such a place is only thrown at in the last round.
   *
   * @param folder that the ranks share
   * @param thread the name of the thread to throw at, or nothing for the caller's
   * @param parts which places: which of how many parts of them is thrown at
   */
  public static void run(String folder, String thread, String parts) throws Exception {
    Communicator world =
        Transports.open(
            System.getProperty(ProcessRanks.TRANSPORT, "native"),
            new TransportSettings(
                Launcher.detect(System.getenv()).orElseThrow(), null, Duration.ofSeconds(30)));
    int rank = world.rank();
    SharedWords words = SharedWords.open(Path.of(folder, "words"), 64);
    List<int[]> orders = new ArrayList<>();
    permute(IntStream.range(0, world.size()).toArray(), 0, orders);
    boolean mpi = !thread.isEmpty();
    int[] places = {};
    int[] lastPlaces = {};
    int rounds = mpi ? 2 : orders.size();
    for (int round = 0; round < rounds; round++) {
      Communicator part = world.split(0, orders.get(round)[rank]);
      int its = orders.get(round)[FAULTY];
      Injection armed = null;
      Error failure = new OutOfMemoryError("injected");
      if (rank == FAULTY) {
        long at = Long.MAX_VALUE;
        if (round > 0) {
          int of = Integer.parseInt(parts.split("/", 2)[1]);
          int which = mpi ? Integer.parseInt(parts.split("/", 2)[0]) : round - 1;
          at =
              !mpi && round == rounds - 1 && lastPlaces.length > 0
                  ? -lastPlaces[lastPlaces.length / 2]
                  : -places[(int) ((long) places.length * which / (mpi ? of : rounds - 1))];
        }
        armed = mpi ? Injection.arm(find(thread), at, failure) : Injection.arm(at, failure);
        if (round == 0 && !mpi) {
          armed.apart("MpiRuntime.together");
        }
      }
      Object opened = open(part);
      if (armed != null) {
        armed.disarm();
        if (round == 0) {
          BitSet all = armed.places();
          lastPlaces = armed.placesApart().stream().toArray();
          all.andNot(armed.placesApart());
          places = all.stream().toArray();
          System.out.println("places: " + places.length + ", last: " + lastPlaces.length);
        } else {
          System.out.println("round " + round + " thrown: " + armed.hasThrown() + where(failure));
        }
      }
      System.out.println("round " + round + ", rank " + rank + ": " + opened);
      if (opened instanceof Throwable told && (round == 0 || rank != FAULTY)) {
        boolean named = told instanceof RankFailedException failed && failed.rank() == its;
        if (round == 0 || !named) {
          throw new AssertionError("round " + round, told);
        }
      }
      if (opened instanceof WindowController controller) {
        try {
          controller.write(SOON).close();
          controller.singleWrite(() -> "shared");
          System.out.println("round " + round + ", rank " + rank + " wrote together");
        } catch (MpilockException e) {
          System.out.println("round " + round + ", rank " + rank + " was told: " + e);
        }
        closeQuietly(controller);
      }
      if (round > 0) {
        Object again = open(part);
        System.out.println("round " + round + ", rank " + rank + " again: " + again);
        closeQuietly(again instanceof WindowController controller ? controller : null);
      }
      part.close();
    }
    words.set(rank, 1);
    for (int other = 0; other < world.size(); other++) {
      while (words.get(other) == 0) {
        Thread.sleep(10);
      }
    }
    world.close();
    System.out.println("rank " + rank + " is through");
    System.out.flush();
    Runtime.getRuntime().halt(3);
  }

  private static String where(Throwable failure) {
    StringBuilder at = new StringBuilder();
    for (StackTraceElement frame : failure.getStackTrace()) {
      if (frame.getClassName().startsWith("io.mpilock.") && at.length() < 400) {
        at.append(" < ").append(frame.getFileName()).append(':').append(frame.getLineNumber());
      }
    }
    return at.toString();
  }

  private static Object open(Communicator part) {
    try {
      return WindowController.sync(part, OPTIONS);
    } catch (Throwable e) {
      return e;
    }
  }

  private static void closeQuietly(@Nullable WindowController controller) {
    if (controller != null) {
      try {
        controller.close();
      } catch (MpilockException told) {
        // that a rank is missing
      }
    }
  }

  private static Thread find(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static void permute(int[] keys, int from, List<int[]> all) {
    if (from == keys.length) {
      all.add(keys.clone());
      return;
    }
    for (int i = from; i < keys.length; i++) {
      swap(keys, from, i);
      permute(keys, from + 1, all);
      swap(keys, from, i);
    }
  }

  private static void swap(int[] keys, int one, int two) {
    int key = keys[one];
    keys[one] = keys[two];
    keys[two] = key;
  }
}

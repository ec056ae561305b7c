/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ControllerOptions;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.status.NamesStatus;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import io.mpilock.transport.local.LocalCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/**
 * Names without end: the ranks use each of so many names once, as an application does whose
 * resources are its orders. What that leaves in memory must not grow. One name is kept meanwhile,
 * with a number in a file behind it: it must exclude to the end. Started by {@code config/soak.sh
 * --names}.
 */
public final class NamesSoak {
  /** What is collected is told of a little later. */
  private static final long ROOM_NANOS = 20_000_000_000L;

  private static final int LOOKS = 10;

  /**
   * What a rank's memory may have more behind all names than behind the first half of them, each
   * time after a collection: the collector gives back what it will.
   */
  private static final long MOST_GROWTH = 64L << 20;

  /** How often the kept lock is used: once in so many names. */
  private static final long KEPT_EVERY = 10_000;

  private final Settings settings;
  private final Communicator world;
  private final long names;

  private NamesSoak(Settings settings, Communicator world, long names) {
    this.settings = settings;
    this.world = world;
    this.names = names;
  }

  public static void main(String[] args) throws Exception {
    Settings settings = Settings.of(args);
    long names = Long.parseLong(args[args.length - 1]);
    if (settings.transport().equals("local")) {
      int[] ranksOfNodes = settings.ranksPerHost().stream().mapToInt(Integer::intValue).toArray();
      LocalCluster cluster = new LocalCluster(ranksOfNodes);
      List<Thread> ranks = new ArrayList<>();
      for (int rank = 0; rank < cluster.size(); rank++) {
        NamesSoak soak = new NamesSoak(settings, cluster.world(rank), names);
        ranks.add(Thread.ofPlatform().name("rank-" + rank).start(soak::runOrHalt));
      }
      for (Thread rank : ranks) {
        rank.join();
      }
      return;
    }
    Launcher launcher = Launcher.detect(System.getenv()).orElseThrow();
    try (Communicator world =
        Transports.open(
            settings.transport(), new TransportSettings(launcher, null, Duration.ofSeconds(30)))) {
      new NamesSoak(settings, world, names).run();
    }
  }

  private void runOrHalt() {
    try (world) {
      run();
    } catch (Throwable e) {
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private void run() throws IOException {
    Path file = settings.folder().resolve("kept");
    ControllerOptions options =
        ControllerOptions.defaults().withHeartbeatTimeout(settings.heartbeat());
    long start = System.nanoTime();
    try (WindowController controller = WindowController.sync(world, options);
        FileChannel number =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      ResourceLock kept = controller.resource("kept");
      int rank = world.rank();
      long mine = (names - rank + world.size() - 1) / world.size();
      long middle = 0;
      long end = 0;
      int looks = 0;
      for (long i = 0; i < mine; i++) {
        controller.resource("order-" + (i * world.size() + rank)).write().close();
        if (i % KEPT_EVERY == 0) {
          count(kept, number);
        }
        if ((i + 1) * LOOKS / mine > looks) {
          looks++;
          if (looks == LOOKS / 2 || looks == LOOKS) {
            System.gc(); // what is dead and not collected yet says nothing
          }
          long memory = memory();
          middle = looks <= LOOKS / 2 ? memory : middle;
          end = memory;
          if (rank == 0) {
            tell(controller.names(), (i + 1) * world.size(), start, memory);
          }
        }
      }
      if (end > middle + middle / 4 + MOST_GROWTH) {
        throw new IllegalStateException(
            "The memory of rank %d grew with the names that it used: %d MiB in the middle, %d at the end."
                .formatted(rank, middle >> 20, end >> 20));
      }
      String _ = kept.singleWrite(() -> "all are there");
      awaitRoom(controller); // all have collected
      long expected = 0;
      for (int other = 0; other < world.size(); other++) {
        long theirs = (names - other + world.size() - 1) / world.size();
        expected += (theirs + KEPT_EVERY - 1) / KEPT_EVERY;
      }
      if (read(number) != expected) {
        throw new IllegalStateException(
            "The kept lock was used %d times, and %d are counted under it."
                .formatted(expected, read(number)));
      }
      if (controller.names().isNearlyFull()) {
        throw new IllegalStateException("The window is nearly full: " + controller.names());
      }
    }
    if (world.rank() == 0) {
      Files.writeString(
          settings.folder().resolve("report-closing"),
          "%d names on %d ranks, %.1f µs each"
              .formatted(names, world.size(), (System.nanoTime() - start) / 1e3 / names));
    }
  }

  private static void awaitRoom(WindowController controller) {
    long start = System.nanoTime();
    while (controller.names().isNearlyFull() && System.nanoTime() - start < ROOM_NANOS) {
      LockSupport.parkNanos(10_000_000);
    }
  }

  /** Reads, gives others the core, and writes one more: what would be lost without exclusion. */
  @SuppressWarnings("ThreadPriorityCheck") // a chance to be wrong, not to be right
  private static void count(ResourceLock kept, FileChannel number) throws IOException {
    try (WriteLease _ = kept.write()) {
      long last = read(number);
      Thread.yield();
      number.write(ByteBuffer.allocate(Long.BYTES).putLong(0, last + 1), 0);
    }
  }

  private static long read(FileChannel number) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES);
    number.read(bytes, 0);
    return bytes.getLong(0);
  }

  private static void tell(NamesStatus status, long used, long start, long memory) {
    System.out.printf(
        Locale.ROOT,
        "soak: %d names after %.0f s: %d MiB resident, %d names have a place, %d were reclaimed, fill %.0f %%%n",
        used,
        (System.nanoTime() - start) / 1e9,
        memory >> 20,
        status.names(),
        status.reclaimed(),
        100 * status.fill());
  }

  /** What this process has in memory, its windows included, in bytes. */
  private static long memory() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IOException("/proc/self/status has no VmRSS");
  }
}

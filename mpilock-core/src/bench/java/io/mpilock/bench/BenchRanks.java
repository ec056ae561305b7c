package io.mpilock.bench;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the programs of the benchmark have in common. */
public final class BenchRanks {
  @SuppressWarnings("UnusedVariable") // written so that what is measured is not dropped
  private static volatile long sink;

  private static @Nullable NodeWindow lonely;

  private BenchRanks() {}

  /** Joins the job; also makes a window for the floor. Collective. */
  static Communicator open() {
    Launcher launcher = Launcher.detect(System.getenv()).orElseThrow();
    Communicator world =
        Transports.open("auto", new TransportSettings(launcher, null, Duration.ofSeconds(30)));
    lonely = world.allocate(1024);
    return world;
  }

  /** Words that only the caller uses. */
  static NodeWindow lonelyWindow() {
    if (lonely == null) {
      throw new IllegalStateException("open first");
    }
    return lonely;
  }

  /** Keeps the compiler from dropping a body. */
  public static void touch(long value) {
    if (value == Long.MIN_VALUE) {
      sink = value;
    }
  }

  static void result(String group, String name, String values) {
    System.out.println("RESULT|" + group + "|" + name + "|" + values);
  }
}

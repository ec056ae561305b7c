/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
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

  /** Long enough for every rank to wake up from the barrier. */
  private static final long START_NANOS = 30_000_000;

  private BenchRanks() {}

  /** Joins the job. Collective. */
  public static Communicator open() {
    Launcher launcher = Launcher.detect(System.getenv()).orElseThrow();
    return Transports.open("auto", new TransportSettings(launcher, null, Duration.ofSeconds(30)));
  }

  /**
   * Begins a controller and makes a window for the floor, behind the controller's, since the first
   * window of a process is the fastest. Collective.
   *
   * @param world what {@link #open} gave
   */
  public static WindowController sync(Communicator world) {
    return sync(world, ControllerOptions.defaults());
  }

  /**
   * As {@link #sync(Communicator)}.
   *
   * @param world what {@link #open} gave
   * @param options of the controller
   */
  public static WindowController sync(Communicator world, ControllerOptions options) {
    WindowController controller = WindowController.sync(world, options);
    lonely = world.allocate(1024);
    return controller;
  }

  /** Words that only the caller uses. */
  public static NodeWindow lonelyWindow() {
    if (lonely == null) {
      throw new IllegalStateException("sync first");
    }
    return lonely;
  }

  /**
   * Lets all ranks begin at the same time: one that begins early has the lock for itself, and does
   * as much in a moment as all together do in a long time. Collective.
   *
   * @return when they begin, by {@link System#nanoTime()}, which is the same clock in all processes
   */
  public static long startTogether(WindowController controller) {
    NodeWindow window = lonelyWindow();
    controller.resource("start").singleWrite(() -> true);
    if (controller.rank() == 0) {
      window.set(1, System.nanoTime() + START_NANOS);
    }
    controller.resource("start").singleWrite(() -> true);
    long start = window.get(1);
    while (System.nanoTime() < start) {
      Thread.onSpinWait();
    }
    return start;
  }

  /**
   * What any lock over shared words costs at least: a compare-and-set in, and one out. The floor of
   * all tables.
   *
   * @param window on its word 0
   * @param count how often
   */
  public static void casPairs(NodeWindow window, int count) {
    for (int i = 0; i < count; i++) {
      if (window.compareAndSet(0, 0, 1)) {
        touch(i);
        window.compareAndSet(0, 1, 0);
      }
    }
  }

  /** Keeps the compiler from dropping a body. */
  public static void touch(long value) {
    if (value == Long.MIN_VALUE) {
      sink = value;
    }
  }

  /** Prints figures for the program that started the ranks. */
  public static void result(String group, String name, String values) {
    System.out.println("RESULT|" + group + "|" + name + "|" + values);
  }
}

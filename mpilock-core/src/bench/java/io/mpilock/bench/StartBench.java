/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A rank that starts, and tells how long it took until it had a controller. */
public final class StartBench {
  private static final int START_TIME_FIELD = 19; // behind the name, which may have blanks
  private static final double TICKS_PER_SECOND = 100; // USER_HZ, in all Linux kernels

  private StartBench() {}

  /**
   * Starts. Each rank prints milliseconds: from the start of its process to here, and until its
   * controller is synced. The kernel counts in steps of 10.
   *
   * @param args the transport
   * @throws IOException if there is no /proc
   */
  public static void main(String[] args) throws IOException {
    double sinceStart = age();
    long start = System.nanoTime();
    TransportSettings settings =
        new TransportSettings(
            Launcher.detect(System.getenv()).orElse(null), null, Duration.ofSeconds(30));
    try (WindowController controller =
        WindowController.syncOwning(
            Transports.open(args[0], settings), ControllerOptions.defaults())) {
      double synced = sinceStart + (System.nanoTime() - start) / 1e6;
      BenchRanks.result("start", "rank " + controller.rank(), Tables.joined(sinceStart, synced));
    }
  }

  /** Of this process, in milliseconds. */
  private static double age() throws IOException {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    double uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ", -1)[0]);
    return (uptime - Long.parseLong(fields[START_TIME_FIELD]) / TICKS_PER_SECOND) * 1000;
  }
}

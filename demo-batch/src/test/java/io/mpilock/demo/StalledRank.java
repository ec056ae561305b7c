/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.FlightFile.EncodedRows;
import io.mpilock.demo.store.WriteStamp;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;

/**
 * A rank of a job whose run is over, without that it noticed: rank 1 has the write lock, and writes
 * when a file tells it to wake up.
 */
final class StalledRank {
  private static final long RUN = 1_000;

  private StalledRank() {}

  public static void main(String[] arguments) throws InterruptedException {
    FlightFile file = new FlightFile(Path.of(arguments[0]), 100, 60);
    Flight flight = new Flight(LocalDateTime.of(2001, 1, 1, 0, 0), 1, 1, "DTW", "LAS");
    EncodedRows rows = file.encode(List.of(new FlightRow(flight, "nowhere", 1)));
    try (WindowController controller = WindowController.sync()) {
      if (controller.rank() == 1) {
        try (WriteLease lease = controller.write()) {
          System.out.println("rank 1 holds the lock");
          while (Files.notExists(Path.of(arguments[1]))) {
            Thread.sleep(20);
          }
          file.append(rows, new WriteStamp(RUN, lease.token(), controller.rank()));
          System.out.println("written");
        } catch (DemoException e) {
          System.out.println("refused: " + e.getMessage());
        }
      }
    }
  }
}

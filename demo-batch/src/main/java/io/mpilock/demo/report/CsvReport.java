package io.mpilock.demo.report;

import de.siegmar.fastcsv.writer.CsvWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Writes {@code report.csv}: a row for each airport that flights left, by code. */
public final class CsvReport {
  private CsvReport() {}

  /**
   * Writes the report.
   *
   * @param file where; replaced if it exists
   * @param airports the figures
   * @throws IOException if it cannot be written
   */
  public static void write(Path file, List<AirportFigures> airports) throws IOException {
    try (CsvWriter csv = CsvWriter.builder().build(file)) {
      csv.writeRecord("code", "name", "flights", "mean_delay", "share_late");
      for (AirportFigures airport : airports) {
        csv.writeRecord(
            airport.code(),
            airport.name(),
            String.valueOf(airport.flights()),
            String.format(Locale.ROOT, "%.2f", airport.meanDelay()),
            String.format(Locale.ROOT, "%.4f", airport.shareLate()));
      }
    }
  }
}

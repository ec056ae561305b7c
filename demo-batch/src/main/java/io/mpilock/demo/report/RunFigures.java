package io.mpilock.demo.report;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.timing.RankTimes;
import java.util.List;

/**
 * How the run went, over all ranks.
 *
 * @param loads what each rank did with its share, by rank
 * @param times what each rank did with the lock, by rank
 * @param seconds from the start of the job to the report
 */
public record RunFigures(List<RankLoad> loads, List<RankTimes> times, double seconds) {

  /**
   * The number of rows in the file.
   *
   * @return rows that were written
   */
  public long rows() {
    return loads.stream().mapToLong(load -> load.written().rows()).sum();
  }

  /**
   * The rows that were left out.
   *
   * @return by line
   */
  public List<SkippedRow> skipped() {
    return loads.stream().flatMap(load -> load.skipped().stream()).sorted().toList();
  }

  /**
   * The flights from airports that are not known.
   *
   * @return how many
   */
  public long unknownAirports() {
    return loads.stream().mapToLong(RankLoad::unknownAirports).sum();
  }
}

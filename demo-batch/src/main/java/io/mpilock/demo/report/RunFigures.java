package io.mpilock.demo.report;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.timing.RankTimes;
import java.util.List;
import java.util.stream.Stream;

/**
 * How the run went, over all ranks.
 *
 * @param earlier what earlier runs of the same work did, all ranks together
 * @param loads what each rank did with its share, by rank
 * @param times what each rank did with the lock, by rank
 * @param seconds from the start of the job to the report
 */
public record RunFigures(
    RankLoad earlier, List<RankLoad> loads, List<RankTimes> times, double seconds) {

  private Stream<RankLoad> all() {
    return Stream.concat(Stream.of(earlier), loads.stream());
  }

  /**
   * Whether an earlier run did a part of the work.
   *
   * @return whether this one went on from there
   */
  public boolean isRestart() {
    return earlier.written().rows() > 0 || !earlier.skipped().isEmpty();
  }

  /**
   * The number of rows in the file.
   *
   * @return rows that were written
   */
  public long rows() {
    return all().mapToLong(load -> load.written().rows()).sum();
  }

  /**
   * The rows that were left out.
   *
   * @return by line
   */
  public List<SkippedRow> skipped() {
    return all().flatMap(load -> load.skipped().stream()).sorted().toList();
  }

  /**
   * The flights from airports that are not known.
   *
   * @return how many
   */
  public long unknownAirports() {
    return all().mapToLong(RankLoad::unknownAirports).sum();
  }
}

package io.mpilock.demo.report;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.store.FileDigest;
import io.mpilock.demo.store.FlightRow;
import java.io.Serializable;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a rank did with its share of the input.
 *
 * @param rank the rank
 * @param written what the rows that it wrote add up to
 * @param skipped the rows that it left out
 * @param unknownAirports how many of its flights left an airport that is not known
 */
public record RankLoad(int rank, FileDigest written, List<SkippedRow> skipped, long unknownAirports)
    implements Serializable {

  /** Copies the list. */
  public RankLoad {
    skipped = List.copyOf(skipped);
  }

  /**
   * Before there was anything.
   *
   * @param rank the rank
   * @return a load of no rows
   */
  public static RankLoad none(int rank) {
    return new RankLoad(rank, FileDigest.NONE, List.of(), 0);
  }

  /**
   * Adds rows.
   *
   * @param rows what was written
   * @param left what was left out
   * @return the load with them
   */
  public RankLoad plus(List<FlightRow> rows, List<SkippedRow> left) {
    return new RankLoad(
        rank,
        rows.stream().reduce(written, FileDigest::plus, FileDigest::plus),
        Stream.concat(skipped.stream(), left.stream()).toList(),
        unknownAirports + rows.stream().filter(row -> !row.isOriginKnown()).count());
  }
}

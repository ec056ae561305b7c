package io.mpilock.demo.report;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.store.FileDigest;
import java.io.Serializable;
import java.util.List;

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
}

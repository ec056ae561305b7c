package io.mpilock.demo.report;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the run went, over all ranks.
 *
 * @param earlier what earlier runs of the same work did, all ranks together
 * @param loads what each rank did with its slice, by rank
 * @param seconds from the start of the job to the report
 * @param locks mpilock's report of the locks so far, as an HTML page; null without locks
 */
public record RunFigures(
    RankLoad earlier, List<RankLoad> loads, double seconds, @Nullable String locks) {

  /**
   * Adds up all runs and ranks.
   *
   * @return what became of the input
   */
  public RankLoad total() {
    return loads.stream().reduce(earlier, RankLoad::plus);
  }

  /**
   * Whether an earlier run did part of the work.
   *
   * @return whether this run went on from there
   */
  public boolean isRestart() {
    return earlier.rows() > 0;
  }
}

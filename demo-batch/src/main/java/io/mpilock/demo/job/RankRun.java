package io.mpilock.demo.job;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FileDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What this rank knows of its run, from one step to the next. Used by the thread of the job. */
final class RankRun {
  private final List<SkippedRow> skipped = new ArrayList<>();

  private @Nullable JobPlan plan;
  private FileDigest written = FileDigest.NONE;
  private List<RankLoad> loads = List.of();
  private @Nullable EarlyEnd earlyEnd;
  private boolean published;

  void begin(JobPlan thePlan) {
    plan = thePlan;
  }

  JobPlan plan() {
    JobPlan known = plan;
    if (known == null) {
      throw new IllegalStateException("The first step has not run.");
    }
    return known;
  }

  void wrote(FileDigest rows) {
    written = written.plus(rows);
  }

  void skipped(SkippedRow row) {
    skipped.add(row);
  }

  /** How many rows of its share this rank has dealt with. */
  long done() {
    return written.rows() + skipped.size();
  }

  RankLoad load(int rank, long unknownAirports) {
    return new RankLoad(rank, written, skipped, unknownAirports);
  }

  void loaded(List<RankLoad> ofAllRanks) {
    loads = ofAllRanks;
  }

  List<RankLoad> loads() {
    return loads;
  }

  /** Notes that the results are in their places: nothing can go wrong any more. */
  void published() {
    published = true;
  }

  boolean isPublished() {
    return published;
  }

  /** Notes why the job does not come to its end; the first reason stays. */
  void end(EarlyEnd end) {
    if (earlyEnd == null) {
      earlyEnd = end;
    }
  }

  Optional<EarlyEnd> earlyEnd() {
    return Optional.ofNullable(earlyEnd);
  }
}

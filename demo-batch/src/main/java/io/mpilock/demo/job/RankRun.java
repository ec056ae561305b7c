package io.mpilock.demo.job;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FlightRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What this rank knows of its run, from one step to the next. Used by the thread of the job. */
final class RankRun {
  private final List<SkippedRow> skippedSince = new ArrayList<>();

  private RankLoad load = RankLoad.NONE;
  private @Nullable JobPlan plan;
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

  void skipped(SkippedRow row) {
    skippedSince.add(row);
  }

  /** The rows that were left out since the last chunk. */
  List<SkippedRow> skippedSince() {
    return List.copyOf(skippedSince);
  }

  /** Notes a chunk, and with it what was left out since the one before. */
  void wrote(List<FlightRow> rows) {
    load = load.plus(RankLoad.of(rows, skippedSince));
    skippedSince.clear();
  }

  /** How many rows of its slice this rank has dealt with. */
  long done() {
    return load.written().rows() + load.skipped().size() + skippedSince.size();
  }

  /** What this rank has done so far. */
  RankLoad load() {
    return load.plus(RankLoad.of(List.of(), skippedSince));
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

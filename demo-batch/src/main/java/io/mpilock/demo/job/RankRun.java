/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.WindowController;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.Output.Start;
import io.mpilock.spring.LockTemplate;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/** This rank's locks, and what it knows of its run from one step to the next. For one thread. */
@Component
final class RankRun {
  /** Guards the HDF5 file. */
  final LockTemplate file;

  /** Guards nothing; the ranks tell each other things by its single writes. */
  final LockTemplate ranks;

  /** False with {@code mpilock.enabled=false}. */
  final boolean sharesLocks;

  private final List<SkippedRow> skippedSince = new ArrayList<>();
  private long work;
  private RankLoad load = RankLoad.NONE;
  private List<RankLoad> loads = List.of();
  private @Nullable Plan plan;

  RankRun(LockTemplate locks, ObjectProvider<WindowController> controller) {
    file = locks.on(FlightFile.RESOURCE);
    ranks = locks.on("ranks");
    sharesLocks = controller.stream().findFirst().isPresent();
  }

  /**
   * What the master found and made before the work begins; every rank gets a copy.
   *
   * @param rows the number of rows of the input
   * @param inputBytes its size, so that a rank notices when it sees another file
   * @param startedMillis when the job began, in milliseconds since 1970
   * @param start where the work begins
   */
  record Plan(long rows, long inputBytes, long startedMillis, Start start)
      implements Serializable {}

  int rank() {
    return file.rank();
  }

  int size() {
    return file.size();
  }

  /** Notes which work this is: what an earlier run has begun, or a new one. */
  void work(long id) {
    work = id;
  }

  long work() {
    return work;
  }

  void begin(Plan thePlan) {
    plan = thePlan;
  }

  Plan plan() {
    Plan known = plan;
    if (known == null) {
      throw new IllegalStateException("The first step has not run.");
    }
    return known;
  }

  void skipped(SkippedRow row) {
    skippedSince.add(row);
  }

  /** The rows that were skipped since the last chunk. */
  List<SkippedRow> skippedSince() {
    return List.copyOf(skippedSince);
  }

  /** Notes a chunk, and with it what was skipped since the one before. */
  void wrote(List<FlightRow> rows) {
    load = load.plus(RankLoad.of(rows, skippedSince));
    skippedSince.clear();
  }

  /** What this rank has done so far. */
  RankLoad load() {
    return load.plus(RankLoad.of(List.of(), skippedSince));
  }

  void loaded(List<RankLoad> ofAllRanks) {
    loads = ofAllRanks;
  }

  /** What each rank has done, from the third step on. */
  List<RankLoad> loads() {
    return loads;
  }
}

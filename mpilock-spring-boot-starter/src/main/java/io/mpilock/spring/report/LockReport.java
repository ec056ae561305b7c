/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import io.mpilock.WindowController;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Records what happens to a controller's locks, and at the end tells it for all ranks together.
 * Memory is bounded: for each of up to 64 resources and each mode some 80 KB, and 50 bytes for each
 * event that is kept.
 *
 * @since 0.1.0
 */
public final class LockReport {

  /** The largest number of events that a rank can keep. */
  public static final int MOST_EVENTS = 1_000_000;

  private static final Log LOG = LogFactory.getLog(LockReport.class);

  private final WindowController controller;
  private final LockRecorder recorder;

  private LockReport(WindowController controller, LockRecorder recorder) {
    this.controller = controller;
    this.recorder = recorder;
  }

  /**
   * Records, from now on.
   *
   * @param controller whose locks are recorded
   * @param events how many events this rank keeps at most, the last ones, beside the 100 that
   *     waited longest; from 0 to {@link #MOST_EVENTS}
   * @return to be finished before the controller is closed
   * @throws IllegalArgumentException if {@code events} is out of its range
   */
  public static LockReport record(WindowController controller, int events) {
    if (events < 0 || events > MOST_EVENTS) {
      throw new IllegalArgumentException(
          "events must be from 0 to %d, not %d".formatted(MOST_EVENTS, events));
    }
    LockRecorder recorder = new LockRecorder(events);
    controller.addListener(recorder);
    return new LockReport(controller, recorder);
  }

  /**
   * Ends the recording, gathers the figures of all ranks, and logs them as a table on the master.
   * Collective, in the place of which a rank may also close its controller. Bounded: it waits for
   * the other ranks and their figures no longer than is said; what it did not get by then is
   * reported as missing. Does not throw.
   *
   * @param directory where the master writes {@code mpilock-report.json} and {@code
   *     mpilock-report.html}; no files if null
   * @param time the longest time to wait, such as {@link WindowController#beginShutdown()} tells
   */
  public void finish(@Nullable Path directory, Duration time) {
    controller.removeListener(recorder);
    try {
      RankRecord mine = recorder.snapshot(controller.member(controller.rank()));
      Gathered gathered = Gathering.gather(controller, mine, time);
      if (controller.isMaster()) {
        JobReport report =
            JobReport.of(controller.size(), controller.master(), controller.transport(), gathered);
        LOG.info(ReportTable.of(report));
        if (directory != null) {
          write(report, directory);
        }
      } else if (LOG.isDebugEnabled() && !gathered.missing().isEmpty()) {
        LOG.debug("Gathering the report ended early: " + gathered.missing().firstEntry());
      }
    } catch (RuntimeException e) {
      LOG.warn("The report of the locks could not be made", e);
    }
  }

  /**
   * Gathers the figures of all ranks so far and makes the page of them, to be shown in a page of
   * the application. Collective; the recording goes on. Bounded as {@link #finish}: what was not
   * gathered in time is reported as missing in the page. Does not throw for that.
   *
   * @param time the longest time to wait for the other ranks
   * @return on the master, the HTML of a page that needs no other file; empty on the other ranks
   */
  public Optional<String> page(Duration time) {
    Gathered gathered =
        Gathering.gather(controller, recorder.snapshot(controller.member(controller.rank())), time);
    if (!controller.isMaster()) {
      return Optional.empty();
    }
    StringWriter page = new StringWriter();
    try {
      HtmlReport.write(
          JobReport.of(controller.size(), controller.master(), controller.transport(), gathered),
          page);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail, and the template is in the jar
    }
    return Optional.of(page.toString());
  }

  /** Ends the recording without a report and without waiting for anybody. */
  public void discard() {
    controller.removeListener(recorder);
  }

  private static void write(JobReport report, Path directory) {
    try {
      ReportFiles.write(report, directory);
      LOG.info("mpilock: the timeline is in " + directory.resolve(ReportFiles.HTML));
    } catch (IOException e) { // of the disk: where it was thrown helps nobody
      LOG.warn("The report of the locks could not be written to " + directory + ": " + e);
    } catch (RuntimeException e) {
      LOG.warn("The report of the locks could not be written to " + directory, e);
    }
  }
}

package io.mpilock.demo.job;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.MalformedRowException;
import io.mpilock.demo.progress.ProgressBoard;
import io.mpilock.demo.progress.ProgressDisplay;
import io.mpilock.demo.progress.ProgressMode;
import io.mpilock.demo.store.FlightRow;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.listener.SkipListener;
import org.springframework.batch.core.listener.StepExecutionListener;
import org.springframework.batch.core.step.StepExecution;

/**
 * Goes with the step that writes: notes the rows that were skipped, publishes this rank's progress,
 * and on the master shows that of all ranks until all have ended the step.
 */
final class LoadListener implements StepExecutionListener, SkipListener<Flight, FlightRow> {
  private static final Logger LOG = LoggerFactory.getLogger(LoadListener.class);

  private final RankAgreement agreement;
  private final Locks locks;
  private final RankRun run;
  private final ProgressMode mode;
  private final PrintStream out;

  private @Nullable ProgressBoard board;
  private @Nullable ProgressDisplay display;

  LoadListener(
      RankAgreement agreement, Locks locks, RankRun run, ProgressMode mode, PrintStream out) {
    this.agreement = agreement;
    this.locks = locks;
    this.run = run;
    this.mode = mode;
    this.out = out;
  }

  @Override
  public void beforeStep(StepExecution step) {
    Path file = Path.of(run.plan().board());
    try {
      board = ProgressBoard.open(file);
    } catch (IOException e) {
      LOG.debug("No progress is shown of rank {}", locks.rank(), e);
    }
    if (locks.isMaster()) {
      display = ProgressDisplay.start(mode, file, run.plan().rows(), out);
    }
  }

  @Override
  public void onSkipInRead(Throwable failure) {
    if (failure instanceof MalformedRowException malformed) {
      run.skipped(malformed.row());
    }
    publish();
  }

  /** Tells the master how far this rank has come. Never fails: progress is only to look at. */
  void publish() {
    ProgressBoard open = board;
    if (open != null) {
      try {
        open.publish(locks.rank(), run.done());
      } catch (IOException e) {
        LOG.debug("The progress of rank {} is not shown", locks.rank(), e);
        board = null;
      }
    }
  }

  /** Collective. */
  @Override
  public ExitStatus afterStep(StepExecution step) {
    try {
      return agreement.afterStep(step);
    } finally {
      if (display != null) {
        display.close();
      }
      closeBoard();
    }
  }

  private void closeBoard() {
    ProgressBoard open = board;
    board = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        LOG.debug("The progress board of rank {} was not closed", locks.rank(), e);
      }
    }
  }
}

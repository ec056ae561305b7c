package io.mpilock.demo.progress;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows the progress of all ranks while a step runs. Used by the master, on a thread of its own.
 */
public final class ProgressDisplay implements AutoCloseable {
  private static final Duration BAR_INTERVAL = Duration.ofMillis(100);
  private static final Duration LINE_INTERVAL = Duration.ofSeconds(2);
  private static final int BAR_WIDTH = 79;
  private static final String TASK = "Writing";

  private final CountDownLatch over = new CountDownLatch(1);
  private final Thread thread;

  private ProgressDisplay(ProgressMode mode, Path board, long rows, PrintStream out) {
    thread =
        Thread.ofPlatform().daemon().name("progress").unstarted(() -> show(mode, board, rows, out));
  }

  /**
   * Starts to show.
   *
   * @param mode how; not {@link ProgressMode#AUTO}
   * @param board the file of the board
   * @param rows the number of rows of the input
   * @param out where
   * @return the display, to be closed when the step ends
   */
  public static ProgressDisplay start(ProgressMode mode, Path board, long rows, PrintStream out) {
    ProgressDisplay display = new ProgressDisplay(mode, board, rows, out);
    display.thread.start();
    return display;
  }

  private void show(ProgressMode mode, Path board, long rows, PrintStream out) {
    switch (mode) {
      case BAR -> bar(board, rows, out);
      case LINES -> lines(board, rows, out);
      case NONE, AUTO -> {}
    }
  }

  private void bar(Path file, long rows, PrintStream out) {
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(TASK)
            .setInitialMax(rows)
            .setUnit(" rows", 1)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis((int) BAR_INTERVAL.toMillis())
            .setConsumer(new ConsoleProgressBarConsumer(out, BAR_WIDTH));
    try (ProgressBoard board = ProgressBoard.open(file);
        ProgressBar bar = builder.build()) {
      boolean last;
      do {
        last = sleep(BAR_INTERVAL);
        bar.stepTo(board.total());
      } while (!last);
    } catch (IOException e) {
      // the work goes on without a picture of it
    }
  }

  private void lines(Path file, long rows, PrintStream out) {
    try (ProgressBoard board = ProgressBoard.open(file)) {
      while (!sleep(LINE_INTERVAL)) {
        long done = board.total();
        out.printf(
            Locale.ROOT,
            "%s: %,d of %,d rows (%d %%)%n",
            TASK,
            done,
            rows,
            rows == 0 ? 100 : 100 * done / rows);
      }
    } catch (IOException e) {
      // the work goes on without a picture of it
    }
  }

  /** Waits, and tells whether the display is to end. */
  private boolean sleep(Duration time) {
    try {
      return over.await(time.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /** Shows the last state, and ends. Waits for that. */
  @Override
  public void close() {
    over.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.progress;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

/**
 * Shows how far each work is that this rank takes part in, as long as it does. One thread for each
 * work, a daemon.
 *
 * @since 0.1.0
 */
public final class ProgressDisplay implements WorkListener {
  private static final Log LOG = LogFactory.getLog(ProgressDisplay.class);
  private static final int BAR_MILLIS = 200;
  private static final int LINE_MILLIS = 10_000;
  private static final int BAR_WIDTH = 79;
  private static final double PERCENT = 100;

  private final boolean asBar;
  private final PrintStream out;
  private final Map<SharedWork, Timed> shown = new ConcurrentHashMap<>();

  /**
   * Makes a display.
   *
   * @param asBar whether as a bar, which needs the library; otherwise as lines in the log
   * @param out where a bar goes
   */
  public ProgressDisplay(boolean asBar, PrintStream out) {
    this.asBar = asBar;
    this.out = out;
  }

  /** What shows one work. */
  private interface Shown {
    void look(WorkStatus status);

    default void end() {}
  }

  /** The thread that looks again and again. */
  private record Timed(ScheduledExecutorService timer, SharedWork work, Shown how) {
    static Timed start(SharedWork work, Shown how, int millis) {
      ScheduledExecutorService timer =
          Executors.newSingleThreadScheduledExecutor(
              task -> Thread.ofPlatform().daemon().name("mpilock-progress").unstarted(task));
      Timed timed = new Timed(timer, work, how);
      var _ = timer.scheduleAtFixedRate(timed::look, millis, millis, TimeUnit.MILLISECONDS);
      return timed;
    }

    /** It is only to look at: what keeps it from being known is no failure. */
    private void look() {
      try {
        how.look(work.status());
      } catch (RuntimeException e) {
        LOG.debug("The progress of a work is not known", e);
      }
    }

    void end() {
      timer.shutdownNow();
      try {
        boolean ended = timer.awaitTermination(1, TimeUnit.SECONDS);
        if (ended) { // else it waits, and so would this thread
          look();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        how.end();
      }
    }
  }

  @Override
  public void begins(SharedWork work) {
    shown.put(
        work,
        asBar
            ? Timed.start(work, new Bar(work, out), BAR_MILLIS)
            : Timed.start(work, status -> LOG.info(line(status)), LINE_MILLIS));
  }

  @Override
  public void ended(SharedWork work) {
    Timed ended = shown.remove(work);
    if (ended != null) {
      ended.end();
    }
  }

  private static String line(WorkStatus status) {
    return String.format(
        Locale.ROOT,
        "%s: %,d of %,d units (%.0f %%), %,.0f a second%s",
        status.name(),
        status.done(),
        status.units(),
        status.units() == 0 ? PERCENT : PERCENT * status.done() / status.units(),
        status.perSecond(),
        status.left() == null ? "" : ", %,d s left".formatted(status.left().toSeconds()));
  }

  /** Apart, since it needs the library. */
  private static final class Bar implements Shown {
    private final ProgressBar bar;

    Bar(SharedWork work, PrintStream out) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(work.name())
              .setInitialMax(work.units())
              .setUnit(" units", 1)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(BAR_MILLIS)
              .setConsumer(new ConsoleProgressBarConsumer(out, BAR_WIDTH))
              .build();
    }

    @Override
    public void look(WorkStatus status) {
      bar.stepTo(status.done());
    }

    @Override
    public void end() {
      bar.close();
    }
  }
}

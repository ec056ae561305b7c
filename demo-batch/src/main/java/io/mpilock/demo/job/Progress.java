/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.demo.DemoProperties.ProgressMode;
import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many rows each rank has dealt with: a file of one 64-bit number for each rank, which that
 * rank alone writes and the master reads, and behind them one for earlier runs. It needs no lock
 * and no message. It is only to look at, so it never fails.
 */
final class Progress implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Progress.class);
  private static final int BAR_MILLIS = 100;
  private static final int LINE_MILLIS = 2000;
  private static final int BAR_WIDTH = 79;
  private static final String TASK = "Writing";

  private final @Nullable FileChannel file;
  private final int rank;
  private @Nullable ScheduledExecutorService display;
  private @Nullable ProgressBar bar;

  private Progress(@Nullable FileChannel file, int rank) {
    this.file = file;
    this.rank = rank;
  }

  /** Creates the file, with a 0 for each rank. */
  static void create(Path file, int ranks, long before) throws IOException {
    ByteBuffer words = ByteBuffer.allocate(Math.multiplyExact(ranks + 1, Long.BYTES));
    Files.write(file, words.putLong(ranks * Long.BYTES, before).array());
  }

  static Progress open(Path file, int rank) {
    try {
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
      return new Progress(channel, rank);
    } catch (IOException e) {
      LOG.debug("The progress of rank {} is not shown", rank, e);
      return new Progress(null, rank);
    }
  }

  /** Tells how many rows this rank has written or skipped so far. */
  void publish(long rows) {
    if (file != null) {
      try {
        file.write(ByteBuffer.allocate(Long.BYTES).putLong(rows).flip(), (long) rank * Long.BYTES);
      } catch (IOException e) {
        LOG.debug("The progress of rank {} is not shown", rank, e);
      }
    }
  }

  /** Adds up the numbers of all ranks. */
  long total() {
    long total = 0;
    if (file != null) {
      try {
        ByteBuffer words = ByteBuffer.allocate(Math.toIntExact(file.size()));
        while (words.hasRemaining() && file.read(words, words.position()) >= 0) {
          // until the end
        }
        words.flip();
        while (words.remaining() >= Long.BYTES) {
          total += words.getLong();
        }
      } catch (IOException e) {
        LOG.debug("The progress of the ranks is not known", e);
      }
    }
    return total;
  }

  /** Shows it until this is closed. */
  void show(ProgressMode mode, long rows, PrintStream out) {
    ProgressMode shown =
        mode != ProgressMode.AUTO
            ? mode
            : Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent()
                ? ProgressMode.BAR
                : ProgressMode.LINES;
    if (shown == ProgressMode.NONE) {
      return;
    }
    boolean isBar = shown == ProgressMode.BAR;
    if (isBar) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(TASK)
              .setInitialMax(rows)
              .setUnit(" rows", 1)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(BAR_MILLIS)
              .setConsumer(new ConsoleProgressBarConsumer(out, BAR_WIDTH))
              .build();
    }
    int millis = isBar ? BAR_MILLIS : LINE_MILLIS;
    display =
        Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().daemon().name("progress").unstarted(task));
    var _ =
        display.scheduleAtFixedRate(
            isBar ? this::stepBar : () -> line(rows, out), millis, millis, TimeUnit.MILLISECONDS);
  }

  private void stepBar() {
    if (bar != null) {
      bar.stepTo(total());
    }
  }

  private void line(long rows, PrintStream out) {
    long done = total();
    out.printf(
        Locale.ROOT,
        "%s: %,d of %,d rows (%d %%)%n",
        TASK,
        done,
        rows,
        rows == 0 ? 100 : 100 * done / rows);
  }

  /** Shows the last state, if it is a bar, and ends. */
  @Override
  public void close() {
    if (display != null) {
      display.close(); // waits for what runs; no more is scheduled
    }
    if (bar != null) {
      stepBar();
      bar.close();
    }
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      LOG.debug("The progress of rank {} was not closed", rank, e);
    }
  }
}

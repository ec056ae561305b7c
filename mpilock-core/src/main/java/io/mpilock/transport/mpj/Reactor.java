/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;

/**
 * One private thread that does all reading and writing of the lifeline. Nobody interrupts it: that
 * would close the connection that it is about to read. What it runs never waits.
 */
final class Reactor {
  /** Something that happens on a channel of its own. */
  interface Handler {
    /** Does what is possible now; what it throws closes the channel. */
    void ready(SelectionKey key) throws IOException;

    /** Hears that its channel is closed after a failure. */
    void broken(Exception cause);
  }

  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final long TICK_MILLIS = 100;

  private final Selector selector;
  private final Thread thread;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  // On the thread only.
  private final List<Runnable> tickers = new ArrayList<>();
  private boolean ended;

  Reactor(String name) {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException("no selector could be opened", e);
    }
    thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    thread.start();
  }

  /** Runs a task on the thread, after those that were given before. */
  void execute(Runnable task) {
    tasks.add(task);
    selector.wakeup();
  }

  /** Watches a channel. On the thread. */
  SelectionKey register(SelectableChannel channel, int operations, Handler handler)
      throws IOException {
    channel.configureBlocking(false);
    return channel.register(selector, operations, handler);
  }

  /** Calls something every tenth of a second, until {@link #noTicks}. On the thread. */
  void ticks(Runnable ticker) {
    tickers.add(ticker);
  }

  void noTicks(Runnable ticker) {
    tickers.remove(ticker);
  }

  /** Closes all channels and ends the thread, soon, once the tasks given so far are done. */
  void end() {
    execute(() -> ended = true);
  }

  /**
   * Ends when it may, or when the time is over, and waits for that. An interrupt does not end the
   * wait.
   *
   * @param mayEnd called on the thread, again and again
   */
  void end(BooleanSupplier mayEnd, Duration longest) {
    long start = System.nanoTime();
    Runnable ticker =
        () -> ended |= mayEnd.getAsBoolean() || System.nanoTime() - start > longest.toNanos();
    execute(() -> ticks(ticker));
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!ended) {
        selector.select(tickers.isEmpty() ? 0 : TICK_MILLIS);
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          guarded(task);
        }
        List<SelectionKey> ready = List.copyOf(selector.selectedKeys());
        selector.selectedKeys().clear();
        ready.forEach(Reactor::handle);
        List.copyOf(tickers).forEach(Reactor::guarded);
      }
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
      selector.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "mpilock's lifeline stopped", e);
    }
  }

  private static void handle(SelectionKey key) {
    Handler handler = (Handler) key.attachment();
    try {
      if (key.isValid()) {
        handler.ready(key);
      }
    } catch (IOException | RuntimeException e) {
      close(key);
      handler.broken(e);
    }
  }

  private static void close(SelectionKey key) {
    try {
      key.channel().close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a connection could not be closed", e);
    }
  }

  private static void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "a step of mpilock's lifeline failed", e);
    }
  }
}

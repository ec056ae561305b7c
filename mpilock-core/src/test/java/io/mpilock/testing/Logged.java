/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Catches what the product logs, which nobody else sees meanwhile. */
public final class Logged implements AutoCloseable {
  private final Logger logger = Logger.getLogger("io.mpilock");
  private final Level level = logger.getLevel();
  private final boolean useParentHandlers = logger.getUseParentHandlers();
  private final Formatter formatter = new SimpleFormatter();
  private final List<String> messages = new CopyOnWriteArrayList<>();

  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord record) {
          messages.add(record.getLevel() + " " + formatter.formatMessage(record));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  /** Catches from now on, also what is for the finest level. */
  public Logged() {
    logger.setUseParentHandlers(false);
    logger.setLevel(Level.ALL);
    logger.addHandler(handler);
  }

  /**
   * What was logged so far.
   *
   * @return each with its level in front
   */
  public List<String> messages() {
    return List.copyOf(messages);
  }

  @Override
  public void close() {
    logger.removeHandler(handler);
    logger.setLevel(level);
    logger.setUseParentHandlers(useParentHandlers);
  }
}

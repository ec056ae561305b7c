package io.mpilock.demo.progress;

import java.io.Console;
import org.jspecify.annotations.Nullable;

/** How the master shows progress. */
public enum ProgressMode {
  /** A bar if standard input and output are a terminal, lines otherwise. */
  AUTO,
  /** A bar that is drawn again and again on one line. */
  BAR,
  /** A line now and then. */
  LINES,
  /** Not at all. */
  NONE;

  /**
   * Decides for {@link #AUTO}. A launcher connects its ranks by pipes, so a rank cannot see the
   * terminal that the launcher was started on: whoever starts the launcher from a terminal asks for
   * the bar.
   *
   * @param console this process's console, or null
   * @return one of the others
   */
  public ProgressMode resolve(@Nullable Console console) {
    if (this != AUTO) {
      return this;
    }
    return console != null && console.isTerminal() ? BAR : LINES;
  }
}

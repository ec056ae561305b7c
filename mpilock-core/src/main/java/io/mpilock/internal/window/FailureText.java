/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.Objects;

/**
 * A failure of the application as text. Its methods are the application's, too: they may throw,
 * give null, lead in circles or find no end, and it is told nevertheless, with what can be told.
 */
public final class FailureText {

  /** No stack trace that anybody reads is longer. */
  private static final int LONGEST = 1 << 20;

  private static final int MOST_CAUSES = 20;

  private static final int LONGEST_HEADLINE = 500;

  private FailureText() {}

  /** Gives message, stack trace and causes, in lines; never empty. */
  static String of(Throwable failure) {
    Bounded text = new Bounded();
    try {
      failure.printStackTrace(new PrintWriter(text));
    } catch (Throwable untold) {
      if (!text.isFull()) {
        return atLeastName(failure, text) + pieces(failure);
      }
    }
    return atLeastName(failure, text);
  }

  /** Gives the name of its class, and on the lines after that what {@link #of} gives. */
  public static String withClass(Throwable failure) {
    return name(failure) + "\n" + of(failure);
  }

  /** The name of the class in what {@link #withClass} gave; empty in an empty text. */
  public static String className(String withClass) {
    return withClass.lines().findFirst().orElse("");
  }

  /** What {@link #of} gave in what {@link #withClass} did. */
  public static String trace(String withClass) {
    return withClass.substring(withClass.indexOf('\n') + 1);
  }

  /** The first line that says something, cut to a length. */
  public static String headline(String trace) {
    String line = trace.lines().filter(each -> !each.isBlank()).findFirst().orElse("").strip();
    return line.codePointCount(0, line.length()) <= LONGEST_HEADLINE
        ? line
        : line.substring(0, line.offsetByCodePoints(0, LONGEST_HEADLINE)) + "…";
  }

  /** Gives class and message, in one line or more; never empty. */
  static String line(Throwable failure) {
    try {
      String line = failure.toString();
      if (line != null && !line.isBlank()) {
        return line;
      }
    } catch (Throwable untold) {
      // its class at least
    }
    return name(failure);
  }

  private static String atLeastName(Throwable failure, Bounded text) {
    String told = text.toString();
    return told.isBlank() || told.startsWith("null") ? name(failure) + "\n" + told : told;
  }

  /** What there is beside a text that cannot be made as a whole. */
  private static String pieces(Throwable failure) {
    StringBuilder text =
        new StringBuilder("\n(Its text could not be created. The part that exists:)");
    try {
      Throwable cause = failure;
      for (int depth = 0; cause != null && depth < MOST_CAUSES; depth++) {
        text.append("\n").append(depth == 0 ? "" : "Caused by: ").append(line(cause));
        addFrames(cause, text);
        cause = cause.getCause();
      }
    } catch (Throwable untold) {
      // so far, so good
    }
    return text.append("\n").toString();
  }

  private static void addFrames(Throwable failure, StringBuilder text) {
    try {
      for (StackTraceElement frame : failure.getStackTrace()) {
        text.append("\n\tat ").append(frame);
      }
    } catch (Throwable untold) {
      // none, then
    }
  }

  private static String name(Throwable failure) {
    return failure.getClass().getName();
  }

  /** Text up to a length; more ends whoever writes it. */
  private static final class Bounded extends Writer {
    private final StringBuilder text = new StringBuilder();

    @Override
    public void write(char[] source, int offset, int length) {
      Objects.checkFromIndexSize(offset, length, source.length);
      text.append(source, offset, Math.min(length, LONGEST - text.length()));
      if (isFull()) {
        throw new IllegalArgumentException("a failure's text has no end");
      }
    }

    boolean isFull() {
      return text.length() == LONGEST;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}

    @Override
    public String toString() {
      return text.toString();
    }
  }
}

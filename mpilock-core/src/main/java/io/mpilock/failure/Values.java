/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * Puts values that others chose into messages, so that they can be read.
 *
 * @since 0.1.0
 */
public final class Values {
  private static final int LONGEST = 60;
  private static final int SHOWN = 40;

  private Values() {}

  /**
   * Shows a value on one line: control characters, line separators, characters that change the
   * direction of writing and unpaired surrogates as {@code \\uXXXX}, and only the start of a long
   * one.
   *
   * @param value any text
   * @return the text to put into a message
   */
  public static String shown(String value) {
    int end = value.length() <= LONGEST ? value.length() : value.offsetByCodePoints(0, SHOWN);
    StringBuilder text = new StringBuilder();
    value.substring(0, end).codePoints().forEach(point -> append(text, point));
    return end == value.length()
        ? text.toString()
        : text.append("… (").append(value.length()).append(" characters)").toString();
  }

  private static void append(StringBuilder text, int point) {
    switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          text.append(String.format("\\u%04X", point));
      default -> text.appendCodePoint(point);
    }
  }
}

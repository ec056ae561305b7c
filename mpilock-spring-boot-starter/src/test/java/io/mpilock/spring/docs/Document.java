/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Markdown file with regions that are written by program: between a line {@code <!-- begin KIND
 * ARGUMENT -->} and the next {@code <!-- end -->}. What stands there now is compared with what
 * should, or replaced.
 */
record Document(Path file) {
  private static final Pattern BEGIN = Pattern.compile("<!-- begin (\\S+)(?: (\\S+))? -->");
  private static final String END = "<!-- end -->";

  /** What belongs into a region. */
  interface Source {
    /**
     * The lines of a region.
     *
     * @param kind the first word after "begin"
     * @param argument the second, or nothing
     */
    List<String> lines(String kind, String argument) throws IOException;
  }

  /** The whole text as it should be. */
  String written(Source source) throws IOException {
    List<String> lines = Files.readAllLines(file);
    List<String> written = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      written.add(lines.get(i));
      Matcher begin = BEGIN.matcher(lines.get(i));
      if (begin.matches()) {
        int end = i + 1;
        while (end < lines.size() && !lines.get(end).equals(END)) {
          if (BEGIN.matcher(lines.get(end)).matches()) {
            throw new IOException(file + ": line " + (i + 1) + " begins a region without an end");
          }
          end++;
        }
        if (end == lines.size()) {
          throw new IOException(file + ": line " + (i + 1) + " begins a region without an end");
        }
        String argument = begin.group(2);
        written.addAll(source.lines(begin.group(1), argument == null ? "" : argument));
        i = end - 1;
      }
    }
    return String.join("\n", written) + "\n";
  }

  /** How many regions of a kind there are. */
  long regions(String kind) throws IOException {
    return Files.readAllLines(file).stream()
        .map(BEGIN::matcher)
        .filter(begin -> begin.matches() && begin.group(1).equals(kind))
        .count();
  }
}

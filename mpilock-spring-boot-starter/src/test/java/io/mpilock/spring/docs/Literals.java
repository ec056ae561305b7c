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
import java.util.stream.Stream;

/** The string literals of Java sources; those that are only joined by a plus are one. */
final class Literals {
  private static final Pattern LITERAL = Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*\"");
  private static final Pattern JOINED =
      Pattern.compile(LITERAL.pattern() + "(?:\\s*\\+\\s*" + LITERAL.pattern() + ")*");

  private final List<String> literals = new ArrayList<>();

  Literals(Path... folders) throws IOException {
    for (Path folder : folders) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.filter(name -> name.toString().endsWith(".java")).toList()) {
          JOINED.matcher(Files.readString(file)).results().forEach(found -> add(found.group()));
        }
      }
    }
  }

  boolean contain(String fragment) {
    return literals.stream().anyMatch(literal -> literal.contains(fragment));
  }

  private void add(String joined) {
    StringBuilder text = new StringBuilder();
    Matcher parts = LITERAL.matcher(joined);
    while (parts.find()) {
      text.append(parts.group(), 1, parts.group().length() - 1);
    }
    literals.add(text.toString().translateEscapes());
  }
}

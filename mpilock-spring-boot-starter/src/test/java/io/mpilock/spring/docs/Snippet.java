/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A piece of a file of this repository as a fenced block: {@code PATH} for the whole file without
 * its licence header, {@code PATH#NAME} for the lines between the comments {@code snippet NAME} and
 * {@code end snippet}.
 */
final class Snippet {
  private final Path root;

  Snippet(Path root) {
    this.root = root;
  }

  List<String> fenced(String place) throws IOException {
    int hash = place.indexOf('#');
    String path = hash < 0 ? place : place.substring(0, hash);
    List<String> lines = Files.readAllLines(root.resolve(path));
    lines = hash >= 0 ? part(lines, place.substring(hash + 1), place) : withoutLicence(lines);
    List<String> fenced = new ArrayList<>();
    fenced.add("```" + path.substring(path.lastIndexOf('.') + 1));
    fenced.addAll(withoutIndent(lines));
    fenced.add("```");
    return fenced;
  }

  private static List<String> withoutLicence(List<String> lines) {
    return lines.getFirst().equals("/*")
        ? lines.subList(lines.indexOf(" */") + 1, lines.size())
        : lines;
  }

  private static List<String> part(List<String> lines, String name, String place)
      throws IOException {
    List<String> stripped = lines.stream().map(String::strip).toList();
    int begin = stripped.indexOf("// snippet " + name);
    if (begin < 0) {
      throw new IOException("there is no \"// snippet " + name + "\" for " + place);
    }
    int length = stripped.subList(begin, lines.size()).indexOf("// end snippet");
    if (length < 0) {
      throw new IOException("\"// end snippet\" is missing for " + place);
    }
    int end = begin + length;
    while (stripped.get(end - 1).isEmpty()) {
      end--;
    }
    return lines.subList(begin + 1, end);
  }

  private static List<String> withoutIndent(List<String> lines) {
    int indent =
        lines.stream()
            .filter(line -> !line.isBlank())
            .mapToInt(line -> line.length() - line.stripLeading().length())
            .min()
            .orElse(0);
    return lines.stream().map(line -> line.isBlank() ? "" : line.substring(indent)).toList();
  }
}

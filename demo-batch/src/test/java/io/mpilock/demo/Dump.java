/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the file with another reader than the one that wrote it: h5dump, of hdf5-tools. */
final class Dump {
  private static final Pattern VALUE = Pattern.compile("\"([^\"]*)\"|(-?\\d+)");

  private Dump() {}

  static List<String> dataset(Path file, String name) throws IOException, InterruptedException {
    Path values = Files.createTempFile(file.getParent(), name, ".dump");
    try {
      Process process =
          new ProcessBuilder(
                  "h5dump",
                  "-y",
                  "-w",
                  "1",
                  "-d",
                  "/flights/" + name,
                  "-o",
                  values.toString(),
                  file.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (process.waitFor() != 0) {
        throw new AssertionError("h5dump cannot read /flights/" + name + " of " + file);
      }
      List<String> found = new ArrayList<>();
      Matcher matcher = VALUE.matcher(Files.readString(values));
      while (matcher.find()) {
        found.add(
            matcher.group(1) != null
                ? matcher.group(1).replace("\\'", "'") // as h5dump writes it
                : matcher.group(2));
      }
      return found;
    } finally {
      Files.delete(values);
    }
  }

  /** The rows, without the rank, in no particular order: sorted. */
  static List<String> sortedRows(Path file) throws IOException, InterruptedException {
    List<List<String>> columns = new ArrayList<>();
    for (String name :
        List.of("date", "delay", "distance", "origin", "destination", "origin_name")) {
      columns.add(dataset(file, name));
    }
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < columns.getFirst().size(); i++) {
      int row = i;
      rows.add(String.join("|", columns.stream().map(column -> column.get(row)).toList()));
    }
    return rows.stream().sorted().toList();
  }
}

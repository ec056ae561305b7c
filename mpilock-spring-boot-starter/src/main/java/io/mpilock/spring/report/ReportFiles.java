/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The files of the report. Each is there whole or not at all. */
final class ReportFiles {
  static final String JSON = "mpilock-report.json";
  static final String HTML = "mpilock-report.html";

  private ReportFiles() {}

  /** Makes the directory if need be, and replaces the files. */
  static void write(JobReport report, Path directory) throws IOException {
    Files.createDirectories(directory);
    write(
        directory.resolve(JSON),
        out -> JsonReport.write(report, report.longestEvents(Integer.MAX_VALUE), out));
    write(directory.resolve(HTML), out -> HtmlReport.write(report, out));
  }

  @FunctionalInterface
  private interface Content {
    void write(Writer out) throws IOException;
  }

  /** A file of another name becomes the file by one move, in the same directory. */
  private static void write(Path file, Content content) throws IOException {
    Path part = file.resolveSibling("." + file.getFileName() + "." + ProcessHandle.current().pid());
    try {
      try (BufferedWriter out = Files.newBufferedWriter(part, StandardCharsets.UTF_8)) {
        content.write(out);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }
}

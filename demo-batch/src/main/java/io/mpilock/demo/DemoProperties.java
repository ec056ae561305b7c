/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What the user may set.
 *
 * @param input the file of flights
 * @param output the directory for the results; created if it does not exist
 * @param chunkSize how many rows are written under one lock, at least 1
 * @param skipLimit how many malformed rows are allowed over all ranks
 * @param progress how the master shows progress
 * @param fewestFlights how many flights an airport needs to be ranked in the report
 * @param chunkPause a pause before each chunk, to watch the ranks at work
 * @param fresh whether to discard the unfinished work of an earlier run instead of continuing it
 */
@ConfigurationProperties(prefix = "demo", ignoreUnknownFields = false)
public record DemoProperties(
    @DefaultValue("") String input,
    @DefaultValue("output") String output,
    @DefaultValue("250") int chunkSize,
    @DefaultValue("10") int skipLimit,
    @DefaultValue("auto") ProgressMode progress,
    @DefaultValue("50") int fewestFlights,
    @DefaultValue("0ms") Duration chunkPause,
    @DefaultValue("false") boolean fresh) {

  /** How the master shows progress. */
  public enum ProgressMode {
    /** A bar at a terminal, lines otherwise. The ranks of a launcher see pipes, no terminal. */
    AUTO,
    /** A bar that is redrawn on one line. */
    BAR,
    /** A line every two seconds. */
    LINES,
    /** Nothing. */
    NONE
  }

  /** {@return the input as an absolute path} */
  public Path inputFile() {
    if (input.isBlank()) {
      throw new DemoException("No input: set --demo.input=FILE.");
    }
    return path("demo.input", input);
  }

  /** {@return the output as an absolute path} */
  public Path outputDirectory() {
    return path("demo.output", output);
  }

  /** Checks what can be checked without looking at files. */
  public void check() {
    if (chunkSize < 1) {
      throw new DemoException("demo.chunk-size must be at least 1, but is " + chunkSize + ".");
    }
    if (skipLimit < 0) {
      throw new DemoException("demo.skip-limit must not be negative, but is " + skipLimit + ".");
    }
    if (chunkPause.isNegative()) {
      throw new DemoException("demo.chunk-pause must not be negative.");
    }
  }

  private static Path path(String property, String value) {
    try {
      return Path.of(value).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new DemoException(property + " is not a path: " + e.getMessage(), e);
    }
  }
}

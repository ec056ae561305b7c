package io.mpilock.demo;

import io.mpilock.demo.progress.ProgressMode;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What the user may set.
 *
 * @param input the file of flights
 * @param output the directory that the results go to; made if it is not there
 * @param chunkSize how many rows are written under one lock, at least 1
 * @param skipLimit how many malformed rows are allowed over all ranks
 * @param progress how the master shows progress
 * @param fewestFlights how many flights an airport needs to be in the ranking of the report
 * @param chunkPause a pause before each chunk, to watch the ranks at work
 * @param fresh whether to give up the work of an earlier run that did not come to its end, instead
 *     of going on with it
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

  /**
   * The input as a path.
   *
   * @return absolute
   * @throws DemoException if none is set
   */
  public Path inputFile() {
    if (input.isBlank()) {
      throw new DemoException("No input: set --demo.input=FILE.");
    }
    return path("demo.input", input);
  }

  /**
   * The output as a path.
   *
   * @return absolute
   */
  public Path outputDirectory() {
    return path("demo.output", output);
  }

  /**
   * Checks what can be checked without looking at files.
   *
   * @throws DemoException if a value makes no sense
   */
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

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A directory for the temporary files of one job's launcher and ranks. Jobs that end and jobs that
 * start must not share one: Open MPI 4 removes {@code ompi.HOST.UID} when the last job that it
 * knows of has ended, and another that is about to make its own in it then fails with "File
 * exists".
 */
public final class LauncherFolder implements AutoCloseable {
  private final Path path;

  private LauncherFolder(Path path) {
    this.path = path;
  }

  /**
   * Makes a directory.
   *
   * @return an empty one, which nobody else uses
   * @throws IOException if it cannot be made
   */
  public static LauncherFolder create() throws IOException {
    return new LauncherFolder(Files.createTempDirectory("mpirun"));
  }

  /**
   * Has a process and those that it starts put their temporary files here. The JVM's own {@code
   * java.io.tmpdir} is another matter.
   *
   * @param builder what starts the process
   */
  public void giveTo(ProcessBuilder builder) {
    builder.environment().put("TMPDIR", path.toString());
  }

  /**
   * Where it is.
   *
   * @return the directory
   */
  public Path path() {
    return path;
  }

  /** Removes it, with what a killed rank left in it. The launcher has ended. */
  @Override
  public void close() {
    try {
      List<Path> all;
      try (Stream<Path> files = Files.walk(path)) {
        all = files.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path file : all) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // A rank that outlives its launcher for a moment still writes here: it is left behind.
    }
  }
}

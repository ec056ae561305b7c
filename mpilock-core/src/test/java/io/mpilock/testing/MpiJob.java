/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A running MPI job. Its launcher is ended when this is closed, and ends the ranks. */
public final class MpiJob implements AutoCloseable {
  private static final long GRACE_SECONDS = 10;

  private final Process launcher;
  private final LauncherFolder folder;
  private final Path file;

  private MpiJob(Process launcher, LauncherFolder folder, Path file) {
    this.launcher = launcher;
    this.folder = folder;
    this.file = file;
  }

  static MpiJob start(List<String> command, Map<String, String> environment) {
    try {
      // A file and not a pipe: nobody has to read for the ranks to go on.
      LauncherFolder folder = LauncherFolder.create();
      Path file = folder.path().resolve("output.txt");
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(file.toFile());
      folder.giveTo(builder);
      builder.environment().putAll(environment);
      return new MpiJob(builder.start(), folder, file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What was written so far.
   *
   * @return the output of all ranks and the launcher
   */
  public String output() {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Waits for the job's end.
   *
   * @param longest how long to wait before ending the launcher and failing
   * @return what became of the job
   */
  public MpiRun.Result await(Duration longest) {
    if (!waitFor(longest)) {
      end();
      throw new AssertionError("The job did not end within " + longest + ":\n" + output());
    }
    return new MpiRun.Result(launcher.exitValue(), output());
  }

  @Override
  public void close() {
    end();
    folder.close();
  }

  /** Asks the launcher to end, so that it takes the ranks with it. */
  private void end() {
    if (launcher.isAlive()) {
      launcher.destroy();
      if (!waitFor(Duration.ofSeconds(GRACE_SECONDS))) {
        launcher.destroyForcibly();
      }
    }
  }

  private boolean waitFor(Duration longest) {
    try {
      return launcher.waitFor(longest.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      launcher.destroy();
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for the job", e);
    }
  }
}

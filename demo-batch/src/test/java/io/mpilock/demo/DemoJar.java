/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import io.mpilock.testing.Jvm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The demo's jar as it is built; and taken apart, with the JDK's AOT cache of its classes, which
 * halves the processor time of a start. A build starts some hundred ranks.
 */
final class DemoJar {
  private static final Path BUILT =
      Path.of(System.getProperty("demo.jar", "target/demo-batch.jar")).toAbsolutePath();
  private static final Path APART = BUILT.resolveSibling("apart");
  private static final Path JAR = APART.resolve(BUILT.getFileName());
  private static final Path CACHE = APART.resolve("demo.aot");

  private DemoJar() {}

  /** The command that starts it as it is built. */
  static List<String> plain() {
    List<String> words = Jvm.command("-Xmx256m");
    words.addAll(List.of("-jar", BUILT.toString()));
    return words;
  }

  /** The command that starts it soon; as it is built where nothing is to be saved. */
  static List<String> fast() {
    if (Jvm.OPTIMISES) {
      return plain();
    }
    make();
    List<String> words = Jvm.command("-Xmx256m", "-XX:AOTCache=" + CACHE);
    words.addAll(List.of("-jar", JAR.toString()));
    return words;
  }

  /** Once in a build, by whichever test comes first. */
  private static void make() {
    try (FileChannel channel =
            FileChannel.open(
                BUILT.resolveSibling("apart.lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        FileLock _ = channel.lock()) {
      if (Files.exists(CACHE)
          && Files.getLastModifiedTime(CACHE).compareTo(Files.getLastModifiedTime(BUILT)) > 0) {
        return;
      }
      Files.deleteIfExists(CACHE);
      run(
          "-Djarmode=tools",
          "-jar",
          BUILT.toString(),
          "extract",
          "--force",
          "--destination",
          APART.toString());
      run(
          "-Xmx256m",
          "-XX:AOTCacheOutput=" + CACHE,
          "-jar",
          JAR.toString(),
          "--demo.input=" + RealRows.FILE,
          "--demo.output=" + Files.createDirectories(APART.resolve("output")),
          "--demo.progress=none",
          "--mpilock.transport=local");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(Jvm.command(arguments));
    Path log = BUILT.resolveSibling("apart.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      if (process.waitFor() != 0) {
        throw new AssertionError(command + " failed:\n" + Files.readString(log));
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }
}

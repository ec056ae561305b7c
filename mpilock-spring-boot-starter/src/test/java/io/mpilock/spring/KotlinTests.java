/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Jvm;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program in Kotlin is compiled by Kotlin's own compiler, and runs. */
@Timeout(300)
class KotlinTests {
  private static final String CLASSES = System.getProperty("java.class.path");

  @Test
  void everyFormOfTheTemplateCompilesInKotlinWithoutTypesAndRuns(@TempDir Path made)
      throws Exception {
    assertThat(
            java(
                CLASSES,
                "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
                "-no-stdlib", // it is on the class path, with the version that Boot names
                "-no-reflect",
                "-Werror",
                "-classpath",
                CLASSES,
                "-d",
                made.toString(),
                "src/test/kotlin/org/example/Orders.kt"))
        .endsWith("ended with 0\n");
    assertThat(java(CLASSES + File.pathSeparator + made, "org.example.OrdersKt"))
        .contains("every form ran")
        .endsWith("ended with 0\n");
  }

  private static String java(String classPath, String... words)
      throws IOException, InterruptedException {
    List<String> command =
        Stream.concat(
                Jvm.command("--enable-native-access=ALL-UNNAMED", "-cp", classPath).stream(),
                Stream.of(words))
            .toList();
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return said + "ended with " + process.waitFor() + "\n";
  }
}

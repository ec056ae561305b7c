/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoJob.Result;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunScriptTest {
  @TempDir Path directory;

  private Result run(String arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("./run.sh"));
    command.addAll(List.of(arguments.split(" ", -1)));
    try (DemoJob job = DemoJob.start(directory, command)) {
      return job.await();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--ranks 0|--ranks needs a whole number of at least 1, not 0",
        "--ranks abc|--ranks needs a whole number of at least 1, not abc",
        "--ranks -1|--ranks needs a whole number of at least 1, not -1",
        "--ranks|--ranks needs a value",
        "--ranks=|--ranks needs a value",
        "--input --ranks 2|--input needs a value",
        "--transport smoke|--transport is auto, native, mpj or local, not smoke",
        "--transport local --ranks 2|--transport local is one rank",
        "--mpi lam|--mpi is openmpi or mpich, not lam",
        "--mpilock.enabled|--mpilock.enabled needs a value",
        "--rank 4|there is no option --rank",
        "flights.csv|there is no option flights.csv",
      })
  void badArgumentsAreRefusedInOneLine(String arguments, String message)
      throws IOException, InterruptedException {
    Result result = run(arguments);

    assertThat(result.status()).isEqualTo(2);
    assertThat(result.err()).startsWith("run.sh: " + message).hasLineCount(1);
    assertThat(result.out()).isEmpty();
  }

  @Test
  void helpTellsEveryOption() throws IOException, InterruptedException {
    Result result = run("--help");

    assertThat(result.status()).isZero();
    assertThat(result.out())
        .contains(
            "--ranks", "--input", "--output", "--transport", "--mpi ", "--fresh", "--mpilock.x=y");
  }
}

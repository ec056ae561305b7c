package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guide's recipe for HDF5 keeps the file whole on real ranks. */
class Hdf5RecipeTest {
  private static final int BOUND_SECONDS = 120;

  @Test
  void allRanksAppendToOneDataset(@TempDir Path folder) throws Exception {
    List<String> command = new ArrayList<>(List.of("mpirun.openmpi", "--oversubscribe"));
    if (System.getProperty("user.name", "").equals("root")) {
      command.add("--allow-run-as-root");
    }
    command.addAll(
        List.of(
            "-n",
            "3",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Hdf5Application.class.getName(),
            "--file=" + folder.resolve("numbers.h5")));
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(ended).as("hangs; it said: " + text).isTrue();
    assertThat(process.exitValue()).as(text).isZero();
    assertThat(text)
        .contains("rank 0 counts 180 numbers", "rank 1 counts 180 numbers")
        .contains("rank 2 counts 180 numbers");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.testing.Jvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A writer that is killed at any moment, again and again, over one file and one journal. */
class KilledWriterTest {
  private static final int KILLS = 10;

  @TempDir Path directory;

  @Test
  void noKillLosesAChunkThatWasDoneOrLeavesPartOfOne() throws IOException, InterruptedException {
    Random random = new Random(7);
    int last = -1;
    int torn = 0;
    for (int run = 1; run <= KILLS; run++) {
      last = Math.max(last, killOne(run, random));
      torn += isTorn() ? 1 : 0;

      Path copy = Files.createDirectory(directory.resolve("copy" + run));
      Files.copy(directory.resolve("journal"), copy.resolve("journal"));
      int chunks;
      try (Journal journal = Journal.take(copy.resolve("journal"))) {
        chunks = KilledWriter.rebuild(journal, KilledWriter.file(copy), new WriteStamp(run, 0, 0));
      }
      // one more may have been done than was said
      assertThat(chunks).isBetween(last + 1, last + 2);
      assertRows(KilledWriter.file(copy), chunks);
      last = chunks - 1;
    }
    assertThat(torn).as("kills that left a part of a chunk in the HDF5 file").isPositive();
  }

  private static void assertRows(FlightFile file, int chunks) {
    List<FlightRow> expected = new ArrayList<>();
    for (int chunk = 0; chunk < chunks; chunk++) {
      expected.addAll(KilledWriter.entry(chunk).rows());
    }
    List<FlightRow> found = new ArrayList<>();
    file.forEach(found::add);
    assertThat(found.equals(expected)).isTrue();
  }

  /**
   * Lets the writer do some chunks, kills it a random time later, and tells the last that it said.
   */
  private int killOne(int run, Random random) throws IOException, InterruptedException {
    Process writer =
        new ProcessBuilder(
                Jvm.command(
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    KilledWriter.class.getName(),
                    directory.toString(),
                    String.valueOf(run)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    int last = -1;
    try (BufferedReader out = writer.inputReader()) {
      int before = 1 + random.nextInt(10);
      String line = out.readLine();
      for (; line != null && before > 0; line = out.readLine()) {
        last = Math.max(last, done(line));
        before -= line.equals(KilledWriter.BEGUN) ? 1 : 0;
      }
      TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000)); // into the middle of a chunk
      writer.toHandle().destroyForcibly(); // the process itself would close its output
      for (; line != null; line = out.readLine()) {
        last = Math.max(last, done(line));
      }
    }
    assertThat(writer.waitFor()).isEqualTo(137);
    return last;
  }

  private static int done(String line) {
    return line.startsWith(KilledWriter.DONE)
        ? Integer.parseInt(line.substring(KilledWriter.DONE.length()))
        : -1;
  }

  private boolean isTorn() throws IOException {
    List<Journal.Entry> entries = new ArrayList<>();
    try (Journal journal = Journal.join(directory.resolve("journal"))) {
      journal.replay(entries::add);
    }
    int[] rows = {0};
    try {
      KilledWriter.file(directory).forEach(row -> rows[0]++);
    } catch (DemoException e) {
      return true;
    }
    return rows[0] != entries.size() * KilledWriter.ROWS;
  }
}

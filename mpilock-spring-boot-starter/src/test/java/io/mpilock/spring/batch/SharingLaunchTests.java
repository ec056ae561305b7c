/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ranks that share units, and are killed: a random rank at a random time, again and again, each
 * time on another number of ranks, until the work is done. {@code -Dmpilock.kills=200} for more.
 */
class SharingLaunchTests {
  private static final int KILLS = Integer.getInteger("mpilock.kills", 3);
  private static final int MOST_RANKS = 4;
  private static final int LATEST_MILLIS = 900;

  @TempDir private Path folder;

  @Test
  void eachUnitIsWrittenOnceWhoeverIsKilled() throws IOException {
    long seed = Long.getLong("mpilock.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    int kills = 0;
    int cut = 0;
    for (int work = 0; kills < KILLS || cut == 0; work++) {
      Path here = Files.createDirectory(folder.resolve("work-" + work));
      boolean done = false;
      for (int start = 0; !done; start++) {
        int ranks = 1 + random.nextInt(MOST_RANKS);
        String kill = random.nextInt(ranks) + ":" + random.nextInt(LATEST_MILLIS);
        boolean last = start > 0 && kills >= KILLS;
        Result result = run(here, ranks, last ? new String[0] : new String[] {"--kill=" + kill});
        done = result.status() == 0;
        if (!done) {
          assertThat(last).as("seed %d: %s", seed, result.output()).isFalse();
          kills++;
          long lines = written(here);
          cut += lines > 0 && lines < SharingApplication.UNITS ? 1 : 0;
        }
      }
      assertThat(Files.readAllLines(here.resolve("out")))
          .as("seed %d, work %d", seed, work)
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(0, SharingApplication.UNITS).mapToObj(String::valueOf).toList());
    }
    System.out.printf("%d kills, %d of them in the middle of the work%n", kills, cut);
  }

  private static long written(Path here) throws IOException {
    Path out = here.resolve("out");
    if (!Files.exists(out)) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(out)) {
      return lines.count();
    }
  }

  private static Result run(Path here, int ranks, String... arguments) {
    return MpiRun.openMpi()
        .ranks(ranks)
        .timeout(Duration.ofMinutes(3))
        .run(
            SharingApplication.class,
            Stream.concat(
                    Stream.of(
                        "--folder=" + here,
                        "--mpilock.batch.combine-outcomes=true",
                        "--mpilock.batch.repository-directory=" + here.resolve("repository")),
                    Stream.of(arguments))
                .toArray(String[]::new));
  }
}

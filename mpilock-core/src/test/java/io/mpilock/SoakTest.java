/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Proof;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code config/soak.sh}, a minute for each way to run it ({@code -Dmpilock.soak.minutes=10} for
 * longer), and what it says of faults that are planted.
 */
@Proof
class SoakTest {
  private static final String MINUTES =
      System.getProperty("mpilock.soak.minutes", Proof.Size.SHORT ? "0.5" : "1");

  /** Beside the minutes: to start, to come to an end, and for a machine that has much to do. */
  private static final long MORE_MINUTES = 8;

  private static final Pattern MODE =
      Pattern.compile("^soak: ([a-z-]+) +(\\d+) +(\\d+) +(\\d+) +(\\d+)$", Pattern.MULTILINE);

  @TempDir Path folder;
  private List<String> before = List.of();

  private record Result(int status, String output) {}

  @BeforeEach
  void look() throws IOException {
    before = remains();
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertThat(remains()).isEqualTo(before);
  }

  /** What a soak may leave; other jobs' windows come and go. */
  private List<String> remains() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(Path::toString).filter(name -> !name.endsWith(".out")).sorted().toList();
    }
  }

  private Process start(Path output, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(script().toString());
    command.add("--no-build");
    command.addAll(Arrays.asList(options));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(output.toFile());
    builder.environment().put("TMPDIR", folder.toString());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    return builder.start();
  }

  private Result run(double minutes, String... options) throws Exception {
    Path output = folder.resolve("soak.out");
    Process soak = start(output, options);
    if (!soak.waitFor((long) (60 * (minutes + MORE_MINUTES)), TimeUnit.SECONDS)) {
      soak.destroy();
      boolean _ = soak.waitFor(1, TimeUnit.MINUTES);
      throw new AssertionError("The soak did not end:\n" + Files.readString(output));
    }
    return new Result(soak.exitValue(), Files.readString(output));
  }

  private static Path script() {
    Path here = Path.of("").toAbsolutePath();
    for (Path at = here; at != null; at = at.getParent()) {
      Path script = at.resolve("config").resolve("soak.sh");
      if (Files.isExecutable(script)) {
        return script;
      }
    }
    throw new AssertionError("no config/soak.sh above " + here);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--transport native --mpi openmpi",
        "--transport native --mpi mpich",
        "--transport mpj",
        "--transport native --mpi openmpi --hosts 2 --heartbeat 30"
      })
  void nothingIsFound(String how) throws Exception {
    String[] options = (how + " --minutes " + MINUTES).split(" ", -1);
    Result result = run(Double.parseDouble(MINUTES), options);
    System.out.println(result.output());
    assertThat(result.status()).as(result.output()).isZero();
    String closing = result.output().lines().reduce((_, last) -> last).orElseThrow();
    assertThat(closing).startsWith("soak: passed: ").endsWith(", 0 violations, 0 stalls");
    Map<String, Long> operations = new TreeMap<>();
    long gaveUp = 0;
    Matcher matcher = MODE.matcher(result.output());
    while (matcher.find()) {
      operations.put(matcher.group(1), Long.valueOf(matcher.group(2)));
      gaveUp += Long.parseLong(matcher.group(4));
    }
    assertThat(operations).hasSizeGreaterThan(30);
    assertThat(operations).allSatisfy((_, count) -> assertThat(count).isPositive());
    assertThat(gaveUp).isPositive();
    long all = operations.values().stream().mapToLong(Long::longValue).sum();
    assertThat(closing).contains(" " + all + " operations");
  }

  /** The skipped lock is found, with what was read and expected, by whom, and the seed. */
  @ParameterizedTest
  @ValueSource(strings = {"unlocked-write", "unlocked-read"})
  void aRankThatSkipsTheLockNowAndThenIsFound(String fault) throws Exception {
    Result result = run(3, "--minutes", "3", "--fault", fault, "--seed", "42");
    assertThat(result.status()).as(result.output()).isEqualTo(1);
    assertThat(result.output())
        .containsPattern("rank \\d \\(process \\d+\\), .*, operation \\d+ \\(.*\\), seed 42:")
        .containsPattern("in? .*resource r\\d.* (is|was) (read as|overwritten)|has token \\d+")
        .contains("rank 0:", "rank 3:", "soak: failed")
        .doesNotContain("passed");
  }

  @Test
  void aWriteThatIsNeverGivenBackIsAStallAndTheLockSaysWhoHoldsIt() throws Exception {
    Result result = run(3, "--minutes", "3", "--fault", "held-for-ever", "--stall", "20");
    assertThat(result.status()).as(result.output()).isEqualTo(1);
    assertThat(result.output())
        .contains("has taken ", "The locks say:")
        .containsPattern("resource 'r0'.* [Hh]eld by rank 3 .*thread 'soak-3-0'.*, write")
        .containsPattern("at io.mpilock.soak.Worker.misbehave") // rank 3's stacks
        .contains("rank 0:", "rank 1:", "rank 2:", "rank 3:", "soak: failed")
        .doesNotContain("passed");
  }

  @Test
  void aRankThatStandsStillIsAStall() throws Exception {
    Result result = run(3, "--minutes", "3", "--fault", "frozen", "--stall", "20");
    assertThat(result.status()).as(result.output()).isEqualTo(1);
    assertThat(result.output())
        .containsPattern("has taken |has got no further than")
        .contains("rank 3 says nothing.", "soak: failed")
        .doesNotContain("passed");
  }

  /** As Ctrl-C does. */
  @Test
  void aSignalEndsItInOrder() throws Exception {
    Path output = folder.resolve("soak.out");
    Process soak = start(output, "--minutes", "60", "--ranks", "2");
    try {
      while (!Files.readString(output).contains("soak: seed")) {
        assertThat(soak.isAlive()).as(Files.readString(output)).isTrue();
        Thread.sleep(100);
      }
      soak.destroy(); // SIGTERM
      assertThat(soak.waitFor(MORE_MINUTES, TimeUnit.MINUTES)).isTrue();
      assertThat(soak.exitValue()).as(Files.readString(output)).isEqualTo(143);
      assertThat(output).content().contains("passed: stopped after");
    } finally {
      soak.destroyForcibly();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"--transport local --hosts 2", "--mpi mpich"})
  void namesWithoutEndTakeNoMoreMemory(String options) throws Exception {
    String names = Proof.Size.SHORT ? "300000" : "2000000";
    Result result = run(2, ("--names " + names + " " + options).split(" ", -1));
    assertThat(result.output()).contains("soak: passed: " + names + " names on 4 ranks");
    assertThat(result.status()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "--ranks 2, --minutes is missing",
    "--minutes, --minutes needs a value",
    "--minutes 0, --minutes is a number above 0",
    "--minutes -1, --minutes is a number above 0",
    "--minutes ten, --minutes is a number above 0",
    "--names 1e8, --names is a whole number from 1",
    "--names 9 --minutes 1, leave one out",
    "--minutes 1 --ranks 0, --ranks is a whole number from 1",
    "--minutes 1 --ranks 08, --ranks is a whole number from 1",
    "--minutes 1 --hosts 5, --hosts 5 is more than --ranks 4",
    "--minutes 1 --transport tcp, '--transport is native, mpj or local'",
    "--minutes 1 --mpi lam, --mpi is openmpi or mpich",
    "--minutes 1 --transport local --mpi mpich, --transport local has no launcher",
    "--minutes 1 --transport mpj --mpi mpich --hosts 2, take --mpi openmpi",
    "--minutes 1 --resources 1, --resources is a whole number from 2",
    "--minutes 1 --seed x, --seed is a whole number",
    "--minutes 1 --fault bad-luck, --fault is unlocked-write",
    "--minuets 1, there is no option --minuets"
  })
  void wrongOptionsAreAnsweredClearly(String options, String answer) throws Exception {
    Result result = run(0, options.split(" ", -1));
    assertThat(result.status()).isEqualTo(2);
    assertThat(result.output()).startsWith("soak.sh: ").contains(answer).contains("--help");
  }
}

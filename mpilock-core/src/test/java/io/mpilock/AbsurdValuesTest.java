/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.StartupException;
import io.mpilock.testing.ThreadRanks;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.MpjSettings;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table of values that make no sense, and the answer to each: what is wrong with which value of
 * what, on one line that can be read, and what to do. Each line is a test.
 */
class AbsurdValuesTest {
  private static final String LONG = "9".repeat(10_000);

  @TempDir private Path folder;

  private static Arguments line(String input, Object value, String... answer) {
    return Arguments.argumentSet(
        input + " -> " + String.join(" … ", answer), value, List.of(answer));
  }

  // The environment.

  private static Arguments variables(String input, String... answer) {
    return line(input.replace(LONG, "9999… (10,000 digits)").replace("\0", "NUL"), input, answer);
  }

  static Stream<Arguments> environments() {
    String rank = "OMPI_COMM_WORLD_RANK=";
    String size = "OMPI_COMM_WORLD_SIZE=";
    String slurm = "SLURM_STEP_ID=0;SLURM_PROCID=1;";
    return Stream.of(
        variables(rank + "-3;" + size + "4", "OMPI_COMM_WORLD_RANK=-3", "not between 0 and"),
        variables(rank + "0;" + size + "abc", "OMPI_COMM_WORLD_SIZE=abc", "not a number"),
        variables(rank + "4;" + size + "4", "OMPI_COMM_WORLD_RANK=4", "not below", "_SIZE=4"),
        variables(rank + "5;" + size + "4", "OMPI_COMM_WORLD_RANK=5", "not below", "_SIZE=4"),
        variables(rank + ";" + size + "4", "OMPI_COMM_WORLD_SIZE=4", "no OMPI_COMM_WORLD_RANK"),
        variables(rank + "0;" + size, "OMPI_COMM_WORLD_RANK=0", "no OMPI_COMM_WORLD_SIZE"),
        variables(rank + ";" + size, "no launcher"),
        variables(rank + " ;" + size + "\t", "no launcher"),
        variables(rank + "1099511627776;" + size + "4", "RANK=1099511627776", "not between 0 and"),
        variables(rank + "0;" + size + "1099511627776", "SIZE=1099511627776", "2147483647"),
        variables(rank + "0;" + size + LONG, "(10000 characters)", "not between 0 and"),
        variables(rank + "+1;" + size + "4", "OMPI_COMM_WORLD_RANK=+1", "not a number"),
        variables(rank + "0x1;" + size + "4", "OMPI_COMM_WORLD_RANK=0x1", "not a number"),
        variables(rank + "1.0;" + size + "4", "OMPI_COMM_WORLD_RANK=1.0", "not a number"),
        variables(rank + "1 2;" + size + "4", "OMPI_COMM_WORLD_RANK=1 2", "not a number"),
        variables(rank + " 1 ;" + size + "4", "rank 1 of 4"),
        variables(rank + "\u0661;" + size + "\u0664", "RANK=\u0661", "not a number", "0 to 9"),
        variables(rank + "1\0;" + size + "4", "RANK=1\\u0000", "not a number"),
        variables(rank + "1\u202e;" + size + "4", "RANK=1\\u202E", "not a number"),
        variables(rank + "-0;" + size + "4", "rank 0 of 4"),
        variables(rank + "0;" + size + "0", "OMPI_COMM_WORLD_SIZE=0", "at least one rank"),
        variables(
            rank + "1;" + size + "4;OMPI_COMM_WORLD_LOCAL_RANK=4", "LOCAL_RANK=4", "not below"),
        variables(
            rank + "1;" + size + "4;OMPI_COMM_WORLD_LOCAL_RANK=x", "LOCAL_RANK=x", "not a number"),
        variables(rank + "1;" + size + "4;PMI_RANK=1;PMI_SIZE=4", "rank 1 of 4"),
        variables(rank + "1;" + size + "4;PMI_RANK=0;PMI_SIZE=4", "Two launchers", "PMI_RANK=0"),
        variables(rank + "1;" + size + "4;PMI_RANK=1;PMI_SIZE=2", "Two launchers", "PMI_SIZE=2"),
        variables(rank + "1;" + size + "4;MPILOCK_RANK=9;MPILOCK_SIZE=9", "rank 1 of 4"),
        variables("PMI_RANK=-1;PMI_SIZE=2", "PMI_RANK=-1", "not between 0 and"),
        variables("PMI_RANK=1", "PMI_RANK=1", "no PMI_SIZE"),
        variables("PMI_RANK=0;PMI_SIZE=2;MPI_LOCALRANKID=2", "MPI_LOCALRANKID=2", "not below"),
        variables(slurm + "PMI_RANK=1;PMI_SIZE=8;SLURM_NTASKS=4", "rank 1 of 8"),
        variables("MPILOCK_RANK=1", "MPILOCK_RANK=1", "no MPILOCK_SIZE"),
        variables("MPILOCK_SIZE=2", "MPILOCK_SIZE=2", "no MPILOCK_RANK"),
        variables("MPILOCK_RANK=2;MPILOCK_SIZE=2", "MPILOCK_RANK=2", "not below"),
        variables("MPILOCK_RANK=two;MPILOCK_SIZE=2", "MPILOCK_RANK=two", "not a number"),
        variables(slurm, "SLURM_PROCID=1", "no SLURM_NTASKS"),
        variables(slurm + "SLURM_NTASKS=1", "SLURM_PROCID=1", "not below"),
        variables("SLURM_STEP_ID=x;SLURM_PROCID=1;SLURM_NTASKS=2", "SLURM_STEP_ID=x", "number"),
        variables("SLURM_PROCID=0;SLURM_NTASKS=8", "no launcher"),
        variables("SLURM_STEP_ID=0;SLURM_NTASKS=8", "no launcher"),
        variables("PMIX_RANK=-1;PMIX_NAMESPACE=j", "PMIX_RANK=-1", "not between 0 and"),
        variables("PMIX_RANK=0", "no launcher"));
  }

  @ParameterizedTest
  @MethodSource("environments")
  void environment(String input, List<String> answer) {
    Map<String, String> environment = new HashMap<>();
    for (String variable : input.split(";", -1)) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        environment.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    String found;
    try {
      found = Launcher.detect(environment).map(Launcher::toString).orElse("no launcher");
    } catch (StartupException e) {
      assertThat(e.problem()).isEqualTo(StartupException.Problem.LAUNCHER_INCONSISTENT);
      assertThat(e.remedy()).isNotBlank();
      found = String.valueOf(e.getMessage());
    }
    assertReadable(found, answer);
  }

  private static void assertReadable(String found, List<String> answer) {
    assertThat(found).contains(answer).hasSizeLessThan(600);
    assertThat(found.chars().filter(Character::isISOControl)).isEmpty();
  }

  // Names of resources.

  private static Arguments name(String input, String name, String... answer) {
    return line(input, name, answer);
  }

  static Stream<Arguments> names() {
    return Stream.of(
        name("an empty name", "", "''", "blank"),
        name("only blanks", " \u2003 ", "blank"),
        name("10,000 characters", "x".repeat(10_000), "10000 characters", "longest has 255"),
        name("256 characters", "x".repeat(256), "256 characters", "longest has 255"),
        name("10,000 characters beyond the BMP", "\ud83d\udd12".repeat(5_000), "10000 characters"),
        name("a line break", "a\nb", "a\\u000Ab", "U+000A at index 1"),
        name("NUL", "\0", "\\u0000", "U+0000 at index 0"),
        name("DEL", "a\u007f", "a\\u007F", "U+007F at index 1"),
        name("a C1 control character", "a\u0085", "U+0085"),
        name("an unpaired surrogate", "a\ud800", "a\\uD800", "unpaired surrogate"),
        name("surrogates in the wrong order", "\udd12\ud83d", "unpaired surrogate"),
        name("the name 0", "0", "taken"),
        name("255 characters", "x".repeat(255), "taken"),
        name("255 characters of 3 bytes", "\u20ac".repeat(255), "taken"),
        name("a right-to-left override", "a\u202eb", "taken"),
        name("a path", "../../etc/passwd", "taken"));
  }

  /** On two nodes: every rank gets the same answer. */
  @ParameterizedTest
  @MethodSource("names")
  void resourceName(String name, List<String> answer) throws Exception {
    new ThreadRanks(List.of(0, 1), folder)
        .run(controller -> {
          String found;
          try {
            controller.resource(name).write().close();
            found = "taken";
          } catch (IllegalArgumentException e) {
            found = String.valueOf(e.getMessage());
          }
          assertReadable(found, answer);
        });
  }

  @Test
  void namesThatLookAlikeAreDifferentResources() throws Exception {
    String composed = "caf\u00e9";
    List<String> names =
        List.of(
            composed,
            Normalizer.normalize(composed, Normalizer.Form.NFD),
            "default",
            "Default",
            "default ",
            "d\u0435fault", // a Cyrillic letter
            "a\u202eb",
            "ab",
            "0",
            "\ufb01",
            "fi");
    new ThreadRanks(List.of(0, 1), folder)
        .run(controller -> {
          for (int i = 0; i < names.size(); i++) {
            ResourceLock held = controller.resource(names.get(i));
            String round = "round " + i;
            int index = i;
            controller.singleWrite(() -> {
              try (WriteLease lease = held.write(Duration.ofMinutes(1))) {
                for (int other = 0; other < names.size(); other++) {
                  // One lock would grant its holder again, and count no further.
                  try (WriteLease second =
                      controller.resource(names.get(other)).write(Duration.ofMinutes(1))) {
                    assertThat(second.equals(lease)).isFalse();
                    assertThat(controller.resource(names.get(other)).equals(held))
                        .isEqualTo(other == index);
                  }
                }
              }
              return round;
            });
          }
        });
  }

  // Options and settings.

  private static Arguments option(
      String input, UnaryOperator<ControllerOptions> change, String... answer) {
    return line(input, change, answer);
  }

  static Stream<Arguments> options() {
    Duration centuries = Duration.ofDays(300 * 365);
    Duration negative = Duration.ofSeconds(-5);
    return Stream.of(
        option("stallWarning -5s", o -> o.withStallWarning(negative), "stallWarning", "PT-5S"),
        option("stallWarning 0", o -> o.withStallWarning(Duration.ZERO), "stallWarning", "PT0S"),
        option("stallWarning 300 years", o -> o.withStallWarning(centuries), "36500", "PT2628000H"),
        option("shutdownTimeout -5s", o -> o.withShutdownTimeout(negative), "shutdownTimeout"),
        option("shutdownTimeout 0", o -> o.withShutdownTimeout(Duration.ZERO), "taken"),
        option("shutdownTimeout 300 years", o -> o.withShutdownTimeout(centuries), "36500"),
        option("heartbeatTimeout 0", o -> o.withHeartbeatTimeout(Duration.ZERO), "heartbeat"),
        option("heartbeatTimeout 300 years", o -> o.withHeartbeatTimeout(centuries), "36500"),
        option("handoverLimit -1", o -> o.withHandoverLimit(-1), "handoverLimit", "-1"),
        option("handoverLimit 2^31 - 1", o -> o.withHandoverLimit(Integer.MAX_VALUE), "taken"),
        option("windowBytes 0", o -> o.withWindowBytes(0), "at least 1 MiB", "but is 0"),
        option("windowBytes -1", o -> o.withWindowBytes(-1), "at least 1 MiB", "but is -1"),
        option("windowBytes 1", o -> o.withWindowBytes(1), "at least 1 MiB", "but is 1"),
        option("windowBytes 2^63 - 1", o -> o.withWindowBytes(Long.MAX_VALUE), "at most 1 TiB"),
        option("master = size", o -> o.withMaster(2), "mpilock.master is 2", "0 to 1", "Set"),
        option("master -1", o -> o.withMaster(-1), "mpilock.master is -1", "0 to 1"),
        option("shareAllow !*", o -> o.withShareAllow(List.of("!*")), "shareAllow", "'!*'"),
        option("shareAllow maxdepth=1", o -> o.withShareAllow(List.of("maxdepth=1")), "maxdepth=1"),
        option("shareAllow a;*", o -> o.withShareAllow(List.of("a;*")), "'a;*'", "a package and"),
        option("shareAllow empty", o -> o.withShareAllow(List.of("")), "''", "write a class"));
  }

  @ParameterizedTest
  @MethodSource("options")
  void option(UnaryOperator<ControllerOptions> change, List<String> answer) throws Exception {
    new ThreadRanks(List.of(0, 1), folder)
        .runBare(world -> {
          String found = "taken";
          try {
            WindowController.sync(world, change.apply(ControllerOptions.defaults())).close();
          } catch (IllegalArgumentException | StartupException e) {
            found = String.valueOf(e.getMessage());
          }
          assertReadable(found, answer);
        });
  }

  static Stream<Arguments> transports() {
    return Stream.of(
        line("transport pigeon", "pigeon", "\"pigeon\"", "local", "mpj", "native", "Set"),
        line("transport blank", " ", "\"\"", "Set mpilock.transport"),
        line("transport of 10,000 characters", "x".repeat(10_000), "(10000 characters)", "Set"),
        line("transport with NUL", "local\0", "local\\u0000", "Set"),
        line("transport LOCAL", "LOCAL", "taken"));
  }

  @ParameterizedTest
  @MethodSource("transports")
  void transport(String name, List<String> answer) {
    String found = "taken";
    TransportSettings settings = new TransportSettings(null, null, Duration.ofSeconds(30));
    try (Communicator world = Transports.open(name, settings)) {
      assertThat(world.size()).isEqualTo(1);
    } catch (StartupException e) {
      assertThat(e.problem()).isEqualTo(StartupException.Problem.NO_SUCH_TRANSPORT);
      found = String.valueOf(e.getMessage());
    }
    assertReadable(found, answer);
  }

  private static Arguments meeting(String rendezvous, String token, String... answer) {
    return line(
        "rendezvous " + rendezvous.replace("\n", "(line break)"),
        new MpjSettings(null, rendezvous, token, null, Duration.ofSeconds(1)),
        answer);
  }

  static Stream<Arguments> rendezvous() {
    String token = "a secret of a good length";
    return Stream.of(
        meeting("host", token, "mpilock.mpj.rendezvous=host", "not HOST:PORT", "Set"),
        meeting(":7077", token, "mpilock.mpj.rendezvous=:7077", "not HOST:PORT"),
        meeting("127.0.0.1:", token, "127.0.0.1:", "not HOST:PORT"),
        meeting("127.0.0.1:http", token, "127.0.0.1:http", "not HOST:PORT"),
        meeting("127.0.0.1:0", token, "127.0.0.1:0", "not between 1 and 65535"),
        meeting("127.0.0.1:65536", token, "127.0.0.1:65536", "not between 1 and 65535"),
        meeting("127.0.0.1:-1", token, "127.0.0.1:-1", "not between 1 and 65535"),
        meeting("127.0.0.1:+1x", token, "not HOST:PORT"),
        meeting("127.0.0.1:\u0667", token, "not HOST:PORT"),
        meeting("a\nb:x", token, "a\\u000Ab:x", "not HOST:PORT"),
        meeting("127.0.0.1:7077", "short", "5 characters", "at least 16"));
  }

  @ParameterizedTest
  @MethodSource("rendezvous")
  void rendezvous(MpjSettings settings, List<String> answer) {
    Throwable refused =
        catchThrowable(() ->
            Transports.open(
                    "mpj",
                    new TransportSettings(
                        new Launcher(Launcher.Kind.BY_HAND, 1, 2, -1),
                        null,
                        Duration.ofSeconds(30),
                        settings))
                .close());
    assertThat(refused).isInstanceOf(StartupException.class);
    assertThat(((StartupException) refused).problem())
        .isEqualTo(StartupException.Problem.RENDEZVOUS_INVALID);
    assertReadable(String.valueOf(refused.getMessage()), answer);
  }
}

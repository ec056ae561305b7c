/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.transport.Launcher.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A rank that its launcher bound to one core is told, and nobody else. */
@Timeout(300)
class CoreBindingTest {
  private static final String BOUND = " is bound to one core of its host (1 of the ";

  @TempDir Path host;

  /** Eight processors on four cores, without a container; a rank below mpirun below a shell. */
  @BeforeEach
  void makeHost() throws IOException {
    write("sys/devices/system/cpu/online", "0-7");
    for (int processor = 0; processor < 8; processor++) {
      write(
          "sys/devices/system/cpu/cpu" + processor + "/topology/thread_siblings_list",
          processor % 4 + "," + (processor % 4 + 4));
    }
    process("1", "bash", "0", "0-7");
    process("7", "mpirun.openmpi", "1", "0-7");
    process("8", "env", "7", "2,6");
    process("self", "java", "8", "2,6");
  }

  @Test
  void aRankThatItsLauncherBoundIsTold() throws IOException {
    assertThat(warning(Kind.OPEN_MPI))
        .contains("Rank 0 is bound to one core of its host (2 of the 8 processors")
        .contains("as Open MPI's mpirun started it", "mpirun --bind-to none", "--map-by slot:PE=N");
    process("self", "java", "8", "6"); // one thread of a core
    assertThat(warning(Kind.OPEN_MPI)).contains("(1 of the 8 processors");
  }

  @Test
  void eachLaunchersOptionIsNamed() {
    assertThat(warning(Kind.HYDRA)).contains("mpiexec -bind-to none", "-bind-to core:N");
    assertThat(warning(Kind.SLURM)).contains("srun --cpu-bind=none", "--cpus-per-task=N");
    assertThat(warning(Kind.PMIX)).contains("--bind-to none");
    assertThat(warning(Kind.BY_HAND)).isEmpty(); // whoever bound it is no launcher
  }

  @ParameterizedTest
  @ValueSource(strings = {"0-7", "2-3", "0,4,5", "0-1,4-5"})
  void severalCoresSuffice(String processors) throws IOException {
    process("self", "java", "8", processors);
    assertThat(warning(Kind.OPEN_MPI)).isEmpty();
  }

  @Test
  void aHostOfOneCoreHasNoMore() throws IOException {
    write("sys/devices/system/cpu/online", "2,6");
    assertThat(warning(Kind.OPEN_MPI)).isEmpty();
  }

  /** As by taskset in front of it, or by a batch system that gave the job one core. */
  @Test
  void aLauncherThatItselfHasOneCoreDidNotTakeMore() throws IOException {
    for (String one : List.of("2,6", "6", "1,5")) { // it may bind to another than its own
      process("7", "mpirun.openmpi", "1", one);
      assertThat(warning(Kind.OPEN_MPI)).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0::/, fs/cgroup/cpuset.cpus.effective",
    "0::/job/step, fs/cgroup/job/step/cpuset.cpus.effective",
    "0::/job/step, fs/cgroup/job/cpuset.cpus.effective",
    "0::/../../other, fs/cgroup/cpuset.cpus.effective",
    "3:cpuset:/job, fs/cgroup/cpuset/job/cpuset.effective_cpus",
    "3:cpuset:/docker/12ab, fs/cgroup/cpuset/cpuset.effective_cpus",
  })
  void aContainerOfOneCoreHasNoMore(String group, String file) throws IOException {
    write("proc/self/cgroup", "5:memory:/elsewhere\n" + group);
    assertThat(warning(Kind.OPEN_MPI)).isNotEmpty();
    write("sys/" + file, "2,6");
    assertThat(warning(Kind.OPEN_MPI)).isEmpty();
    write("sys/" + file, "0-2,4-6");
    assertThat(warning(Kind.OPEN_MPI)).contains("(2 of the 6 processors");
  }

  @Test
  void norHasAContainerWithTheTimeOfOneProcessor() throws IOException {
    write("proc/self/cgroup", "0::/pod/container");
    write("sys/fs/cgroup/pod/container/cpu.max", "max 100000");
    assertThat(warning(Kind.OPEN_MPI)).isNotEmpty();
    write("sys/fs/cgroup/pod/cpu.max", "200000 100000");
    assertThat(warning(Kind.OPEN_MPI)).isNotEmpty();
    write("sys/fs/cgroup/pod/cpu.max", "100000 100000");
    assertThat(warning(Kind.OPEN_MPI)).isEmpty();
    write("proc/self/cgroup", "4:cpu,cpuacct:/docker");
    assertThat(warning(Kind.OPEN_MPI)).isNotEmpty();
    write("sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000");
    write("sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "-1");
    assertThat(warning(Kind.OPEN_MPI)).isNotEmpty();
    write("sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "50000");
    assertThat(warning(Kind.OPEN_MPI)).isEmpty();
  }

  /** In a container of its own a rank does not see its launcher. */
  @Test
  void aRankThatDoesNotSeeItsLauncherIsToldToo() throws IOException {
    process("self", "java", "0", "2,6");
    assertThat(warning(Kind.SLURM)).contains("(2 of the 8 processors");
  }

  @ParameterizedTest
  @ValueSource(strings = {"proc/self/status", "sys/devices/system/cpu/online"})
  void nothingIsSaidWhereNothingIsKnown(String file) throws IOException {
    for (String text : List.of("", "garbage", "Cpus_allowed_list:\t3-2", "0-99999999999")) {
      makeHost();
      write(file, text);
      assertThat(warning(Kind.OPEN_MPI)).as(text).isEmpty();
    }
    Files.delete(host.resolve(file));
    assertThat(warning(Kind.OPEN_MPI)).isEmpty();
  }

  @Test
  void aCircleOfProcessesEnds() throws IOException {
    process("7", "bash", "8", "0-7");
    assertThat(warning(Kind.OPEN_MPI)).isNotEmpty();
  }

  @Test
  void listsAreReadAsTheKernelWritesThem() {
    assertThat(Processors.parse("0-2,5,8-9")).hasValue(of(0, 1, 2, 5, 8, 9));
    assertThat(Processors.parse("7")).hasValue(of(7));
    for (String none : List.of("", ",", "1-", "-1", "2-1", "a", "1,,2", "1 2", "12345678")) {
      assertThat(Processors.parse(none)).as(none).isEmpty();
    }
  }

  private static BitSet of(int... numbers) {
    BitSet set = new BitSet();
    IntStream.of(numbers).forEach(set::set);
    return set;
  }

  private String warning(Kind launcher) {
    Optional<String> warning =
        CoreBinding.warning(
            new Launcher(launcher, 0, 2, 0),
            new Processors(host.resolve("proc"), host.resolve("sys")));
    return warning.orElse("");
  }

  private void process(String id, String name, String parent, String processors)
      throws IOException {
    write(
        "proc/" + id + "/status",
        "Name:\t%s\nPPid:\t%s\nCpus_allowed:\tff\nCpus_allowed_list:\t%s\n"
            .formatted(name, parent, processors));
  }

  private void write(String file, String text) throws IOException {
    Path path = host.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text + "\n");
  }

  /**
   * Open MPI's own default for two ranks is bound to a core. Needs a machine of two cores, as all
   * tests under launchers do.
   */
  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI, native, --map-by core, mpirun --bind-to none",
    "OPEN_MPI, native, --bind-to core, mpirun --bind-to none",
    "OPEN_MPI, mpj, --bind-to core, mpirun --bind-to none",
    "MPICH, native, -bind-to core, mpiexec -bind-to none"
  })
  void aJobIsToldOnce(MpiRun.Launcher launcher, String transport, String option, String remedy) {
    String output =
        job(launcher, transport, 2)
            .launcherArgs(option.split(" ", -1))
            .run(Opens.class, transport)
            .succeeded()
            .output();
    assertThat(output).contains("Rank 0" + BOUND).contains(remedy);
    assertThat(output.split(Pattern.quote(BOUND), -1)).hasSize(2);
    assertThat(output.split("opened", -1)).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "OPEN_MPI, mpj", "MPICH, native"})
  void aJobThatIsNotBoundIsNot(MpiRun.Launcher launcher, String transport) {
    String output = job(launcher, transport, 2).run(Opens.class, transport).succeeded().output();
    assertThat(output).contains("opened").doesNotContain(BOUND);
  }

  /** What its user bound, or a batch system, the launcher did not. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI, --bind-to", "MPICH, -bind-to"})
  void aJobThatHasOneCoreInAllIsNot(MpiRun.Launcher launcher, String option) {
    String output =
        job(launcher, "native", 1)
            .launcherArgs(option, "core")
            .through(List.of("taskset", "-c", "1"), List.of())
            .run(Opens.class, "native")
            .succeeded()
            .output();
    assertThat(output).contains("opened").doesNotContain(BOUND);
  }

  private MpiRun job(MpiRun.Launcher launcher, String transport, int ranks) {
    MpiRun job = MpiRun.under(launcher).ranks(ranks);
    return transport.equals("mpj")
        ? job.withoutNativeAccess().env("MPILOCK_MPJ_DIRECTORY", host.resolve("meet").toString())
        : job;
  }

  /** Opens the world twice, as for two controllers. */
  static final class Opens {
    public static void main(String[] args) {
      TransportSettings settings =
          new TransportSettings(
              Launcher.detect(System.getenv()).orElseThrow(), null, Duration.ofSeconds(30));
      try (Communicator one = Transports.open(args[0], settings);
          Communicator two = Transports.open(args[0], settings)) {
        System.out.println("opened by rank " + one.rank() + " of " + two.size());
      }
    }
  }
}

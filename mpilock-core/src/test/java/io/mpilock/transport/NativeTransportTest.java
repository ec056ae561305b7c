/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.RankSuite;
import io.mpilock.testing.SimulatedHosts;
import io.mpilock.transport.ffm.ApplicationMpiScenario;
import io.mpilock.transport.ffm.StuckThreadScenario;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The native transport as ranks of real jobs. */
final class NativeTransportTest {

  @ParameterizedTest
  @CsvSource({"OPEN_MPI,1", "OPEN_MPI,2", "OPEN_MPI,4", "MPICH,1", "MPICH,2", "MPICH,4"})
  void itKeepsTheContract(MpiRun.Launcher launcher, int ranks) {
    MpiRun.under(launcher)
        .ranks(ranks)
        .run(RankSuite.class, NativeNodeWindowSuite.class.getName())
        .succeeded();
  }

  @ParameterizedTest
  @EnumSource
  void eachHostIsANodeWithAWindowOfItsOwn(MpiRun.Launcher launcher) {
    try (SimulatedHosts hosts = SimulatedHosts.create(3)) {
      String output =
          MpiRun.under(launcher)
              .on(hosts, 2, 1, 2)
              .run(NativeScenarios.CountsOnItsNode.class)
              .succeeded()
              .output();
      assertThat(output)
          .contains("rank 0: node 0, host node0, 2 of 2")
          .contains("rank 1: node 0, host node0, 2 of 2")
          .contains("rank 2: node 1, host node1, 1 of 1")
          .contains("rank 3: node 2, host node2, 2 of 2")
          .contains("rank 4: node 2, host node2, 2 of 2");
    }
  }

  /** As an MPICH that was built without shared memory. */
  private static MpiRun eachRankAlone() {
    return MpiRun.mpich().env("MPIR_CVAR_NOLOCAL", "1");
  }

  @Test
  void ranksThatShareMemoryAreOneNodeWhateverMpiSays() {
    String output =
        eachRankAlone().ranks(4).run(NativeScenarios.CountsOnItsNode.class).succeeded().output();
    assertThat(output)
        .contains("rank 0: node 0", "rank 3: node 0", ", 4 of 4")
        .containsOnlyOnce("takes them for one node");
    assertThat(output.split(", 4 of 4", -1)).hasSize(5);
  }

  @Test
  void windowsKeepTheContractWhereMpiWouldShareNone() {
    eachRankAlone()
        .ranks(4)
        .run(RankSuite.class, NativeNodeWindowSuite.class.getName())
        .succeeded();
  }

  @Test
  void windowsThatAreFilesAreGivenBackAtTheEnd() throws IOException {
    Set<String> before = windowFiles();
    eachRankAlone().ranks(3).run(NativeScenarios.LeavesWindows.class).succeeded();
    assertThat(windowFiles()).isSubsetOf(before);
  }

  private static Set<String> windowFiles() throws IOException {
    try (Stream<Path> files = Files.list(SharedMemory.directory())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("mpilock-"))
          .collect(Collectors.toSet());
    }
  }

  @Test
  void ranksOfDifferentHostsStayApartThoughTheFileSystemIsOne() {
    try (SimulatedHosts hosts = SimulatedHosts.create(3)) {
      String output =
          eachRankAlone()
              .on(hosts, 2, 1, 2)
              .run(NativeScenarios.CountsOnItsNode.class)
              .succeeded()
              .output();
      assertThat(output)
          .contains("rank 0: node 0, host node0, 2 of 2")
          .contains("rank 1: node 0, host node0, 2 of 2")
          .contains("rank 2: node 1, host node1, 1 of 1")
          .contains("rank 3: node 2, host node2, 2 of 2")
          .contains("rank 4: node 2, host node2, 2 of 2");
    }
  }

  /** Of four ranks on one host, two and two have a /dev/shm. */
  @Test
  void ranksThatDoNotShareMemoryAreNeverOneNode(@TempDir Path folder) throws IOException {
    String pairs =
        """
        at=%s/shm$((PMI_RANK %% 2))
        mkdir -p $at && mount --make-rprivate / && mount --bind $at /dev/shm && exec "$@"
        """
            .formatted(folder);
    String output =
        eachRankAlone()
            .ranks(4)
            .through(List.of(), List.of("unshare", "--mount", "sh", "-c", pairs, "sh"))
            .run(NativeScenarios.CountsOnItsNode.class)
            .succeeded()
            .output();
    assertThat(output)
        .contains("rank 0: node 0, ", "rank 1: node 1, ", "rank 2: node 0, ", "rank 3: node 1, ")
        .containsOnlyOnce("they are on 2 nodes");
    assertThat(output.split(", 2 of 2", -1)).hasSize(5);
  }

  @ParameterizedTest
  @EnumSource
  void mpiIsFinalisedOnceWhateverTheOrderOfFreeing(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher)
            .ranks(3)
            .run(NativeScenarios.ReopensAfterTheEnd.class)
            .succeeded()
            .output();
    assertThat(output.split("refused: ", -1)).hasSize(4);
  }

  @ParameterizedTest
  @EnumSource
  void windowsThatNobodyFreedAreGivenBackAtTheEnd(MpiRun.Launcher launcher) {
    MpiRun.under(launcher).ranks(3).run(NativeScenarios.LeavesWindows.class).succeeded();
  }

  @ParameterizedTest
  @EnumSource
  void closeWaitsForALateRankWithoutBurningACore(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher).ranks(2).run(NativeScenarios.ClosesLate.class).succeeded().output();
    assertThat(output).contains("has been waiting for").contains("to close");
  }

  @ParameterizedTest
  @EnumSource
  void anotherLaunchersLibraryIsRefusedOnEveryRank(MpiRun.Launcher launcher) {
    String library = launcher == MpiRun.Launcher.OPEN_MPI ? "libmpich.so.12" : "libmpi.so.40";
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .run(NativeScenarios.RefusesToStart.class, library)
            .failed()
            .output();
    assertThat(output).contains("refused NO_MPI_LIBRARY").contains(library);
  }

  @ParameterizedTest
  @EnumSource
  void aMissingLibraryIsNamedWithTheReason(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher)
            .run(NativeScenarios.RefusesToStart.class, "libnowhere.so.1")
            .failed()
            .output();
    assertThat(output)
        .contains("refused NO_MPI_LIBRARY")
        .contains("libnowhere.so.1: cannot open shared object file");
  }

  @ParameterizedTest
  @EnumSource
  void deniedNativeAccessIsAnsweredWithTheFlag(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .withoutNativeAccess()
            .run(NativeScenarios.RefusesToStart.class)
            .failed()
            .output();
    assertThat(output)
        .contains("refused NATIVE_ACCESS_DENIED")
        .contains("--enable-native-access=ALL-UNNAMED");
  }

  @Test
  void aRankThatIsKilledIsNoticedAndDoesNotBlockClose() {
    String output = surviving().run(NativeScenarios.LosesARank.class).output();
    assertThat(output).contains("noticed").contains("closed").contains("MPI is not finalised");
  }

  @Test
  void nobodyWaitsInACollectiveCallForTheDead() {
    String output = surviving().run(NativeScenarios.WaitsForTheDead.class).output();
    assertThat(output).contains("failed: rank 1").contains("allocate a window");
  }

  @Test
  void hydraEndsTheJobWhenARankIsKilled() {
    MpiRun.mpich().ranks(2).run(NativeScenarios.WaitsForTheDead.class).failed();
  }

  @ParameterizedTest
  @EnumSource
  void abortEndsEveryRank(MpiRun.Launcher launcher) {
    MpiRun.Result result = MpiRun.under(launcher).ranks(3).run(NativeScenarios.Aborts.class);
    assertThat(result.status()).isEqualTo(7);
    assertThat(result.output()).doesNotContain("went on");
  }

  @ParameterizedTest
  @EnumSource
  void aWindowThatDoesNotFitIsRefusedBeforeItIsTouched(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .run(NativeScenarios.AsksForTooMuch.class)
            .succeeded()
            .output();
    assertThat(output).contains("refused NO_WINDOW").contains("mpilock.window-size");
  }

  @ParameterizedTest
  @EnumSource
  void neitherGivingUpNorAnAbortIsHeldUpByAStuckMpiThread(MpiRun.Launcher launcher) {
    MpiRun.Result result = MpiRun.under(launcher).ranks(2).run(StuckThreadScenario.class);
    assertThat(result.status()).isEqualTo(9);
  }

  @ParameterizedTest
  @EnumSource
  void anMpiThatTheApplicationInitialisedIsUsedAndLeftAlone(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher).ranks(2).run(ApplicationMpiScenario.class).succeeded().output();
    assertThat(output).contains("used twice").contains("refused MPI_FINALIZED");
  }

  @ParameterizedTest
  @EnumSource
  void onSeveralNodesAnMpiForOneCallerAtATimeIsWarnedOf(MpiRun.Launcher launcher) {
    try (SimulatedHosts hosts = SimulatedHosts.create(2)) {
      String output =
          MpiRun.under(launcher)
              .on(hosts, 1, 1)
              .run(ApplicationMpiScenario.class)
              .succeeded()
              .output();
      assertThat(output).contains("used twice").contains("less than MPI_THREAD_MULTIPLE");
    }
  }

  @ParameterizedTest
  @EnumSource
  void anMpiWithoutThreadsIsRefused(MpiRun.Launcher launcher) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .run(ApplicationMpiScenario.class, "single")
            .succeeded()
            .output();
    assertThat(output).contains("refused THREAD_LEVEL").contains("MPI_Init_thread");
  }

  /** A job of two whose launcher, only Open MPI's, does not end one when the other dies. */
  private static MpiRun surviving() {
    return MpiRun.openMpi().ranks(2).launcherArgs("--enable-recovery");
  }
}

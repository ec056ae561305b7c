package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SharedWords;
import io.mpilock.testing.SimulatedHosts;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ranks that are killed, and hosts that vanish, as processes on simulated hosts under a launcher
 * that lets the others live. These must end by themselves, in good order.
 */
class JobNativeFailureTest {
  private static SimulatedHosts hosts;

  @TempDir Path folder;

  @BeforeAll
  static void makeHosts() {
    hosts = SimulatedHosts.create(3);
  }

  @AfterAll
  static void removeHosts() {
    hosts.close();
  }

  private MpiRun job(int... ranksPerHost) {
    return MpiRun.openMpi()
        .on(hosts, ranksPerHost)
        .timeout(Duration.ofSeconds(60))
        .launcherArgs("--enable-recovery")
        .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder);
  }

  private static void assertThatAllEnded(int ranks, String output) {
    assertThat(output.split("survived as told", -1)).as(output).hasSize(ranks + 1);
  }

  @ParameterizedTest(name = "rank {0} of {1} on each of {2} hosts is killed")
  @CsvSource({"3,2,2", "2,2,2", "0,2,2", "1,1,3"})
  void theOthersAreToldOrGoOn(int victim, int ranksPerHost, int number) {
    int[] places = java.util.stream.IntStream.generate(() -> ranksPerHost).limit(number).toArray();
    String output = job(places).run(IsKilled.class, Integer.toString(victim)).output();
    System.out.println(output);
    assertThatAllEnded(ranksPerHost * number - 1, output);
  }

  /** One rank of a job in which another is killed. */
  static final class IsKilled {
    public static void main(String[] args) throws Exception {
      int victim = Integer.parseInt(args[0]);
      ProcessRanks ranks = ProcessRanks.world();
      SharedWords words = ranks.words("death", RankDeath.words(ranks.size()));
      ranks.runBare(world ->
          new RankDeath(
                  world,
                  words,
                  victim,
                  ControllerOptions.defaults().withWindowBytes(1 << 20),
                  () ->
                      ProcessHandle.of(world.member(victim).pid())
                          .orElseThrow()
                          .destroyForcibly())
              .run());
      ProcessRanks.end();
      System.out.println("survived as told");
    }
  }
}

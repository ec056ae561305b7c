package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SimulatedHosts;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ranks that are killed, over MPJ Express, which by itself would end everybody's connections. */
class MpjFailureTest {

  @ParameterizedTest
  @EnumSource
  void theOthersAreToldOrGoOn(NativeFailureTest.Place place, @TempDir Path folder) {
    check(MpiRun.openMpi().ranks(3), place, OnHolderDeath.POISON, folder);
  }

  @Test
  void theOthersOnOtherHostsAreToldOrGoOn(@TempDir Path parent) {
    try (SimulatedHosts hosts = SimulatedHosts.create(3)) {
      MpiRun job = MpiRun.openMpi().on(hosts, 1, 1, 1);
      check(job, NativeFailureTest.Place.WRITES, OnHolderDeath.POISON, parent.resolve("poison"));
      check(job, NativeFailureTest.Place.READS, OnHolderDeath.POISON, parent.resolve("reads"));
      check(job, NativeFailureTest.Place.WRITES, OnHolderDeath.RELEASE, parent.resolve("release"));
    }
  }

  private static void check(
      MpiRun job, NativeFailureTest.Place place, OnHolderDeath policy, Path folder) {
    folder.toFile().mkdirs();
    String output =
        job.withoutNativeAccess()
            .launcherArgs("--enable-recovery", "-x", "MPILOCK_MPJ_DIRECTORY")
            .env("MPILOCK_MPJ_DIRECTORY", folder.resolve("meet").toString())
            .jvmArgs(
                "-D" + ProcessRanks.FOLDER + "=" + folder, "-D" + ProcessRanks.TRANSPORT + "=mpj")
            .run(NativeFailureTest.Killed.class, place.name(), policy.name())
            .output();
    assertThat(output.split("survived as told", -1)).hasSize(3);
  }
}

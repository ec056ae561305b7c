/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.transport.ffm.NativeTransport;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The contract over libmpi, in each rank of a job; {@link NativeTransportTest} starts that. */
final class NativeNodeWindowSuite extends NodeWindowContract {
  private static @Nullable Communicator kept;

  static Launcher launcher() {
    return Launcher.detect(System.getenv()).orElseThrow();
  }

  static TransportSettings settings() {
    return new TransportSettings(launcher(), null, Duration.ofSeconds(30));
  }

  /** MPI can be initialised once: this keeps it between the tests. */
  @BeforeAll
  static void open() {
    kept = Transports.open("auto", settings());
  }

  @AfterAll
  static void close() {
    if (kept != null) {
      kept.close();
    }
  }

  @Override
  @SuppressWarnings("CatchAndPrintStackTrace") // the job ends here, so nobody else would print it
  protected void onEachRank(RankBody body) throws Exception {
    try (Communicator world = new NativeTransport().world(settings())) {
      try {
        body.run(world);
      } catch (Throwable e) {
        // The others may wait for this rank.
        e.printStackTrace();
        System.err.flush();
        world.abort(70);
      }
    }
  }

  @Test
  void ranksAreProcesses() throws Exception {
    onEachRank(world -> {
      long distinct = 0;
      for (int rank = 0; rank < world.size(); rank++) {
        long pid = world.member(rank).pid();
        int other = 0;
        while (world.member(other).pid() != pid) {
          other++;
        }
        distinct += other == rank ? 1 : 0;
      }
      assertThat(distinct).isEqualTo(world.size());
      Launcher launcher = settings().launcher();
      assertThat(launcher).isNotNull();
      assertThat(world.rank()).isEqualTo(launcher().rank());
      assertThat(world.size()).isEqualTo(launcher().size());
    });
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.transport.mpj.MpjTransport;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The contract over MPJ Express, in each rank of a job; {@link MpjTransportTest} starts that. */
final class MpjNodeWindowSuite extends NodeWindowContract {
  private static @Nullable Communicator kept;

  static TransportSettings settings() {
    return new TransportSettings(
        Launcher.detect(System.getenv()).orElse(null), null, Duration.ofSeconds(30));
  }

  /** Or each test would make the ranks meet anew. */
  @BeforeAll
  static void open() {
    kept = Transports.open("mpj", settings());
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
    try (Communicator world = new MpjTransport().world(settings())) {
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
}

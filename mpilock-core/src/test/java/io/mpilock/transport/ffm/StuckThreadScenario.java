package io.mpilock.transport.ffm;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A rank whose MPI thread never comes back, and that aborts. */
public final class StuckThreadScenario {

  private StuckThreadScenario() {}

  /**
   * Runs a rank.
   *
   * @param args none
   */
  public static void main(String[] args) {
    TransportSettings settings =
        new TransportSettings(
            Launcher.detect(System.getenv()).orElseThrow(), null, Duration.ofSeconds(30));
    Communicator world = new NativeTransport().world(settings);
    CountDownLatch never = new CountDownLatch(1);
    if (world.rank() == 0) {
      MpiRuntime.keepBusy(() -> {
        try {
          never.await();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      });
      world.abort(9);
    }
    world.duplicate();
  }
}

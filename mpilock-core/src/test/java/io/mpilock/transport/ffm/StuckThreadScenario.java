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
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws InterruptedException {
    TransportSettings settings =
        new TransportSettings(
            Launcher.detect(System.getenv()).orElseThrow(), null, Duration.ofSeconds(30));
    Communicator world = new NativeTransport().world(settings);
    if (world.rank() == 0) {
      MpiRuntime runtime = ((NativeCommunicator) world).runtime();
      CountDownLatch there = new CountDownLatch(1);
      // MPI_Comm_dup waits for rank 1, which calls something else.
      Thread _ =
          Thread.ofPlatform()
              .daemon()
              .start(() ->
                  runtime.call(() -> {
                    there.countDown();
                    return runtime.mpi().duplicate(runtime.mpi().world());
                  }));
      there.await();
      world.abort(9);
    }
    world.allocate(16);
  }
}

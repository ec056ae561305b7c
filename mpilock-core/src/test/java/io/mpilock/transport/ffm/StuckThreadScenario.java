/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A rank whose MPI thread never comes back, and that gives itself up, and aborts. */
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
      stickIn(world);
      world.abandon();
      world.abort(9);
    }
    world.allocate(16);
  }

  /**
   * Lets this process's MPI thread call what no other rank does.
   *
   * @param world all ranks
   * @throws InterruptedException never
   */
  public static void stickIn(Communicator world) throws InterruptedException {
    MpiRuntime runtime = ((NativeCommunicator) world).runtime();
    CountDownLatch there = new CountDownLatch(1);
    Thread _ =
        Thread.ofPlatform()
            .daemon()
            .start(() ->
                runtime.call(() -> {
                  there.countDown();
                  return runtime.mpi().duplicate(runtime.mpi().world());
                }));
    there.await();
    while (!runtime.mpi().library().inside().isLocked()) {
      Thread.onSpinWait();
    }
  }
}

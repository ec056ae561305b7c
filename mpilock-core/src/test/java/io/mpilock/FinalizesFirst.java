/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.testing.ProcessRanks;
import io.mpilock.transport.ffm.ApplicationMpi;

/** A rank whose application finalises MPI before it closes its controller. */
final class FinalizesFirst {
  private FinalizesFirst() {}

  public static void main(String[] args) {
    ProcessRanks.world()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, 0);
          controller.write().close();
          controller.singleWrite(() -> "all are here");
          ApplicationMpi.finalizeIt(world);
          controller.close();
          world.close();
          System.out.println("closed after MPI");
        });
  }
}

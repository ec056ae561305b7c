package io.mpilock;

import io.mpilock.testing.ProcessRanks;

/** A rank that opens a controller, if the machine lets it. */
final class Opens {
  private Opens() {}

  public static void main(String[] args) throws Exception {
    ProcessRanks.world()
        .run(
            ControllerOptions.defaults(),
            controller -> {
              controller.write().close();
              System.out.println("opened over " + controller.transport());
            });
    ProcessRanks.end();
  }
}

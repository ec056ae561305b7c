/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.testing.ProcessRanks;

/**
 * A rank that opens a controller, if the machine lets it; with a window of so many MiB, if told.
 */
final class Opens {
  private Opens() {}

  public static void main(String[] args) throws Exception {
    ControllerOptions options = ControllerOptions.defaults();
    ProcessRanks.world()
        .run(
            args.length == 0 ? options : options.withWindowBytes(Long.parseLong(args[0]) << 20),
            controller -> {
              controller.write().close();
              System.out.println("opened over " + controller.transport());
            });
    ProcessRanks.end();
  }
}

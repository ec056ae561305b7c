/*
 * SPDX-License-Identifier: Apache-2.0
 */
package com.acme;

import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;

public class Ranks {
  public static void main(String[] args) {
    try (WindowController controller = WindowController.sync()) {
      String name = controller.singleWrite(() -> "made by rank " + controller.rank()); // all get it
      try (WriteLease write = controller.write()) {
        System.out.println(
            name + ", write " + write.token() + " is rank " + controller.rank() + "'s");
      }
      try (ReadLease read = controller.resource("orders").read()) {
        System.out.println("rank " + controller.rank() + " of " + controller.size() + " reads");
      }
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SimulatedHosts;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is only to be seen with several nodes: what locks cost, and large objects. */
@Timeout(300)
class SeveralNodesTest {

  /** Nodes of one rank, so that a rank's figure is its node's. */
  private static final int[] THREE_NODES = {1, 1, 1};

  private static void barrier(WindowController controller) {
    controller.resource("barrier").singleWrite(() -> true);
  }

  @Test
  void aNodeThatHasThePermissionSendsNothing() throws Exception {
    LocalRanks.run(
        THREE_NODES,
        ControllerOptions.defaults(),
        controller -> {
          if (controller.rank() == 1) {
            controller.write().close();
            long before = controller.messages();
            for (int i = 0; i < 1000; i++) {
              controller.write().close();
              controller.read().close();
              assertThat(controller.validate(controller.tryOptimisticRead())).isTrue();
            }
            assertThat(controller.messages()).isEqualTo(before);
          }
          barrier(controller);
        });
  }

  /** The default resource's home is the master's node: rank 0. */
  @Test
  void aColdLockIsARequestAndAGrantAndAConflictARecallAndAYieldMore() throws Exception {
    LocalRanks.run(
        THREE_NODES,
        ControllerOptions.defaults(),
        controller -> {
          barrier(controller);
          long start = controller.messages();
          barrier(controller); // the root's node writes, and keeps the permission: nothing is sent
          assertThat(controller.messages()).isEqualTo(start);
          if (controller.rank() == 1) {
            controller.write().close();
            assertThat(controller.messages()).as("Request").isEqualTo(start + 1);
          }
          barrier(controller);
          assertThat(controller.messages())
              .as("Grant")
              .isEqualTo(controller.rank() == 2 ? start : start + 1);
          barrier(controller);
          if (controller.rank() == 2) {
            controller.write().close();
            assertThat(controller.messages()).as("Request").isEqualTo(start + 1);
          }
          barrier(controller);
          long more =
              switch (controller.rank()) {
                case 0 -> 1 + 2; // Recall, Grant
                case 1 -> 1 + 1; // Yield
                default -> 1;
              };
          assertThat(controller.messages()).isEqualTo(start + more);
          barrier(controller);
        });
  }

  /** A first lock costs its node a message unless the node is the resource's home itself. */
  @Test
  void theHomesOfNamedResourcesAreSpread() throws Exception {
    LocalRanks.run(
        THREE_NODES,
        ControllerOptions.defaults(),
        controller -> {
          barrier(controller);
          int atHome = 0;
          for (int i = 0; i < 60; i++) {
            ResourceLock lock = controller.resource("of-" + controller.rank() + "-" + i);
            // Others ask this node as their home meanwhile: a lock at home may seem to cost, too.
            long before = controller.messages();
            lock.write().close();
            atHome += controller.messages() == before ? 1 : 0;
          }
          assertThat(atHome).isBetween(1, 40);
          barrier(controller);
        });
  }

  @Test
  void aRankThatHasClosedFailsEveryLaterSingleWriteOfTheOthers() throws Exception {
    LocalRanks.run(
        THREE_NODES,
        ControllerOptions.defaults(),
        controller -> {
          barrier(controller);
          for (int i = 0; i < 4; i++) { // the last rank's close at the end is its only one
            if (controller.rank() < 2) {
              assertThatThrownBy(() -> barrier(controller))
                  .isInstanceOf(CollectiveMismatchException.class)
                  .hasMessageContaining("rank 2 is closing");
            }
          }
          if (controller.rank() == 2) {
            assertThatThrownBy(controller::close).isInstanceOf(CollectiveMismatchException.class);
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void aGibibyteIsSharedOverHosts(MpiRun.Launcher launcher, @TempDir Path folder) {
    try (SimulatedHosts hosts = SimulatedHosts.create(2)) {
      String output =
          MpiRun.under(launcher)
              .on(hosts, 2, 1)
              .timeout(Duration.ofMinutes(4))
              .jvmArgs("-Xmx3g", "-D" + ProcessRanks.FOLDER + "=" + folder)
              .run(Gibibyte.class)
              .succeeded()
              .output();
      assertThat(output.split("got all of it", -1)).hasSize(4);
    }
  }

  /** Run inside each rank. */
  static final class Gibibyte {
    private static final int BYTES = 1 << 30;

    public static void main(String[] args) throws Exception {
      ProcessRanks.world()
          .run(controller -> {
            byte[] shared = controller.singleWrite(2, Gibibyte::make);
            assertThat(shared).hasSize(BYTES);
            for (int i = 0; i < BYTES; i++) {
              if (shared[i] != byteAt(i)) {
                throw new AssertionError("byte " + i + " is " + shared[i]);
              }
            }
            System.out.println("got all of it");
          });
      ProcessRanks.end();
    }

    private static byte byteAt(int i) {
      return (byte) (i * 31 + (i >>> 12));
    }

    private static byte[] make() {
      byte[] bytes = new byte[BYTES];
      for (int i = 0; i < BYTES; i++) {
        bytes[i] = byteAt(i);
      }
      return bytes;
    }
  }
}

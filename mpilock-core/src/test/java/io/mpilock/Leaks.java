/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.mpilock.testing.Footprint;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.ffm.ApplicationMpi;
import java.util.List;

/** A rank that does everything very often, and looks whether something of it stays. */
final class Leaks {
  private static final int WARM = 500;
  private static final int SPLITS = 300;
  private static final String MANY = "resource-";

  private Leaks() {}

  /** Arguments: how many controllers, resources and operations. */
  public static void main(String[] args) {
    int controllers = Integer.parseInt(args[0]);
    int resources = Integer.parseInt(args[1]);
    int operations = Integer.parseInt(args[2]);
    ProcessRanks.world()
        .runBare(world -> {
          boolean inMpi = world.description().startsWith("native");
          openAndClose(world, WARM);
          split(world, 2);
          useMany(world, resources / 10, operations / 10);
          useMany(world, resources, operations / 10);
          List<Integer> places = inMpi ? ApplicationMpi.freePlaces(world) : List.of();
          Footprint before = Footprint.now();

          openAndClose(world, controllers);
          Footprint opened = Footprint.now();
          opened.hasNotGrownSince(before, controllers);
          split(world, SPLITS);
          Footprint parted = Footprint.now();
          parted.hasNotGrownSince(opened, SPLITS);
          useMany(world, resources, operations);
          Footprint used = Footprint.now();
          used.hasNotGrownSince(parted, operations);

          if (inMpi) {
            List<Integer> now = ApplicationMpi.freePlaces(world);
            for (int i = 0; i < places.size(); i++) {
              assertThat(now.get(i)).isCloseTo(places.get(i), within(SPLITS / 10));
            }
          }
          System.out.printf("before %s%nafter  %s%nnothing stays%n", before, used);
        });
    ProcessRanks.end();
  }

  private static void openAndClose(Communicator world, int times) {
    for (int i = 0; i < times; i++) {
      try (WindowController controller = WindowController.sync(world, 0)) {
        controller.write().close();
        if (i % 10 == 0) {
          assertThat(controller.singleWrite(() -> "all")).isEqualTo("all");
        }
      }
    }
  }

  private static void split(Communicator world, int times) throws Exception {
    for (int i = 0; i < times; i++) {
      try (Communicator part = world.split(world.rank() % 2, 0);
          Communicator reversed = world.split(0, -world.rank());
          WindowController one = WindowController.sync(part, 0);
          WindowController two = WindowController.sync(reversed, 0)) {
        one.write().close();
        two.read().close();
      }
    }
  }

  private static void useMany(Communicator world, int resources, int operations) throws Exception {
    // Three lines for the name and home of each, two for each rank; see docs/architecture.md.
    long bytes = (3L + 2L * world.size()) * 128 * (resources + 100L) + (8L << 20);
    ControllerOptions options = ControllerOptions.defaults().withWindowBytes(bytes);
    try (WindowController controller = WindowController.sync(world, options)) {
      for (int i = 0; i < resources; i++) {
        controller.resource(MANY + i).read().close();
      }
      int seen = 0;
      for (int i = 0; i < operations; i++) {
        ResourceLock lock = controller.resource(MANY + i % resources);
        switch (i % 3) {
          case 0 -> lock.write().close();
          case 1 -> lock.tryRead().ifPresent(ReadLease::close);
          default -> seen += lock.validate(lock.tryOptimisticRead()) ? 1 : 0;
        }
      }
      assertThat(seen).isPositive();
    }
  }
}

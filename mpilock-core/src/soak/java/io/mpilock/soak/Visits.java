/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.transport.Communicator;
import java.util.SplittableRandom;

/**
 * Other controllers, opened and closed while the first one is busy: two at a time, with locks of
 * the same names and parts of the file of their own, closed by some ranks in one order and by the
 * others in the other.
 */
final class Visits {
  private static final String RESOURCE = "r0";
  private static final int OPERATIONS = 20;

  private final Settings settings;
  private final Communicator world;
  private final Region[] regions;
  private final Operations operations;
  private final Tally tally;

  Visits(
      Settings settings, Communicator world, Region[] regions, Operations operations, Tally tally) {
    this.settings = settings;
    this.world = world;
    this.regions = regions;
    this.operations = operations;
    this.tally = tally;
  }

  void visit(long round, SplittableRandom plan, SplittableRandom own) {
    WindowController first = WindowController.sync(world, settings.options(2 * round + 1));
    WindowController second = WindowController.sync(world, settings.options(2 * round + 2));
    int writer = plan.nextInt(world.size());
    Guarded one = prepare(first, regions[0], writer);
    Guarded other = prepare(second, regions[1], writer);
    for (int i = 0; i < OPERATIONS; i++) {
      Mode mode = Worker.mode(own);
      boolean swapped = own.nextBoolean();
      tally.count(
          mode, operations.perform(mode, swapped ? other : one, swapped ? one : other, own));
    }
    if (world.rank() % 2 == 0) {
      first.close();
      second.close();
    } else {
      second.close();
      first.close();
    }
  }

  /** Makes a part of the file as it is after the controller's first write. */
  private Guarded prepare(WindowController controller, Region region, int writer) {
    Guarded guarded = new Guarded(controller.resource(RESOURCE), region);
    operations.forget(guarded);
    long _ =
        guarded
            .lock()
            .singleWrite(
                writer,
                () -> {
                  try (ReadLease read = guarded.lock().read()) {
                    operations.hand().format(region, read.token());
                    return read.token();
                  }
                });
    return guarded;
  }
}

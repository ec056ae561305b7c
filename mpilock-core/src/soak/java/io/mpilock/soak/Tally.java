/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import java.util.concurrent.atomic.LongAdder;

/** A rank's figures. They are counted in the process, so that they know nothing of the locks. */
final class Tally {
  private final LongAdder[] modes;
  private final LongAdder[] writes;
  private final LongAdder operations = new LongAdder();

  Tally(int resources) {
    modes = adders(Mode.values().length * Mode.Outcome.values().length);
    writes = adders(resources);
  }

  private static LongAdder[] adders(int count) {
    LongAdder[] adders = new LongAdder[count];
    for (int i = 0; i < count; i++) {
      adders[i] = new LongAdder();
    }
    return adders;
  }

  void count(Mode mode, Mode.Outcome outcome) {
    modes[mode.index() * Mode.Outcome.values().length + outcome.index()].increment();
    operations.increment();
  }

  /** A write was granted, and its region overwritten. */
  void wrote(int resource) {
    writes[resource].increment();
  }

  /** By one at a time, so that an older sum does not come after a newer one. */
  synchronized void publish(Ledger ledger, int rank) {
    for (Mode mode : Mode.values()) {
      for (Mode.Outcome outcome : Mode.Outcome.values()) {
        long sum = modes[mode.index() * Mode.Outcome.values().length + outcome.index()].sum();
        ledger.set(rank, Ledger.ofMode(mode, outcome), sum);
      }
    }
    for (int resource = 0; resource < writes.length; resource++) {
      ledger.set(rank, Ledger.writesOf(resource), writes[resource].sum());
    }
    ledger.set(rank, Ledger.OPERATIONS, operations.sum());
  }
}

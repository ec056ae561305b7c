/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ReadLease;
import io.mpilock.soak.Mode.Outcome;
import java.util.Locale;

/** The figures of all ranks together, at the end. */
final class Figures {
  private Figures() {}

  static long sum(Ledger ledger, Outcome outcome) {
    long sum = 0;
    for (Mode mode : Mode.values()) {
      sum += ledger.sum(Ledger.ofMode(mode, outcome));
    }
    return sum;
  }

  /**
   * Compares what the processes have counted with what the locks and the file say: each write that
   * was granted has one token, and none has come to nothing.
   */
  static void check(Ledger ledger, Guarded[] guarded) {
    for (Guarded each : guarded) {
      long writes = ledger.sum(Ledger.writesOf(each.number()));
      try (ReadLease read = each.lock().read()) {
        long counter = each.region().get(Region.COUNTER);
        if (read.token() != writes || counter != writes) {
          throw new Violation(
              "the ranks have counted %d writes of %s, its token is %d, and the file's counter %d"
                  .formatted(writes, Hand.name(each.region()), read.token(), counter));
        }
      }
    }
  }

  static String table(Ledger ledger, int resources) {
    StringBuilder text = new StringBuilder();
    line(text, "mode", "operations", "granted", "gave up", "refused");
    for (Mode mode : Mode.values()) {
      long done = ledger.sum(Ledger.ofMode(mode, Outcome.DONE));
      long gaveUp = ledger.sum(Ledger.ofMode(mode, Outcome.GAVE_UP));
      long refused = ledger.sum(Ledger.ofMode(mode, Outcome.REFUSED));
      line(text, mode.label(), done + gaveUp + refused, done, gaveUp, refused);
    }
    text.append("soak: tokens without a hole:");
    for (int resource = 0; resource < resources; resource++) {
      text.append(" r%d 1..%d".formatted(resource, ledger.sum(Ledger.writesOf(resource))));
    }
    return text.append('\n').toString();
  }

  private static void line(StringBuilder text, Object... cells) {
    text.append(String.format(Locale.ROOT, "soak: %-20s %12s %12s %12s %12s%n", cells));
  }

  static String closing(Ledger ledger, double seconds, boolean stopped) {
    long together = 0;
    for (Mode mode : Mode.values()) {
      for (Outcome outcome : Outcome.values()) {
        together += mode.isCollective() ? ledger.sum(Ledger.ofMode(mode, outcome)) : 0;
      }
    }
    long controllers = ledger.sum(Ledger.ofMode(Mode.CONTROLLERS, Outcome.DONE));
    return String.format(
        Locale.ROOT,
        "%s%.0f s, %d operations, %d granted, %d given up, %d refused or failed as expected,"
            + " %d collective calls, %d other controllers, %d messages, 0 violations, 0 stalls",
        stopped ? "stopped after " : "",
        seconds,
        ledger.sum(Ledger.OPERATIONS),
        sum(ledger, Outcome.DONE),
        sum(ledger, Outcome.GAVE_UP),
        sum(ledger, Outcome.REFUSED),
        together / ledger.ranks(),
        2 * controllers / ledger.ranks(),
        ledger.sum(Ledger.MESSAGES));
  }
}

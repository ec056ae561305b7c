/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/** Numbers for people. */
final class Units {
  private Units() {}

  /** A time in three digits, with its unit; a dash where there is none. */
  static String time(long nanos) {
    if (nanos <= 0) {
      return "–";
    }
    if (nanos < 1_000) {
      return nanos + " ns";
    }
    if (nanos < 999_500) {
      return digits(nanos / 1e3) + " µs";
    }
    if (nanos < 999_500_000) {
      return digits(nanos / 1e6) + " ms";
    }
    return digits(nanos / 1e9) + " s";
  }

  private static String digits(double value) {
    String form = value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%,.0f";
    return String.format(Locale.ROOT, form, value);
  }

  static String count(long count) {
    return count == 0 ? "–" : String.format(Locale.ROOT, "%,d", count);
  }

  /** A part of a whole in percent; what is not nothing is never shown as 0 %. */
  static String share(long part, long whole) {
    if (whole == 0 || part == 0) {
      return "–";
    }
    double percent = 100.0 * part / whole;
    return percent < 1 ? "<1 %" : String.format(Locale.ROOT, "%.0f %%", percent);
  }

  static String waitedFor(WaitedFor pair) {
    return "rank %d waited for %s in %s: %s in all, %s"
        .formatted(
            pair.waiter(),
            pair.waiter() == pair.holder() ? "other threads of its own" : "rank " + pair.holder(),
            TextTable.shorten(pair.resource(), 24),
            time(pair.nanos()),
            pair.times() == 1 ? "once" : "%,d times".formatted(pair.times()));
  }

  /** One line on the ranks that are missing for each reason. */
  static List<String> missing(SortedMap<Integer, String> missing) {
    SortedMap<String, StringBuilder> ranks = new TreeMap<>();
    missing.forEach((rank, why) -> {
      StringBuilder list = ranks.computeIfAbsent(why, w -> new StringBuilder());
      list.append(list.isEmpty() ? "" : ", ").append(rank);
    });
    return ranks.entrySet().stream()
        .map(entry -> "rank " + entry.getValue() + " missing: " + entry.getKey())
        .toList();
  }
}

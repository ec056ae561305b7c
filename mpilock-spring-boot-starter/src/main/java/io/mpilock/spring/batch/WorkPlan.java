/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The runs of a work, as the first start of it cut them that did something: a later one, on
 * whatever number of ranks, goes on with the same runs.
 *
 * @param input what the units are, and what was seen of them
 * @param ranks for how many ranks they were cut
 * @param smallest the size of the smallest run
 * @param schedule how they were cut
 * @param bytes where in a file each run begins, and the last one ends; empty if it is none
 */
record WorkPlan(Input input, int ranks, long smallest, WorkSchedule schedule, List<Long> bytes) {
  private static final String SEPARATOR = ";";
  private static final int MOST_RANKS = 1 << 24;
  private static final int FIELDS = 8;

  /**
   * What the units are.
   *
   * @param kind tells inputs of different kinds apart
   * @param first the number of the first unit
   * @param units how many there are
   * @param seen what was seen of them, for a comparison
   */
  record Input(String kind, long first, long units, String seen) {}

  /** Checks what comes from a file or a table. */
  WorkPlan {
    if (ranks < 1 || ranks > MOST_RANKS || smallest < 1 || input.units < 0) {
      throw new IllegalArgumentException(
          "This is no plan of a work: %d units for %d ranks in runs of at least %d."
              .formatted(input.units, ranks, smallest));
    }
    bytes = List.copyOf(bytes);
  }

  /** Where each run begins, from 0, and the number of units. */
  long[] cut() {
    return schedule.cut(input.units, ranks, smallest);
  }

  /** The form in which it is kept: one line. */
  String encode() {
    return Arrays.asList(
            input.kind,
            input.first,
            input.units,
            ranks,
            smallest,
            schedule.name(),
            bytes.stream().map(String::valueOf).collect(Collectors.joining(",")),
            input.seen)
        .stream()
        .map(String::valueOf)
        .collect(Collectors.joining(SEPARATOR));
  }

  /**
   * The plan of a form.
   *
   * @throws IllegalArgumentException if it is none
   */
  static WorkPlan decode(String form) {
    String[] fields = form.split(SEPARATOR, FIELDS);
    if (fields.length < FIELDS) {
      throw new IllegalArgumentException("This is no plan of a work: " + form);
    }
    List<Long> bytes =
        fields[6].isEmpty()
            ? List.of()
            : Arrays.stream(fields[6].split(",", -1)).map(Long::valueOf).toList();
    return new WorkPlan(
        new Input(fields[0], Long.parseLong(fields[1]), Long.parseLong(fields[2]), fields[7]),
        Integer.parseInt(fields[3]),
        Long.parseLong(fields[4]),
        WorkSchedule.valueOf(fields[5]),
        bytes);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ControllerOptions;
import io.mpilock.Fairness;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What the program is told. The same on every rank.
 *
 * @param transport {@code native}, {@code mpj} or {@code local}
 * @param ranksPerHost for {@code local}: how many ranks on each node
 * @param length how long it runs
 * @param threads how many threads of each rank take locks at random, beside the one that makes the
 *     collective calls
 * @param resources how many resources they share
 * @param seed the choices of every thread follow from it
 * @param stall how long an operation may take
 * @param heartbeat the controllers' heartbeat time-out
 * @param folder a folder that all ranks see, empty at first
 * @param fault what the last rank does wrong on purpose
 */
record Settings(
    String transport,
    List<Integer> ranksPerHost,
    Duration length,
    int threads,
    int resources,
    long seed,
    Duration stall,
    Duration heartbeat,
    Path folder,
    Fault fault) {

  /** What tests plant, to see that it is found. */
  enum Fault {
    NONE,
    /** In one operation of a thousand a write without a lock. */
    UNLOCKED_WRITE,
    /** In one operation of a thousand a read without a lock. */
    UNLOCKED_READ,
    /** A write that is never given back. */
    HELD_FOR_EVER,
    /** The process stands still. */
    FROZEN
  }

  /** Reads {@code --name value} pairs; the script has checked them. */
  static Settings of(String... args) {
    Map<String, String> values = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) {
      values.put(args[i], args[i + 1]);
    }
    return new Settings(
        get(values, "--transport"),
        Arrays.stream(get(values, "--ranks-per-host").split(",", -1))
            .map(Integer::valueOf)
            .toList(),
        Duration.ofMillis((long) (Double.parseDouble(get(values, "--minutes")) * 60_000)),
        Integer.parseInt(get(values, "--threads")),
        Integer.parseInt(get(values, "--resources")),
        Long.parseLong(get(values, "--seed")),
        Duration.ofSeconds(Long.parseLong(get(values, "--stall"))),
        Duration.ofSeconds(Long.parseLong(get(values, "--heartbeat"))),
        Path.of(get(values, "--folder")),
        Fault.valueOf(get(values, "--fault").toUpperCase(Locale.ROOT).replace('-', '_')));
  }

  private static String get(Map<String, String> values, String name) {
    String value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return value;
  }

  /**
   * The choices of one operation. They depend on nothing that happened before, so an operation
   * makes the same choices again however the others ended.
   */
  SplittableRandom choices(int rank, int thread, long operation) {
    long mixed = (seed ^ 0x9E37_79B9_7F4A_7C15L) * 0xBF58_476D_1CE4_E5B9L;
    mixed = (mixed + rank) * 0x94D0_49BB_1331_11EBL;
    mixed = (mixed + thread) * 0xD6E8_FEB8_6659_FD93L;
    return new SplittableRandom(mixed ^ (mixed >>> 32) ^ operation);
  }

  /** The options of a controller, a different choice for each number. */
  ControllerOptions options(long number) {
    SplittableRandom choices = choices(-2, -2, number);
    Duration warning = stall.dividedBy(2);
    return ControllerOptions.defaults()
        .withFairness(choices.nextBoolean() ? Fairness.WRITER_FIRST : Fairness.PHASE_FAIR)
        .withHandoverLimit(choices.nextInt(2) * 3)
        .withHeartbeatTimeout(heartbeat)
        .withStallWarning(
            warning.compareTo(Duration.ofSeconds(30)) < 0 ? warning : Duration.ofSeconds(30));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What a model has, and what may happen in it.
 *
 * @param ranks how many ranks each node has; the first is the home's
 * @param rounds how often each rank asks
 * @param giveUps whether a rank that waits may give up
 * @param tries whether a rank may also only try
 * @param phaseFair whether waiting readers go before the next writer
 * @param crash what may die
 * @param retires whether nodes give back what none of their ranks has any more, and forget it
 * @param meanwhile how many steps ranks may do while their agent is in the middle of one
 */
record Setup(
    List<Integer> ranks,
    int rounds,
    boolean giveUps,
    boolean tries,
    boolean phaseFair,
    Crash crash,
    boolean retires,
    int meanwhile) {

  /** What may die, once. */
  enum Crash {
    NOTHING,
    /** A node with all of its ranks. */
    NODE,
    /** A rank, and its agent lives. */
    RANK,
    /** The same, and each node may give free once what the rank had poisoned. */
    RANK_CLEARED,
    /** As RANK, with on-holder-death=release. */
    RANK_RELEASED
  }

  static Setup of(Integer... ranks) {
    return new Setup(List.of(ranks), 1, false, false, false, Crash.NOTHING, false, 0);
  }

  Setup inRounds(int number) {
    return new Setup(ranks, number, giveUps, tries, phaseFair, crash, retires, meanwhile);
  }

  Setup withGiveUps() {
    return new Setup(ranks, rounds, true, tries, phaseFair, crash, retires, meanwhile);
  }

  Setup withTries() {
    return new Setup(ranks, rounds, giveUps, true, phaseFair, crash, retires, meanwhile);
  }

  Setup fairToPhases() {
    return new Setup(ranks, rounds, giveUps, tries, true, crash, retires, meanwhile);
  }

  Setup withCrashOf(Crash what) {
    return new Setup(ranks, rounds, giveUps, tries, phaseFair, what, retires, meanwhile);
  }

  Setup withMeanwhile(int steps) {
    return new Setup(ranks, rounds, giveUps, tries, phaseFair, crash, retires, steps);
  }

  Setup withRetiring() {
    return new Setup(ranks, rounds, giveUps, tries, phaseFair, crash, true, meanwhile);
  }

  /** As {@link #code} wrote it. */
  static Setup parse(String code) {
    String[] parts = code.split(" ", -1);
    return new Setup(
        Arrays.stream(parts[0].split(",", -1)).map(Integer::valueOf).toList(),
        Integer.parseInt(parts[1]),
        Boolean.parseBoolean(parts[2]),
        Boolean.parseBoolean(parts[3]),
        Boolean.parseBoolean(parts[4]),
        Crash.valueOf(parts[5]),
        Boolean.parseBoolean(parts[6]),
        Integer.parseInt(parts[7]));
  }

  /** For another class loader. */
  String code() {
    return ranks.stream().map(Object::toString).collect(Collectors.joining(","))
        + " "
        + rounds
        + " "
        + giveUps
        + " "
        + tries
        + " "
        + phaseFair
        + " "
        + crash
        + " "
        + retires
        + " "
        + meanwhile;
  }

  int nodes() {
    return ranks.size();
  }

  boolean ranksDie() {
    return crash != Crash.NOTHING && crash != Crash.NODE;
  }

  @Override
  public String toString() {
    return "ranks "
        + ranks
        + (rounds == 1 ? "" : ", " + rounds + " rounds")
        + (giveUps ? ", give-ups" : "")
        + (tries ? ", tries" : "")
        + (phaseFair ? ", phase-fair" : "")
        + (crash == Crash.NOTHING ? "" : ", crash of a " + crash.name().toLowerCase(Locale.ROOT))
        + (retires ? ", nodes retire" : "")
        + (meanwhile == 0 ? "" : ", " + meanwhile + " steps meanwhile");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import java.util.Arrays;

/**
 * What a number of rounds measured.
 *
 * @param median the middle figure; of an even number of rounds the upper one of two
 * @param least the smallest one
 * @param most the largest one
 */
public record Figures(double median, double least, double most) {

  /**
   * Takes one figure of each round.
   *
   * @param rounds at least one figure
   * @return their median and range
   */
  public static Figures of(double... rounds) {
    double[] sorted = rounds.clone();
    Arrays.sort(sorted);
    return new Figures(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
  }

  /**
   * Divides round by round, since what disturbs a round disturbs both figures of it.
   *
   * @param rounds at least one figure
   * @param base as many figures, from the same rounds
   * @return the median and range of the ratios
   */
  public static Figures ofRatios(double[] rounds, double[] base) {
    if (rounds.length != base.length) {
      throw new IllegalArgumentException(rounds.length + " rounds to " + base.length);
    }
    double[] ratios = new double[rounds.length];
    for (int i = 0; i < rounds.length; i++) {
      ratios[i] = rounds[i] / base[i];
    }
    return of(ratios);
  }

  /**
   * Jain's index of fairness (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC
   * TR-301, 1984): 1 if all have the same share, 1/n if one of n has all.
   *
   * @param shares what each has; not all 0
   * @return the index
   */
  public static double jain(long... shares) {
    double total = Arrays.stream(shares).asDoubleStream().sum();
    double squares = Arrays.stream(shares).asDoubleStream().map(share -> share * share).sum();
    return total * total / (shares.length * squares);
  }
}

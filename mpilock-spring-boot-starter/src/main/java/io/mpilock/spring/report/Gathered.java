/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the ranks recorded, as far as this rank got it.
 *
 * @param ranks the figures by rank
 * @param missing the ranks whose figures are not there, with the reason
 */
record Gathered(SortedMap<Integer, RankRecord> ranks, SortedMap<Integer, String> missing) {

  Gathered {
    ranks = new TreeMap<>(ranks);
    missing = new TreeMap<>(missing);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

/**
 * Warns of what is bound to end badly around transactions: two writes that are kept in two orders,
 * when both have first been seen on this rank, and a single write inside a transaction, once.
 */
final class KeptOrders {
  private static final Log LOG = LogFactory.getLog(LockTemplate.class);

  /** Of more than these no orders are remembered. */
  private static final int MOST = 10_000;

  private static final int FORWARD = 1;
  private static final int BACKWARD = 2;

  private record Pair(String low, String high) {}

  private final ConcurrentMap<Pair, Integer> seen = new ConcurrentHashMap<>();
  private final AtomicBoolean toldSingleWrite = new AtomicBoolean();

  /** A thread that keeps some writes is about to ask for one more. */
  void request(Collection<String> kept, String wanted, String transaction) {
    if (kept.contains(wanted)) {
      return; // it has it
    }
    for (String first : kept) {
      if (isFirstTurned(first, wanted)) {
        LOG.warn(
            ("Transaction%s asks for the write of '%s' while it keeps that of '%s', and"
                    + " another one on this rank asked for '%s' while it kept '%s'. Two such"
                    + " transactions may wait for each other for ever. Take both in one order"
                    + " everywhere, or let the first write end with its body, by"
                    + " mpilock.resources.NAME.until=body.")
                .formatted(
                    transaction.isEmpty() ? "" : " " + transaction, wanted, first, first, wanted));
      }
    }
  }

  private boolean isFirstTurned(String first, String second) {
    boolean forward = first.compareTo(second) < 0;
    Pair pair = forward ? new Pair(first, second) : new Pair(second, first);
    int mine = forward ? FORWARD : BACKWARD;
    Integer known = seen.get(pair);
    if ((known != null && (known & mine) != 0) || (known == null && seen.size() >= MOST)) {
      return false;
    }
    boolean[] turned = new boolean[1];
    seen.merge(
        pair,
        mine,
        (before, now) -> {
          turned[0] = (before & now) == 0;
          return before | now;
        });
    return turned[0];
  }

  /** Its write is given back when all ranks go on, which cannot wait for one rank's transaction. */
  void singleWrite(String resource) {
    if (toldSingleWrite.compareAndSet(false, true)) {
      LOG.warn(
          ("A single write of '%s' is called in a transaction: what its body writes"
                  + " there is not committed when the other ranks go on. Open the transaction"
                  + " inside the single write. This warning appears once.")
              .formatted(resource));
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.WindowController;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.report.CallApart;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Tells the ranks each other's outcomes. Collective, and bounded: each rank shares its own in a
 * single write.
 *
 * <p>A rank that is not at the end of its job but in some other collective call of it fails there,
 * as all do, and so comes to the end of its job: then it begins anew, a few times. A single write
 * has a time-out until its body begins, and none after that. So this is done on a thread of its
 * own, which is interrupted and left behind if it takes too long.
 */
final class OutcomeExchange {
  private static final String RESOURCE = "mpilock.batch.outcomes";
  private static final int MOST_ATTEMPTS = 10;

  private final WindowController controller;
  private final Duration timeout;
  private final RankOutcome mine;

  // Guarded by this object.
  private final SortedMap<Integer, RankOutcome> known = new TreeMap<>();
  private String reason = "is not known: it did not arrive in time";

  private OutcomeExchange(WindowController controller, Duration timeout, RankOutcome mine) {
    this.controller = controller;
    this.timeout = timeout;
    this.mine = mine;
    known.put(mine.rank(), mine);
  }

  /** Gives the outcomes of all ranks, by rank; those that did not tell theirs have failed. */
  static List<RankOutcome> of(WindowController controller, Duration timeout, RankOutcome mine) {
    OutcomeExchange exchange = new OutcomeExchange(controller, timeout, mine);
    if (controller.size() > 1) {
      exchange.onAThreadOfItsOwn();
    }
    return exchange.result();
  }

  private void onAThreadOfItsOwn() {
    try {
      boolean _ = CallApart.make(RESOURCE, timeout, CallApart.GRACE, this::run);
    } catch (InterruptedException e) {
      stop("is not known: the thread of the job was interrupted");
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    long start = System.nanoTime();
    try {
      LockTemplate locks = LockTemplate.of(controller).on(RESOURCE);
      byte[] encoded = mine.encode();
      for (int attempt = 1; ; attempt++) {
        try {
          locks
              .withTimeout(timeout.minusNanos(System.nanoTime() - start))
              .allGather(encoded, (word, rank) -> take(RankOutcome.decode(word)));
          return;
        } catch (CollectiveMismatchException e) {
          if (attempt == MOST_ATTEMPTS) {
            throw e;
          }
        }
      }
    } catch (RankFailedException e) {
      lost(e);
    } catch (RuntimeException e) {
      stop("is not known: " + e.getMessage());
    }
  }

  private synchronized void take(RankOutcome outcome) {
    known.put(outcome.rank(), outcome);
  }

  private synchronized void lost(RankFailedException e) {
    known.putIfAbsent(e.rank(), RankOutcome.missing(e.rank(), String.valueOf(e.getMessage())));
    reason = "is not known, because rank " + e.rank() + " died";
  }

  private synchronized void stop(String why) {
    reason = why;
  }

  private synchronized List<RankOutcome> result() {
    List<RankOutcome> all = new ArrayList<>();
    for (int rank = 0; rank < controller.size(); rank++) {
      RankOutcome outcome = known.get(rank);
      all.add(outcome != null ? outcome : RankOutcome.missing(rank, reason));
    }
    return all;
  }
}

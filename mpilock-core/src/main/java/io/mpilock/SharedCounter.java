/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.rank.RankCounter;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CallNames;

/** A controller's counter. */
final class SharedCounter implements JobCounter {
  private final RankCounter counter;
  private final CollectiveCalls collectives;
  private final int master;

  SharedCounter(RankLock lock, CollectiveCalls collectives, int master) {
    this.counter = new RankCounter(lock);
    this.collectives = collectives;
    this.master = master;
  }

  @Override
  public String name() {
    return CallNames.given(counter.lock().name());
  }

  @Override
  public long get() {
    return counter.get();
  }

  @Override
  public long add(long amount) {
    return counter.add(amount) + amount;
  }

  @Override
  public long next(long count) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "next(%d) of %s: ask for at least 1 number."
              .formatted(count, counter.lock().quotedName()));
    }
    return counter.next(count);
  }

  @Override
  public void reset(long value) {
    try {
      resetTogether(value);
    } finally {
      counter.dropRun();
    }
  }

  private void resetTogether(long value) {
    SingleWriteCall section =
        collectives.singleWrite(
            counter.lock(), master, ThreadHold.FOREVER, (writer, nanos, bytes, failure) -> {});
    try {
      if (section.isWriter()) {
        check(value); // here, so that all are told
        counter.set(value);
        section.complete();
      } else {
        section.awaitWriter();
      }
    } catch (Throwable failure) {
      try {
        section.leave(failure);
      } catch (Throwable cut) { // before it had begun
        section.leave(failure);
      }
      throw failure;
    }
    try {
      section.close();
    } catch (Throwable cut) {
      section.leave(cut); // if it is not left
      throw cut;
    }
  }

  private void check(long value) {
    if (value < LEAST || value > MOST) {
      throw new IllegalArgumentException(
          "reset(%d) of %s: a counter goes from %d to %d."
              .formatted(value, counter.lock().quotedName(), LEAST, MOST));
    }
  }

  @Override
  public String toString() {
    return counter.lock().quotedName();
  }
}

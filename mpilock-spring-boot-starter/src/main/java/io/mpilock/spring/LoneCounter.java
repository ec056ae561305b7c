/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.JobCounter;
import java.util.concurrent.atomic.AtomicLong;

/** The counter of one rank that shares it with none. */
final class LoneCounter implements JobCounter {
  private final String name;
  private final AtomicLong number = new AtomicLong();

  LoneCounter(String name) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long get() {
    return number.get();
  }

  @Override
  public long add(long amount) {
    while (true) {
      long before = number.get();
      if (amount > 0 ? before > MOST - amount : before < LEAST - amount) {
        throw new ArithmeticException(
            "The counter '%s' stands at %d, and %d is added: a counter goes from %d to %d. Reset it, or use another."
                .formatted(name, before, amount, LEAST, MOST));
      }
      if (number.compareAndSet(before, before + amount)) {
        return before + amount;
      }
    }
  }

  @Override
  public long next(long count) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "next(%d) of counter '%s': ask for at least 1 number.".formatted(count, name));
    }
    return add(count) - count;
  }

  @Override
  public void reset(long value) {
    if (value < LEAST || value > MOST) {
      throw new IllegalArgumentException(
          "reset(%d) of counter '%s': a counter goes from %d to %d."
              .formatted(value, name, LEAST, MOST));
    }
    number.set(value);
  }
}

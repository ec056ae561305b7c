/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.LockTemplate;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** What the guide shows of the template's forms. */
class Accounts {
  private final LockTemplate locks;
  private final Map<String, Integer> amounts = new ConcurrentHashMap<>();
  private final Map<String, Long> tokens = new ConcurrentHashMap<>();

  Accounts(LockTemplate locks) {
    this.locks = locks;
  }

  // snippet tries
  boolean sweepIfNobodyIsThere() {
    return locks.tryWriteWithoutResult(() -> amounts.values().removeIf(amount -> amount == 0));
  }

  Optional<Integer> countSoon() {
    return locks.tryRead(Duration.ofMillis(200), amounts::size); // empty: it did not run
  }

  // end snippet

  // snippet lease
  void store(String account, int amount) {
    locks.writeWithLease(lease -> {
      amounts.put(account, amount);
      return tokens.merge(account, lease.token(), Math::max); // a store would refuse older ones
    });
  }

  int open(String account) {
    return locks.readWithLease(lease -> {
      Integer known = amounts.get(account);
      return known != null
          ? known
          : lease.upgrade(write -> amounts.computeIfAbsent(account, _ -> 0));
    });
  }

  // end snippet

  // snippet optimistic
  int total() {
    return locks.optimisticRead(() -> amounts.values().stream().mapToInt(each -> each).sum());
  }

  // end snippet

  // snippet group
  void transfer(String from, String to, int amount) {
    locks
        .group()
        .read("rates")
        .write("account-" + from, "account-" + to)
        .runWithoutResult(() -> {
          add(from, -amount);
          add(to, amount);
        });
  }

  private void add(String account, int amount) {
    locks.on("account-" + account).requireWriteHeld(); // else it says who called, and what to do
    amounts.merge(account, amount, Integer::sum);
  }
  // end snippet
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.JobCounter;
import io.mpilock.spring.LockTemplate;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What the guide shows of counters. */
class Units {
  private final LockTemplate locks;
  final Map<Long, String> files = new ConcurrentHashMap<>();
  String progress = "";

  Units(LockTemplate locks) {
    this.locks = locks;
  }

  // snippet counters
  void work(long units) {
    JobCounter next = locks.counter("units"); // work that balances itself
    for (long first = next.add(10) - 10; first < units; first = next.add(10) - 10) {
      work(first, Math.min(first + 10, units));
    }
  }

  void work(long first, long end) {
    long id = locks.counter("ids").next(); // no other rank gets it
    files.put(id, "units %d to %d".formatted(first, end - 1));
    long done = locks.counter("done").add(end - first); // by all ranks together
    progress = "%d units are done".formatted(done);
  }
  // end snippet
}

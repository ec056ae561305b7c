/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.test.RankTest;

/** What the guide shows of counters does what it says. */
class UnitsTests {

  @RankTest(nodes = {2, 1})
  void eachUnitIsDoneOnce(LockTemplate locks) {
    Units units = new Units(locks);
    units.work(95);
    int parts = locks.allGather(units.files.size()).stream().mapToInt(Integer::intValue).sum();
    assertThat(parts).isEqualTo(10);
    assertThat(locks.counter("done").get()).isEqualTo(95);
    assertThat(locks.allGather(units.progress)).contains("95 units are done");
  }
}

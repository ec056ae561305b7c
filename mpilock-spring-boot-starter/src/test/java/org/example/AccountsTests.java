/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.test.RankTest;

/** The guide's forms of the template do what it says. */
class AccountsTests {

  @RankTest(ranks = 1)
  void theFormsRun(LockTemplate locks) {
    Accounts accounts = new Accounts(locks);
    assertThat(accounts.open("Smith")).isZero();
    accounts.store("Smith", 5);
    assertThat(accounts.open("Smith")).isEqualTo(5);
    accounts.transfer("Smith", "Miller", 5);
    assertThat(accounts.countSoon()).contains(2);
    assertThat(accounts.sweepIfNobodyIsThere()).isTrue();
    assertThat(accounts.countSoon()).contains(1);
    assertThat(accounts.total()).isEqualTo(5);
  }
}

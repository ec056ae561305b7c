/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.Fairness;
import io.mpilock.spring.ControllerOptionsCustomizer;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.condition.ConditionalOnMaster;
import io.mpilock.spring.condition.ConditionalOnRank;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the guide shows of beans. */
class Beans {

  // snippet conditions
  @Configuration(proxyBeanMethods = false)
  static class Writers {
    @Bean
    @ConditionalOnMaster
    Reports reports(LockTemplate locks) {
      return new Reports(locks);
    }

    @Bean
    @ConditionalOnRank({1, 3})
    String watcher() {
      return "only on the ranks 1 and 3";
    }
  }

  // end snippet

  // snippet customizer
  @Bean
  ControllerOptionsCustomizer fewHandovers() {
    return options -> options.withHandoverLimit(8).withFairness("prices", Fairness.PHASE_FAIR);
  }

  // end snippet

  static class Reports {
    private final LockTemplate locks;

    Reports(LockTemplate locks) {
      this.locks = locks;
    }

    Path make() throws IOException {
      return Files.writeString(
          Files.createTempFile("report", ".txt"), "made by rank " + locks.rank());
    }
  }
}

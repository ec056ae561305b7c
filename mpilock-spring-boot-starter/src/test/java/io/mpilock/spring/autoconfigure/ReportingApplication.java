/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.spring.LockTemplate;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** Locks on every rank and ends in order; with {@code --fail} it fails on rank 1 instead. */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration(MpilockAutoConfiguration.class)
class ReportingApplication {

  public static void main(String[] arguments) {
    SpringApplication.run(ReportingApplication.class, arguments).close();
  }

  @Bean
  ApplicationRunner runner(LockTemplate locks, Environment environment) {
    return _ -> {
      for (int i = 0; i < 5; i++) {
        locks.on("orders").write(() -> 0);
      }
      if (locks.rank() == 1 && environment.containsProperty("fail")) {
        throw new IllegalStateException("the application's own reason");
      }
    };
  }
}

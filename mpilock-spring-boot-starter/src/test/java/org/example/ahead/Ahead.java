/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.ahead;

import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import io.mpilock.spring.condition.ConditionalOnMaster;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.annotation.Bean;

/** Applications to be processed ahead of time. */
public class Ahead {

  /** Says nothing of ranks. */
  @SpringBootConfiguration(proxyBeanMethods = false)
  @ImportAutoConfiguration(MpilockAutoConfiguration.class)
  public static class Plain {
    public static void main(String[] arguments) {
      SpringApplication.run(Plain.class, arguments);
    }
  }

  /** Has a bean on the master only. */
  @SpringBootConfiguration(proxyBeanMethods = false)
  @ImportAutoConfiguration(MpilockAutoConfiguration.class)
  public static class OnMaster {
    public static void main(String[] arguments) {
      SpringApplication.run(OnMaster.class, arguments);
    }

    @Bean
    @ConditionalOnMaster
    String report() {
      return "";
    }
  }
}

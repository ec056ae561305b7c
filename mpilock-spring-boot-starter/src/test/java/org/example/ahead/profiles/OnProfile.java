/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.ahead.profiles;

import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurationPackage;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Profile;

/** Has a bean on one rank only, by its profile. */
@SpringBootConfiguration(proxyBeanMethods = false)
@AutoConfigurationPackage
@ImportAutoConfiguration(MpilockAutoConfiguration.class)
public class OnProfile {
  public static void main(String[] arguments) {
    SpringApplication.run(OnProfile.class, arguments);
  }

  @Bean
  @Profile("!rank-3 & other")
  String watcher() {
    return "";
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.spring.LockTemplate;
import java.util.concurrent.CountDownLatch;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/**
 * Fails on rank 1, at the time that {@code --fail} names, while rank 0 waits for it in a collective
 * call. A thread that is no daemon keeps the process from ending by itself.
 */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration(MpilockAutoConfiguration.class)
class FailingApplication {

  public static void main(String[] arguments) {
    Thread.ofPlatform().name("runs on").start(FailingApplication::runOn);
    SpringApplication application = new SpringApplication(FailingApplication.class);
    application.addInitializers(context -> failIf(context.getEnvironment(), "before"));
    application.run(arguments);
  }

  @Bean
  @ConditionalOnProperty(name = "fail", havingValue = "start")
  SmartLifecycle failingStart(Environment environment) {
    return new SmartLifecycle() {
      @Override
      public void start() {
        failIf(environment, "start");
      }

      @Override
      public void stop() {}

      @Override
      public boolean isRunning() {
        return false;
      }
    };
  }

  @Bean
  ApplicationRunner runner(LockTemplate locks, Environment environment) {
    return _ -> {
      failIf(environment, "runner");
      if (locks.rank() == 0 || !"ready".equals(environment.getProperty("fail"))) {
        locks.singleWrite(() -> "both");
        System.out.println("rank " + locks.rank() + " is through");
      }
    };
  }

  @Bean
  ApplicationListener<ApplicationReadyEvent> readyListener(Environment environment) {
    return _ -> failIf(environment, "ready");
  }

  private static void failIf(Environment environment, String when) {
    if (when.equals(environment.getProperty("fail"))
        && "1".equals(environment.getProperty("mpilock.rank"))) {
      throw new IllegalStateException("the application's own reason");
    }
  }

  private static void runOn() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

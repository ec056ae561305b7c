/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;

/**
 * Starts on all ranks, and then fails on rank 1 alone, in the way that {@code --end} names. Nothing
 * but its way to end tells the launcher.
 */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration(MpilockAutoConfiguration.class)
class EndingApplication {
  private static final int STATUS = 3;

  public static void main(String[] arguments) throws InterruptedException {
    ConfigurableApplicationContext context =
        new SpringApplication(EndingApplication.class).run(arguments);
    WindowController controller = context.getBean(WindowController.class);
    controller.singleWrite(() -> "all are up");
    boolean fails = controller.rank() == 1;
    switch (context.getEnvironment().getRequiredProperty("end")) {
      case "lease held, by the shutdown hook" -> {
        if (fails) {
          holdForEver(controller);
        }
      }
      case "lease held, by main" -> {
        if (fails) {
          holdForEver(controller);
        }
        context.close();
      }
      case "exit status" -> {
        int status = SpringApplication.exit(context, () -> fails ? STATUS : 0);
        System.exit(status);
      }
      case "exit" -> System.exit(fails ? STATUS : 0);
      case "uncaught" -> {
        if (fails) {
          throw new IllegalStateException("the application's own reason");
        }
      }
      default -> throw new IllegalArgumentException("no such end");
    }
  }

  private static void holdForEver(WindowController controller) throws InterruptedException {
    CountDownLatch holds = new CountDownLatch(1);
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          WriteLease lease = controller.write();
          holds.countDown();
          while (lease.token() > 0) {
            LockSupport.park();
          }
        });
    holds.await();
  }
}

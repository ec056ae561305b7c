/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.task.AsyncTaskExecutor;

/** Logs at three levels, on the main thread, on another, and on one of Boot's executor. */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration(TaskExecutionAutoConfiguration.class)
@Import(MdcConfiguration.class)
class TalkingApplication {
  private static final Log LOG = LogFactory.getLog(TalkingApplication.class);

  public static void main(String[] arguments) {
    SpringApplication.run(TalkingApplication.class, arguments).close(); // ends its executor
  }

  @Bean
  CommandLineRunner talk(AsyncTaskExecutor executor) {
    return _ -> {
      LOG.info("what goes well");
      LOG.warn("what is odd");
      Thread other = Thread.ofPlatform().start(() -> LOG.error("what fails"));
      other.join();
      executor.submit(() -> LOG.info("what is done for others")).get();
    };
  }
}

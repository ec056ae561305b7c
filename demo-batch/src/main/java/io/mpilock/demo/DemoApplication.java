/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.ConfigurableApplicationContext;

/** One rank of the demo; started on every rank by the launcher. */
@SpringBootApplication(proxyBeanMethods = false)
@ConfigurationPropertiesScan
public class DemoApplication {
  /** For Spring. */
  public DemoApplication() {}

  /**
   * Runs the job, and ends with a status other than 0 if it failed.
   *
   * @param arguments properties as {@code --name=value}
   */
  public static void main(String[] arguments) {
    ConfigurableApplicationContext context =
        SpringApplication.run(DemoApplication.class, arguments);
    // A context that is closed already was closed by a signal, whose status the JVM ends with: 143
    // for SIGTERM. This waits for that, and leaves the context alone.
    System.exit(context.isClosed() ? 1 : SpringApplication.exit(context));
  }
}

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
    System.exit(exitStatus(context));
  }

  private static int exitStatus(ConfigurableApplicationContext context) {
    try {
      return SpringApplication.exit(context);
    } catch (IllegalStateException e) {
      if (context.isActive()) {
        throw e;
      }
      return 1; // a signal has closed the context meanwhile: the launcher ends the job
    }
  }
}

package io.mpilock.demo;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

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
    System.exit(SpringApplication.exit(SpringApplication.run(DemoApplication.class, arguments)));
  }
}

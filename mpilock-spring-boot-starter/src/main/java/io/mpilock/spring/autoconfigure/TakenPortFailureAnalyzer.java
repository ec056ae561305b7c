/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/**
 * Says what helps if a rank finds its port taken, as all ranks of a node but one do when they have
 * the same. Boot's own analysis, which comes after it, would suggest to stop the other process. The
 * failure is known by name, since its module is one of Boot's web servers.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class TakenPortFailureAnalyzer implements FailureAnalyzer {
  private static final String FAILURE = "org.springframework.boot.web.server.PortInUseException";

  private final Environment environment;

  /** For Boot. */
  TakenPortFailureAnalyzer(Environment environment) {
    this.environment = environment;
  }

  @Override
  public @Nullable FailureAnalysis analyze(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at.getClass().getName().equals(FAILURE) && hasPeers()) {
        return new FailureAnalysis(
            "The web server of rank %s could not start: %s. Ranks of one node cannot have the same port."
                .formatted(
                    environment.getProperty(LauncherEnvironmentPostProcessor.RANK),
                    at.getMessage()),
            "Set mpilock.web.port-offset=true, which moves server.port and management.server.port by"
                + " the rank on the node; or server.port=0 for any free one; or"
                + " spring.main.web-application-type=none.",
            at);
      }
    }
    return null;
  }

  private boolean hasPeers() {
    return environment.containsProperty(LauncherEnvironmentPostProcessor.RANK)
        && JobPosition.of(Binder.get(environment)).mayHavePeers();
  }
}

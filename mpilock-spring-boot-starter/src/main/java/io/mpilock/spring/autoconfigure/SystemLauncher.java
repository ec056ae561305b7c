/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.transport.Launcher;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.ConfigurableEnvironment;

/** Finds the launcher in the process's environment as Spring sees it. */
final class SystemLauncher {
  private SystemLauncher() {}

  static Optional<Launcher> detect(ConfigurableEnvironment environment) {
    Map<String, String> variables = new HashMap<>();
    environment
        .getSystemEnvironment()
        .forEach((name, value) -> variables.put(name, String.valueOf(value)));
    return Launcher.detect(variables);
  }

  static JobPosition position(ConfigurableEnvironment environment) {
    return JobPosition.of(detect(environment));
  }

  /**
   * Tells whether something that ranks need is on: if the application does not say, where there may
   * be several ranks.
   */
  static boolean isOn(@Nullable Boolean setting, ConfigurableEnvironment environment) {
    return setting != null ? setting : position(environment).mayHavePeers();
  }
}

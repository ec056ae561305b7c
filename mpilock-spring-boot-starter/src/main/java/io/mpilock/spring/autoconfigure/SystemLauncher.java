package io.mpilock.spring.autoconfigure;

import io.mpilock.transport.Launcher;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
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
}

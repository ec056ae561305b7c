/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.HashMap;
import java.util.Map;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;

/**
 * Puts {@code mpilock.rank}, {@code mpilock.size} and {@code mpilock.local-rank} into the
 * environment, from the launcher's variables; 0, 1 and 0 without a launcher. What the launcher does
 * not tell is left out.
 *
 * <p>Runs before the application's configuration files are read, so that they can use the
 * properties even in what they import; and goes before every other source, so that no setting of
 * the same name makes two ranks one.
 */
final class LauncherEnvironmentPostProcessor implements EnvironmentPostProcessor, Ordered {
  static final String SOURCE_NAME = "mpilock launcher";
  static final String RANK = "mpilock.rank";
  static final String SIZE = "mpilock.size";
  static final String LOCAL_RANK = "mpilock.local-rank";

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER - 2; // RankProfiles needs them
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    JobPosition position = SystemLauncher.position(environment);
    Map<String, Object> properties = new HashMap<>();
    properties.put(RANK, position.rank());
    if (position.size() >= 1) {
      properties.put(SIZE, position.size());
    }
    if (position.localRank() >= 0) {
      properties.put(LOCAL_RANK, position.localRank());
    }
    environment.getPropertySources().addFirst(new MapPropertySource(SOURCE_NAME, properties));
  }
}

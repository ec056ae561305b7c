/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.bootstrap.ConfigurableBootstrapContext;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.PropertySource;

/**
 * Activates the profiles of ranks in a process that is alone, where {@code
 * mpilock.profiles.enabled=true} is in a configuration file. The files were read once, without
 * looking ahead as {@link RankProfiles} does for ranks, since that is rarely used. So what was read
 * is taken out, and read again with the profiles. What the first reading registered, such as
 * clients of configuration servers, stays.
 */
final class LoneRankProfiles implements EnvironmentPostProcessor, Ordered {
  private final ConfigurableBootstrapContext bootstrap;

  /** For Boot. */
  LoneRankProfiles(ConfigurableBootstrapContext bootstrap) {
    this.bootstrap = bootstrap;
  }

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 1;
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    RankProfiles.@Nullable Unread unread = bootstrap.getOrElse(RankProfiles.Unread.class, null);
    Binder properties = Binder.get(environment);
    if (unread == null || !properties.bind(RankProfiles.ENABLED, Boolean.class).orElse(false)) {
      return;
    }
    RankProfiles.activate(properties, environment, application);
    MutablePropertySources sources = environment.getPropertySources();
    sources.stream()
        .map(PropertySource::getName)
        .filter(name -> !unread.sources().contains(name))
        .toList()
        .forEach(sources::remove);
    environment.setActiveProfiles(unread.active().toArray(String[]::new));
    environment.setDefaultProfiles(unread.byDefault().toArray(String[]::new));
    ConfigDataEnvironmentPostProcessor.applyTo(
        environment,
        application.getResourceLoader(),
        new PreviewBootstrapContext(bootstrap),
        application.getAdditionalProfiles());
  }
}

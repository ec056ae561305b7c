/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.bootstrap.BootstrapRegistry.InstanceSupplier;
import org.springframework.boot.bootstrap.ConfigurableBootstrapContext;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.context.aot.AbstractAotProcessor;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;

/**
 * Activates the profiles {@code rank-N} and, on the master, {@code master}, in time for {@code
 * application-master.yml} and {@code application-rank-3.yml} to be read. As Boot's additional
 * profiles they come before those that are made active, whose files override theirs; but where no
 * other is active, the default profiles stay active before them. Off with {@code
 * mpilock.profiles.enabled=false}, and where the process is alone, unless that is {@code true}.
 *
 * <p>Which rank is the master, and whether another profile is active, may be set in the
 * configuration files, and these must be read with the profiles. They are therefore read twice:
 * first into an environment that is thrown away. What is assumed from that is checked by {@link
 * RankDefaults} when they have been read.
 *
 * <p>Not while an application is processed ahead of time: what is active then is active on every
 * rank ever after, and the machine that builds has no rank. {@link RankProfileAotCheck} looks for
 * beans that would be left out then.
 */
final class RankProfiles implements EnvironmentPostProcessor, Ordered {
  static final String ENABLED = "mpilock.profiles.enabled";
  private static final String MASTER_PROFILE = "master";

  private final ConfigurableBootstrapContext bootstrap;

  /** The master that the profiles were chosen for. */
  record AssumedMaster(int rank) {}

  /** What the environment was before the files were read, where they are read once. */
  record Unread(List<String> sources, List<String> active, List<String> byDefault) {
    static Unread of(ConfigurableEnvironment environment) {
      return new Unread(
          environment.getPropertySources().stream().map(PropertySource::getName).toList(),
          List.of(environment.getActiveProfiles()),
          List.of(environment.getDefaultProfiles()));
    }
  }

  /** For Boot. */
  RankProfiles(ConfigurableBootstrapContext bootstrap) {
    this.bootstrap = bootstrap;
  }

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER - 1;
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    if (environment.getProperty(AbstractAotProcessor.AOT_PROCESSING, Boolean.class, false)) {
      return;
    }
    Binder known = Binder.get(environment);
    boolean usual = JobPosition.of(known).mayHavePeers();
    if (!known.bind(ENABLED, Boolean.class).orElse(usual)) { // spares the reading
      bootstrap.registerIfAbsent(Unread.class, InstanceSupplier.of(Unread.of(environment)));
      return;
    }
    ConfigurableEnvironment preview = preview(environment, application, bootstrap);
    Binder properties = Binder.get(preview);
    if (properties.bind(ENABLED, Boolean.class).orElse(usual)) {
      activate(properties, preview, application);
      bootstrap.register(
          AssumedMaster.class, InstanceSupplier.of(new AssumedMaster(master(properties))));
    }
  }

  /** Adds the profiles to those of the application. */
  static void activate(
      Binder properties, ConfigurableEnvironment read, SpringApplication application) {
    int rank = JobPosition.of(properties).rank();
    List<String> profiles = new ArrayList<>(application.getAdditionalProfiles());
    if (read.getActiveProfiles().length == 0) {
      profiles.addAll(List.of(read.getDefaultProfiles()));
    }
    if (rank == master(properties)) {
      profiles.add(MASTER_PROFILE);
    }
    profiles.add("rank-" + rank);
    application.setAdditionalProfiles(profiles.toArray(String[]::new));
  }

  static int master(Binder properties) {
    return properties.bind("mpilock.master", Integer.class).orElse(0);
  }

  static boolean isEnabled(Binder properties) {
    return properties.bind(ENABLED, Boolean.class).orElse(true);
  }

  /** What the environment would be without these profiles. */
  private static ConfigurableEnvironment preview(
      ConfigurableEnvironment environment,
      SpringApplication application,
      ConfigurableBootstrapContext bootstrap) {
    StandardEnvironment preview = new StandardEnvironment();
    MutablePropertySources sources = preview.getPropertySources();
    sources.stream().map(PropertySource::getName).toList().forEach(sources::remove);
    environment.getPropertySources().stream()
        .filter(
            source -> !ConfigurationPropertySources.isAttachedConfigurationPropertySource(source))
        .forEach(sources::addLast);
    preview.setConversionService(environment.getConversionService());
    preview.setActiveProfiles(environment.getActiveProfiles());
    preview.setDefaultProfiles(environment.getDefaultProfiles());
    ConfigDataEnvironmentPostProcessor.applyTo(
        preview,
        application.getResourceLoader(),
        new PreviewBootstrapContext(bootstrap),
        application.getAdditionalProfiles());
    return preview;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.plain;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.context.config.ConfigData;
import org.springframework.boot.context.config.ConfigDataLoader;
import org.springframework.boot.context.config.ConfigDataLoaderContext;
import org.springframework.boot.context.config.ConfigDataLocation;
import org.springframework.boot.context.config.ConfigDataLocationResolver;
import org.springframework.boot.context.config.ConfigDataLocationResolverContext;
import org.springframework.boot.context.config.ConfigDataResource;
import org.springframework.core.env.MapPropertySource;

/** Imported configuration that counts how often it is read, as a configuration server would. */
final class CountedConfig {
  static final AtomicInteger READS = new AtomicInteger();

  private CountedConfig() {}

  static final class Resource extends ConfigDataResource {}

  static final class Resolver implements ConfigDataLocationResolver<Resource> {
    @Override
    public boolean isResolvable(
        ConfigDataLocationResolverContext context, ConfigDataLocation location) {
      return location.hasPrefix("counted:");
    }

    @Override
    public List<Resource> resolve(
        ConfigDataLocationResolverContext context, ConfigDataLocation location) {
      return List.of(new Resource());
    }
  }

  static final class Loader implements ConfigDataLoader<Resource> {
    @Override
    public ConfigData load(ConfigDataLoaderContext context, Resource resource) {
      READS.incrementAndGet();
      return new ConfigData(List.of(new MapPropertySource("counted", Map.of("counted", "yes"))));
    }
  }
}

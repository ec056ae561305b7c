/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.bootstrap.BootstrapRegistry.InstanceSupplier;
import org.springframework.boot.bootstrap.ConfigurableBootstrapContext;
import org.springframework.boot.context.config.ConfigData;
import org.springframework.boot.context.config.ConfigDataLoader;
import org.springframework.boot.context.config.ConfigDataLoaderContext;
import org.springframework.boot.context.config.ConfigDataLocation;
import org.springframework.boot.context.config.ConfigDataLocationResolver;
import org.springframework.boot.context.config.ConfigDataLocationResolverContext;
import org.springframework.boot.context.config.ConfigDataResource;
import org.springframework.core.env.MapPropertySource;

/**
 * Configuration from elsewhere, {@code of-tests:}. Its client is made once for an application, by
 * the server that the application has registered, and becomes a bean.
 */
final class ImportedConfig {
  private static final String PREFIX = "of-tests:";

  private ImportedConfig() {}

  /** Counts its connections. */
  record Server(String name, AtomicInteger connections) {
    Server(String name) {
      this(name, new AtomicInteger());
    }
  }

  record Client(Server server, int connection) {}

  static final class Resource extends ConfigDataResource {}

  static final class Resolver implements ConfigDataLocationResolver<Resource> {
    @Override
    public boolean isResolvable(
        ConfigDataLocationResolverContext context, ConfigDataLocation location) {
      return location.hasPrefix(PREFIX);
    }

    @Override
    public List<Resource> resolve(
        ConfigDataLocationResolverContext context, ConfigDataLocation location) {
      ConfigurableBootstrapContext bootstrap = context.getBootstrapContext();
      bootstrap.registerIfAbsent(Server.class, InstanceSupplier.of(new Server("somebody else's")));
      if (!bootstrap.isRegistered(Client.class)) {
        bootstrap.register(
            Client.class,
            current -> {
              Server server = Objects.requireNonNull(current.get(Server.class));
              return new Client(server, server.connections().getAndIncrement());
            });
        bootstrap.addCloseListener(event -> {
          Client client = Objects.requireNonNull(event.getBootstrapContext().get(Client.class));
          event.getApplicationContext().getBeanFactory().registerSingleton("client", client);
        });
      }
      return List.of(new Resource());
    }
  }

  static final class Loader implements ConfigDataLoader<Resource> {
    @Override
    public ConfigData load(ConfigDataLoaderContext context, Resource resource) {
      Client client =
          Objects.requireNonNull(context.getBootstrapContext().get(Client.class), "registered");
      return new ConfigData(
          List.of(
              new MapPropertySource(
                  "of tests",
                  Map.of(
                      "imported-from", client.server().name(),
                      "connection", client.connection()))));
    }
  }
}

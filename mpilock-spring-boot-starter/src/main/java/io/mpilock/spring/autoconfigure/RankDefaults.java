/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.spring.autoconfigure.RankProfiles.AssumedMaster;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.logging.Log;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.bootstrap.ConfigurableBootstrapContext;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.logging.DeferredLogFactory;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.util.ClassUtils;

/**
 * Gives Boot's own properties defaults that suit a rank: the banner on the master only, the rank in
 * each line of the log and in the MDC of this thread, and with {@code
 * mpilock.logging.console=master} a log file for each rank and only warnings on the consoles of the
 * others. What the application sets itself stays.
 *
 * <p>With {@code mpilock.web.port-offset} the ports are moved, which is no default: it changes what
 * the application says.
 *
 * <p>All this only where there are, or may be, several ranks: a process that is alone stays as it
 * is.
 *
 * <p>Runs after the application's configuration files are read, and before logging and banner.
 */
final class RankDefaults implements EnvironmentPostProcessor, Ordered {
  static final String LOG_RANK = "mpilock.logging.rank";

  private static final String DEFAULTS = "mpilock rank defaults";
  private static final String PORTS = "mpilock ports";

  private static final String PORT_OFFSET = "mpilock.web.port-offset";
  private static final int HTTP_PORT = 8080;
  private static final int LAST_PORT = 65_535;

  private final ConfigurableBootstrapContext bootstrap;
  private final Log log;

  /** Whose console gets everything. */
  enum Console {
    ALL,
    MASTER
  }

  /** For Boot. */
  RankDefaults(ConfigurableBootstrapContext bootstrap, DeferredLogFactory logs) {
    this.bootstrap = bootstrap;
    this.log = logs.getLog(RankDefaults.class);
  }

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 2;
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    Binder properties = Binder.get(environment);
    JobPosition position = JobPosition.of(properties);
    if (!position.mayHavePeers()) {
      return;
    }
    int master = RankProfiles.master(properties);
    checkAssumed(master);
    Map<String, Object> defaults = new HashMap<>();
    if (position.rank() != master) {
      defaults.put("spring.main.banner-mode", "off");
    }
    if (properties.bind(LOG_RANK, Boolean.class).orElse(true)) {
      addRank(position, defaults);
      if (ClassUtils.isPresent(RankMdc.NEEDED, application.getClassLoader())) {
        RankMdc.put(position);
      }
    }
    if (properties.bind("mpilock.logging.console", Console.class).orElse(Console.ALL)
        == Console.MASTER) {
      divideLog(environment, position, master, defaults);
    }
    defaults.keySet().removeIf(environment::containsProperty);
    environment.getPropertySources().addLast(new MapPropertySource(DEFAULTS, defaults));
    Map<String, Object> changed = new TreeMap<>(defaults);
    if (properties.bind(PORT_OFFSET, Boolean.class).orElse(false)) {
      Map<String, Object> ports = ports(properties, position.localRank());
      environment.getPropertySources().addFirst(new MapPropertySource(PORTS, ports));
      changed.putAll(ports);
    }
    log.info(
        "mpilock: this is rank %d of %s, so it sets %s; active profiles %s"
            .formatted(
                position.rank(),
                position.size() < 1 ? "several" : position.size(),
                changed.keySet(),
                List.of(environment.getActiveProfiles())));
  }

  private void checkAssumed(int master) {
    @Nullable AssumedMaster assumed = bootstrap.getOrElse(AssumedMaster.class, null);
    if (assumed != null && assumed.rank() != master) {
      throw new InvalidConfigurationPropertyValueException(
          "mpilock.master",
          master,
          ("The profiles master and rank-N were activated for the master %d, but a"
                  + " file of such a profile sets another. Set the master elsewhere, or set"
                  + " mpilock.profiles.enabled=false.")
              .formatted(assumed.rank()));
    }
  }

  /** The pattern reaches all threads, which an MDC does not. */
  private static void addRank(JobPosition position, Map<String, Object> defaults) {
    String of = position.size() < 1 ? "" : "/" + position.size();
    defaults.put("logging.pattern.level", "%5p [rank " + position.rank() + of + "]");
    defaults.put("logging.structured.json.add.rank", Integer.toString(position.rank()));
  }

  /** A failure is never silent: warnings and errors stay on every console. */
  private static void divideLog(
      ConfigurableEnvironment environment,
      JobPosition position,
      int master,
      Map<String, Object> defaults) {
    if (position.rank() != master) {
      defaults.put("logging.threshold.console", "WARN");
    }
    if (!environment.containsProperty("logging.file.path")) {
      defaults.put("logging.file.name", "logs/rank-" + position.rank() + ".log");
    }
  }

  private static Map<String, Object> ports(Binder properties, int localRank) {
    if (localRank < 0) {
      throw new InvalidConfigurationPropertyValueException(
          PORT_OFFSET, true, "The launcher does not tell which rank of its node this process is.");
    }
    Map<String, Object> ports = new HashMap<>();
    move("server.port", HTTP_PORT, properties, localRank, ports);
    move("management.server.port", 0, properties, localRank, ports);
    return ports;
  }

  /** Leaves alone what is no fixed port: 0 takes any that is free, and -1 none. */
  private static void move(
      String name, int unset, Binder properties, int offset, Map<String, Object> ports) {
    int port = properties.bind(name, Integer.class).orElse(unset);
    if (port <= 0) {
      return;
    }
    if (port > LAST_PORT - offset) {
      throw new InvalidConfigurationPropertyValueException(
          name,
          port,
          "With %s the local rank %d would have port %d, beyond %d."
              .formatted(PORT_OFFSET, offset, (long) port + offset, LAST_PORT));
    }
    ports.put(name, port + offset);
  }
}

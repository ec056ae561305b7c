package io.mpilock.spring.autoconfigure;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.util.ClassUtils;

/**
 * Gives an application with Spring Batch's repository in a database, and with H2, a database file
 * for each rank, unless it names a data source: then its jobs can be started again. With a database
 * in memory, which is Boot's own default, they could not.
 *
 * <p>A rank's instances are its own in any repository, so what is created needs no serializable
 * transactions, which the ranks would lose to each other in one that they share.
 *
 * <p>All of this are defaults: what the application sets itself stays.
 */
final class BatchRepositoryDefaults implements EnvironmentPostProcessor, Ordered {
  static final String DIRECTORY = "mpilock.batch.repository-directory";

  private static final String DEFAULTS = "mpilock batch repository defaults";
  private static final String DEFAULT_DIRECTORY = "batch-repository";
  private static final String H2 = "org.h2.Driver";
  private static final String URL = "spring.datasource.url";

  /** With any of these the data source is the application's. */
  private static final List<String> OWN_DATA_SOURCE =
      List.of(
          URL,
          "spring.datasource.jndi-name",
          "spring.datasource.embedded-database-connection",
          "spring.datasource.hikari.jdbc-url");

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 2;
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    if (!ClassUtils.isPresent(BatchSchemaLock.INITIALIZER, application.getClassLoader())) {
      return;
    }
    JobPosition position = JobPosition.of(Binder.get(environment));
    Map<String, Object> defaults = new HashMap<>();
    if (position.size() != 1) {
      defaults.put("spring.batch.jdbc.isolation-level-for-create", "repeatable-read");
    }
    String directory = environment.getProperty(DIRECTORY, DEFAULT_DIRECTORY);
    if (ClassUtils.isPresent(H2, application.getClassLoader())
        && !directory.isBlank()
        && OWN_DATA_SOURCE.stream().noneMatch(environment::containsProperty)) {
      defaults.put(URL, url(directory, position.rank()));
      defaults.put("spring.batch.jdbc.initialize-schema", "always");
      defaults.put(MpilockProperties.RECOVER, true);
    }
    defaults.keySet().removeIf(environment::containsProperty);
    environment.getPropertySources().addLast(new MapPropertySource(DEFAULTS, defaults));
  }

  /**
   * What is committed is in the hands of the system at once, so that a killed rank loses nothing;
   * and Spring closes the database, not a hook of H2's that would run while jobs are stopped.
   */
  private static String url(String directory, int rank) {
    if (directory.contains(";")) {
      throw new InvalidConfigurationPropertyValueException(
          DIRECTORY, directory, "H2 takes what follows a semicolon for its settings.");
    }
    String path = directory.startsWith("/") ? directory : "./" + directory;
    return "jdbc:h2:file:%s/rank-%d;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE".formatted(path, rank);
  }
}

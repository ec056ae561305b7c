/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.net.URI;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.logging.Log;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.boot.logging.DeferredLogFactory;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Warns of properties {@code mpilock.*} that there are not, with the nearest that there is: a
 * time-out with a misspelt name is not set. The known properties are in the metadata that the build
 * makes of the sources, and is read only if the application has such properties.
 */
final class UnknownProperties implements EnvironmentPostProcessor, Ordered {
  private static final ConfigurationPropertyName PREFIX = ConfigurationPropertyName.of("mpilock");
  private static final ConfigurationPropertyName RESOURCES = PREFIX.append("resources");
  private static final String METADATA = "META-INF/spring-configuration-metadata.json";

  /** A variable of the environment, MPILOCK_TOKEN, that the transport reads itself. */
  private static final String TOKEN = "mpilock.token";

  private static final String ALWAYS = "mpilock.enabled";

  private final Log log;

  /** For Boot. */
  UnknownProperties(DeferredLogFactory logs) {
    this.log = logs.getLog(UnknownProperties.class);
  }

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 3;
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    Map<String, ConfigurationProperty> found = new TreeMap<>();
    for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
      if (source instanceof IterableConfigurationPropertySource iterable && !isOurs(source)) {
        iterable.stream()
            .filter(PREFIX::isAncestorOf)
            .forEach(name -> {
              ConfigurationProperty property = source.getConfigurationProperty(name);
              if (property != null) {
                found.putIfAbsent(name.toString(), property);
              }
            });
      }
    }
    found.remove(TOKEN);
    if (!found.isEmpty()) {
      Known known = Known.read();
      found.forEach((name, property) -> {
        if (known != null && !known.has(name)) {
          log.warn(
              "There is no property %s, so it does nothing (%s). The nearest is %s."
                  .formatted(
                      name,
                      property.getOrigin() == null ? "of unknown origin" : property.getOrigin(),
                      known.nearest(name)));
        }
      });
    }
  }

  /** What the launcher said, which the user did not write. */
  private static boolean isOurs(ConfigurationPropertySource source) {
    return source.getUnderlyingSource() instanceof PropertySource<?> underlying
        && underlying.getName().equals(LauncherEnvironmentPostProcessor.SOURCE_NAME);
  }

  /**
   * The properties that there are.
   *
   * @param names by their names without dots and dashes, which variables of the environment lack
   * @param maps those of them that have any names below them
   */
  record Known(Map<String, String> names, List<String> maps) {

    static @Nullable Known read() {
      URL here = UnknownProperties.class.getResource("UnknownProperties.class");
      String path = UnknownProperties.class.getName().replace('.', '/') + ".class";
      if (here == null || !here.toString().endsWith(path)) {
        return null;
      }
      String root = here.toString().substring(0, here.toString().length() - path.length());
      try (InputStream in = URI.create(root + METADATA).toURL().openStream()) {
        Known known = of(in);
        // All jars in one, as by shading, have one such file, which may be another library's.
        return known.has(ALWAYS) ? known : null;
      } catch (IOException | JacksonException | IllegalArgumentException e) {
        return null; // nothing to compare with
      }
    }

    /** Not by Boot's parser, which takes an application's: its own is none for this. */
    static Known of(InputStream json) {
      Known known = new Known(new TreeMap<>(), new ArrayList<>());
      try (JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), json)) {
        parser.nextToken();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          boolean properties = parser.currentName().equals("properties");
          parser.nextToken();
          if (properties) {
            while (parser.nextToken() == JsonToken.START_OBJECT) {
              known.add(parser);
            }
          } else {
            parser.skipChildren();
          }
        }
      }
      return known;
    }

    private void add(JsonParser parser) {
      String name = "";
      String type = "";
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "name" -> name = parser.getString();
          case "type" -> type = parser.getString();
          default -> parser.skipChildren();
        }
      }
      names.put(bare(name), name);
      if (type.startsWith("java.util.Map")) {
        maps.add(bare(name));
      }
    }

    boolean has(String name) {
      if (isOfResource(name)) {
        return ofResource(name).containsKey(bare(name));
      }
      String bare = bare(name);
      return names.containsKey(bare) || maps.stream().anyMatch(bare::startsWith);
    }

    /** By the letters to be changed. */
    String nearest(String name) {
      return nearest(bare(name), isOfResource(name) ? ofResource(name) : names);
    }

    private static boolean isOfResource(String name) {
      return RESOURCES.isAncestorOf(ConfigurationPropertyName.of(name));
    }

    /** What there is for the resource whose property this may be, which the metadata lacks. */
    private static Map<String, String> ofResource(String name) {
      ConfigurationPropertyName resource =
          ConfigurationPropertyName.of(name).chop(RESOURCES.getNumberOfElements() + 1);
      Map<String, String> properties = new TreeMap<>();
      for (RecordComponent one : MpilockProperties.Resource.class.getRecordComponents()) {
        String property = resource.append(one.getName()).toString();
        properties.put(bare(property), property);
      }
      return properties;
    }

    private static String nearest(String bare, Map<String, String> names) {
      String nearest = ALWAYS;
      int least = Integer.MAX_VALUE;
      for (Map.Entry<String, String> each : names.entrySet()) {
        int distance = distance(bare, each.getKey());
        if (distance < least) {
          least = distance;
          nearest = each.getValue();
        }
      }
      return nearest;
    }

    /** Without a list's index, which ends a name. */
    private static String bare(String name) {
      return name.toLowerCase(Locale.ROOT)
          .replaceFirst("(\\[\\d+])+$", "")
          .replaceAll("[^a-z0-9]", "");
    }

    /** That of Levenshtein. */
    private static int distance(String from, String to) {
      int[] row = new int[to.length() + 1];
      for (int j = 0; j <= to.length(); j++) {
        row[j] = j;
      }
      for (int i = 1; i <= from.length(); i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= to.length(); j++) {
          int changed = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
          diagonal = row[j];
          row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
        }
      }
      return row[to.length()];
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openqa.selenium.json.Json;

/**
 * The properties as Markdown, one table for each group, from the metadata that the build writes for
 * editors.
 */
final class PropertyTables {
  private static final String PREFIX = "mpilock.";
  private static final String MANAGEMENT = "management";

  /** The groups in the order of the guide, with their headings; others follow by name. */
  private static final Map<String, String> HEADINGS = headings();

  private final List<Property> properties;

  private PropertyTables(List<Property> properties) {
    this.properties = properties;
  }

  /** A property as the metadata tells it. */
  record Property(
      String name,
      String type,
      @Nullable Object defaultValue,
      @Nullable String description,
      List<Choice> choices) {

    /** What stands between "mpilock." and the next dot; nothing for those without. */
    String group() {
      if (!name.startsWith(PREFIX)) {
        return MANAGEMENT;
      }
      String rest = name.substring(PREFIX.length());
      int dot = rest.indexOf('.');
      return dot < 0 ? "" : rest.substring(0, dot);
    }
  }

  /** A value that editors offer. */
  record Choice(String value, String description) {}

  static PropertyTables of(Path metadata) throws IOException {
    Map<String, Object> json = new Json().toType(Files.readString(metadata), Json.MAP_TYPE);
    Map<String, List<Choice>> hints = new TreeMap<>();
    for (Map<?, ?> hint : maps(json.get("hints"))) {
      hints.put(
          text(hint, "name"),
          maps(hint.get("values")).stream()
              .map(value -> new Choice(text(value, "value"), text(value, "description")))
              .toList());
    }
    List<Property> properties = new ArrayList<>();
    for (Map<?, ?> property : maps(json.get("properties"))) {
      String name = text(property, "name");
      properties.add(
          new Property(
              name,
              text(property, "type"),
              property.get("defaultValue"),
              (String) property.get("description"),
              hints.getOrDefault(name, List.of())));
    }
    return new PropertyTables(properties);
  }

  List<Property> properties() {
    return properties;
  }

  List<String> markdown() {
    Map<String, List<Property>> groups = new LinkedHashMap<>();
    HEADINGS.keySet().forEach(group -> groups.put(group, new ArrayList<>()));
    properties.stream()
        .sorted((one, other) -> one.name().compareTo(other.name()))
        .forEach(property ->
            groups.computeIfAbsent(property.group(), _ -> new ArrayList<>()).add(property));
    List<String> lines = new ArrayList<>();
    groups.forEach((group, members) -> {
      if (!members.isEmpty()) {
        lines.addAll(
            List.of("", "### " + HEADINGS.getOrDefault(group, "`" + PREFIX + group + ".*`")));
        lines.addAll(List.of("", "| property | type | default | |", "|---|---|---|---|"));
        members.forEach(member -> lines.add(row(member)));
      }
    });
    lines.add("");
    return lines;
  }

  private static String row(Property property) {
    return "| `%s` | %s | %s | %s |"
        .formatted(
            property.name(),
            typeOf(property),
            property.defaultValue() == null ? "" : "`" + property.defaultValue() + "`",
            descriptionOf(property));
  }

  private static String typeOf(Property property) {
    String type = property.type();
    if (type.startsWith("java.util.Map<")) {
      return "by name";
    }
    return switch (type) {
      case "java.lang.Boolean" -> "boolean";
      case "java.lang.Integer", "java.lang.Long" -> "number";
      case "java.lang.String" -> "text";
      case "java.nio.file.Path" -> "path";
      case "java.time.Duration" -> "duration";
      case "org.springframework.util.unit.DataSize" -> "size";
      case "java.util.List<java.lang.String>" -> "list";
      default ->
          property.choices().isEmpty()
              ? "`" + type.substring(type.lastIndexOf('.') + 1).replace('$', '.') + "`"
              : property.choices().stream()
                  .map(choice -> "`" + choice.value() + "`")
                  .collect(Collectors.joining(", "));
    };
  }

  private static String descriptionOf(Property property) {
    String description = Objects.requireNonNullElse(property.description(), "");
    String choices =
        property.choices().stream()
            .map(choice -> "<br>`" + choice.value() + "`: " + choice.description())
            .collect(Collectors.joining());
    return (description + choices).replace("|", "\\|");
  }

  private static List<Map<?, ?>> maps(@Nullable Object list) {
    List<Map<?, ?>> maps = new ArrayList<>();
    if (list instanceof List<?> elements) {
      elements.forEach(element -> maps.add((Map<?, ?>) element));
    }
    return maps;
  }

  private static String text(Map<?, ?> object, String member) {
    return Objects.requireNonNull(object.get(member), member + " is missing in " + object)
        .toString();
  }

  private static Map<String, String> headings() {
    Map<String, String> headings = new LinkedHashMap<>();
    headings.put("", "The locks and the job");
    headings.put("share", "Sharing objects");
    headings.put("native", "Transport `native`");
    headings.put("mpj", "Transport `mpj`");
    headings.put("annotations", "Annotations");
    headings.put("batch", "Spring Batch");
    headings.put("integration", "Spring Integration");
    headings.put("metrics", "Meters");
    headings.put("observation", "Observations");
    headings.put("report", "The report at the end");
    headings.put("jfr", "Flight Recorder");
    headings.put("profiles", "Profiles");
    headings.put("logging", "Logging");
    headings.put("web", "Ports");
    headings.put(MANAGEMENT, "The endpoint, by Boot's own properties");
    return headings;
  }
}

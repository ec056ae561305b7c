/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Comment;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** What the modules bring with them, and why. */
class SupplyChainTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** Every use says why, in a comment directly before it. */
  @Test
  void eachDependencySaysWhyItIsThere() throws Exception {
    List<String> silent = new ArrayList<>();
    int uses = 0;
    for (Path pom : poms()) {
      for (Element dependency : dependencies(pom)) {
        if (isManagement(dependency)) {
          continue; // tells a version; who uses it says why
        }
        uses++;
        if (commentBefore(dependency).length() < 12) {
          silent.add(ROOT.relativize(pom) + ": " + text(dependency, "artifactId"));
        }
      }
    }
    assertThat(silent).as("dependencies without a comment before them").isEmpty();
    assertThat(uses).isGreaterThan(15);
  }

  /** A user of the core gets one jar of annotations. */
  @Test
  void theCoreBringsNothingButItsNullnessAnnotations() throws Exception {
    assertThat(dependencies(ROOT.resolve("mpilock-core/pom.xml")))
        .filteredOn(dependency -> !text(dependency, "scope").equals("test"))
        .filteredOn(dependency -> !isInProfile(dependency))
        .extracting(dependency -> text(dependency, "artifactId"))
        .containsExactly("jspecify");
  }

  private static List<Path> poms() throws IOException {
    try (Stream<Path> folders = Files.walk(ROOT, 2)) { // config/bench is the deepest
      return folders
          .map(directory -> directory.resolve("pom.xml"))
          .filter(Files::isRegularFile)
          .toList();
    }
  }

  private static List<Element> dependencies(Path pom) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    Document document = factory.newDocumentBuilder().parse(pom.toFile());
    NodeList nodes = document.getElementsByTagName("dependency");
    List<Element> dependencies = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      dependencies.add((Element) nodes.item(i));
    }
    return dependencies;
  }

  private static boolean isManagement(Element dependency) {
    return isWithin(dependency, "dependencyManagement");
  }

  private static boolean isInProfile(Element dependency) {
    return isWithin(dependency, "profile") || isWithin(dependency, "plugin");
  }

  private static boolean isWithin(Element dependency, String name) {
    for (Node at = dependency; at != null; at = at.getParentNode()) {
      if (at.getNodeName().equals(name)) {
        return true;
      }
    }
    return false;
  }

  private static String commentBefore(Element dependency) {
    @Nullable Node at = dependency.getPreviousSibling();
    while (at != null && at.getNodeType() == Node.TEXT_NODE && at.getTextContent().isBlank()) {
      at = at.getPreviousSibling();
    }
    return at instanceof Comment comment ? comment.getData().strip() : "";
  }

  private static String text(Element dependency, String child) {
    NodeList nodes = dependency.getElementsByTagName(child);
    return nodes.getLength() == 0 ? "" : nodes.item(0).getTextContent().strip();
  }
}

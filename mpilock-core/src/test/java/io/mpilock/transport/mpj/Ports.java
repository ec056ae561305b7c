/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What this process listens on, as the kernel says. */
final class Ports {
  private static final Pattern SOCKET = Pattern.compile("socket:\\[(\\d+)]");
  private static final Pattern SPACE = Pattern.compile("\\s+");
  private static final String LISTENS = "0A";

  private Ports() {}

  /**
   * The TCP ports.
   *
   * @param address the local address in hexadecimal, as in /proc/net/tcp; a port listens on all
   *     addresses if it consists of zeroes
   */
  record Port(String address, int number) {}

  static Set<Port> listening() throws IOException {
    Set<String> own = new HashSet<>();
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      for (Path file : files.toList()) {
        Matcher matcher = SOCKET.matcher(target(file));
        if (matcher.matches()) {
          own.add(matcher.group(1));
        }
      }
    }
    Set<Port> ports = new HashSet<>();
    for (String table : List.of("/proc/self/net/tcp", "/proc/self/net/tcp6")) {
      for (String line : Files.readAllLines(Path.of(table))) {
        List<String> fields = List.of(SPACE.split(line.strip()));
        if (fields.size() > 9 && fields.get(3).equals(LISTENS) && own.contains(fields.get(9))) {
          List<String> local = List.of(fields.get(1).split(":", -1));
          ports.add(new Port(local.get(0), Integer.parseInt(local.get(1), 16)));
        }
      }
    }
    return ports;
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return ""; // closed since
    }
  }
}

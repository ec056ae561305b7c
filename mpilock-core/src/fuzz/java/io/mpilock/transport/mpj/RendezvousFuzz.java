/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.testing.Bounded;
import io.mpilock.transport.MpjSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The rendezvous file, and the settings and variables that say where the ranks meet. */
public final class RendezvousFuzz {
  private static final Path DIRECTORY = directory();

  private RendezvousFuzz() {}

  private static Path directory() {
    try {
      return Files.createTempDirectory("rendezvous");
    } catch (IOException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    RendezvousFile file = new RendezvousFile(DIRECTORY, "fuzz");
    Files.write(file.path(), input);
    Bounded.run(200_000, () -> read(file));
    List<String> lines = new String(input, StandardCharsets.UTF_8).lines().toList();
    if (lines.size() >= 3) {
      settings(lines);
    }
  }

  private static void read(RendezvousFile file) {
    try {
      RendezvousFile.Place place = file.read().orElseThrow();
      // What each of them is used for.
      place.token().code(new byte[0]);
      if (place.address().isUnresolved() || place.address().getPort() < 1) {
        throw new AssertionError("nobody can call at " + place.address());
      }
    } catch (IOException e) {
      // The next look may find another file.
    }
  }

  private static void settings(List<String> lines) {
    Map<String, String> variables = new HashMap<>();
    for (String line : lines.subList(2, lines.size())) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        variables.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    JobEnvironment environment = new JobEnvironment(variables);
    environment
        .jobName(3)
        .ifPresent(name -> {
          Path inside = DIRECTORY.resolve("rendezvous-" + name);
          if (!DIRECTORY.equals(inside.getParent()) || name.length() > 200) {
            throw new AssertionError("a job's file is at " + inside);
          }
        });
    String address = lines.get(0);
    try {
      Rendezvous.HostPort.parse(address);
      Rendezvous.of(
          new MpjSettings(
              null, "127.0.0.1:1", lines.get(1), DIRECTORY.toString(), Duration.ofSeconds(1)),
          environment,
          3);
    } catch (StartupException e) {
      if (e.remedy().isBlank()) {
        throw new AssertionError("no remedy", e);
      }
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * How many files and sockets this process may still open. MPI libraries take some twenty and a
 * socket for each rank that they talk to, and do not bear to get none: Open MPI 4.1 then ends the
 * JVM with a segmentation fault in MPI_Init.
 */
final class DescriptorLimit {
  private static final int NEEDED = 64;

  private static final Path SELF = Path.of("/proc/self");
  private static final String LIMIT = "Max open files";

  private DescriptorLimit() {}

  /**
   * Looks before the transport does.
   *
   * @param transport its name, for the message
   * @throws StartupException if there are too few
   */
  static void check(String transport) {
    long limit;
    long open;
    try (Stream<Path> descriptors = Files.list(SELF.resolve("fd"))) {
      limit = softLimit(Files.readAllLines(SELF.resolve("limits")));
      open = descriptors.count();
    } catch (IOException | RuntimeException e) {
      return; // no such system
    }
    if (limit - open < NEEDED) {
      throw new StartupException(
          Problem.NO_DESCRIPTORS,
          ("This process may open %d files and sockets and has opened %d: too few are"
                  + " left for the %s transport, which needs %d.")
              .formatted(limit, open, transport, NEEDED),
          "Raise the limit where the ranks are started (ulimit -n; LimitNOFILE of the service that starts them).");
    }
  }

  private static long softLimit(List<String> limits) {
    return limits.stream()
        .filter(line -> line.startsWith(LIMIT))
        .map(line -> line.substring(LIMIT.length()).strip().split(" +", 2)[0])
        .mapToLong(soft -> soft.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(soft))
        .findFirst()
        .orElse(Long.MAX_VALUE);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The settings of the {@code mpj} transport. A null value is looked up in the environment: {@code
 * MPILOCK_MPJ_JAR}, {@code MPILOCK_MPJ_RENDEZVOUS}, {@code MPILOCK_MPJ_DIRECTORY} and {@code
 * MPILOCK_TOKEN}.
 *
 * @param jar where MPJ Express is, or null for the class path, else Debian's usual place
 * @param rendezvous {@code HOST:PORT} where rank 0 waits for the others, or null to let it choose
 *     and tell the others through a file
 * @param token the secret that the ranks of the job know each other by, or null for a new one in
 *     that file
 * @param directory where that file goes, seen by all ranks and private to the user, or null for
 *     {@code .mpilock} in the home directory
 * @param timeout how long the ranks wait for each other at the start; positive
 * @since 0.1.0
 */
public record MpjSettings(
    @Nullable String jar,
    @Nullable String rendezvous,
    @Nullable String token,
    @Nullable String directory,
    Duration timeout) {

  /** How long the ranks wait for each other by default. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(60);

  private static final Duration LONGEST_TIMEOUT = Duration.ofDays(36_500);

  /** Checks the settings. */
  public MpjSettings {
    Objects.requireNonNull(timeout, "timeout");
    if (!timeout.isPositive()) {
      throw new IllegalArgumentException("timeout must be positive, but is " + timeout);
    }
    if (timeout.compareTo(LONGEST_TIMEOUT) > 0) {
      throw new IllegalArgumentException(
          "timeout must be at most %d days, but is %s"
              .formatted(LONGEST_TIMEOUT.toDays(), timeout));
    }
  }

  /**
   * The settings that leave everything to the transport.
   *
   * @return all null, and a minute
   */
  public static MpjSettings defaults() {
    return new MpjSettings(null, null, null, null, DEFAULT_TIMEOUT);
  }

  /** Leaves the token out. */
  @Override
  public String toString() {
    return "MpjSettings[jar=%s, rendezvous=%s, token=%s, directory=%s, timeout=%s]"
        .formatted(jar, rendezvous, token == null ? "null" : "***", directory, timeout);
  }
}

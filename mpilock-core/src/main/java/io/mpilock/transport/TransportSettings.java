package io.mpilock.transport;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a transport is told.
 *
 * @param launcher who started this process, or null if nobody did
 * @param nativeLibrary path or soname of the MPI library to load, or null to choose by the launcher
 * @param stallWarning after how long a wait for other ranks is reported; positive
 */
public record TransportSettings(
    @Nullable Launcher launcher, @Nullable String nativeLibrary, Duration stallWarning) {

  /** Checks the settings. */
  public TransportSettings {
    Objects.requireNonNull(stallWarning, "stallWarning");
    if (!stallWarning.isPositive()) {
      throw new IllegalArgumentException("stallWarning must be positive, but is " + stallWarning);
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a transport.
 *
 * @param launcher who started this process, or null if there was none
 * @param nativeLibrary path or soname of the MPI library to load, or null to choose by the launcher
 * @param stallWarning after how long a wait for other ranks is reported; positive
 * @param expectedRanks how many ranks the job must have, or 0 for any number
 * @param mpj the settings of the {@code mpj} transport
 * @param doorbell whether the {@code native} transport may wake other nodes by TCP connections of
 *     its own beside MPI, where the ranks are on several; without them idle nodes poll MPI all the
 *     time, and notice a killed process only by its silence
 * @since 0.1.0
 */
public record TransportSettings(
    @Nullable Launcher launcher,
    @Nullable String nativeLibrary,
    Duration stallWarning,
    int expectedRanks,
    MpjSettings mpj,
    boolean doorbell) {

  /** Checks the settings. */
  public TransportSettings {
    Objects.requireNonNull(stallWarning, "stallWarning");
    Objects.requireNonNull(mpj, "mpj");
    if (!stallWarning.isPositive()) {
      throw new IllegalArgumentException("stallWarning must be positive, but is " + stallWarning);
    }
    if (expectedRanks < 0) {
      throw new IllegalArgumentException(
          "expectedRanks must not be negative, but is " + expectedRanks);
    }
  }

  /**
   * Settings with a doorbell.
   *
   * @param launcher who started this process, or null if there was none
   * @param nativeLibrary path or soname of the MPI library to load, or null
   * @param stallWarning after how long a wait for other ranks is reported; positive
   * @param expectedRanks how many ranks the job must have, or 0 for any number
   * @param mpj the settings of the {@code mpj} transport
   */
  public TransportSettings(
      @Nullable Launcher launcher,
      @Nullable String nativeLibrary,
      Duration stallWarning,
      int expectedRanks,
      MpjSettings mpj) {
    this(launcher, nativeLibrary, stallWarning, expectedRanks, mpj, true);
  }

  /**
   * Settings for any number of ranks.
   *
   * @param launcher who started this process, or null if there was none
   * @param nativeLibrary path or soname of the MPI library to load, or null
   * @param stallWarning after how long a wait for other ranks is reported; positive
   * @param mpj the settings of the {@code mpj} transport
   */
  public TransportSettings(
      @Nullable Launcher launcher,
      @Nullable String nativeLibrary,
      Duration stallWarning,
      MpjSettings mpj) {
    this(launcher, nativeLibrary, stallWarning, 0, mpj);
  }

  /**
   * Settings for any number of ranks that leave the {@code mpj} transport its defaults.
   *
   * @param launcher who started this process, or null if there was none
   * @param nativeLibrary path or soname of the MPI library to load, or null
   * @param stallWarning after how long a wait for other ranks is reported; positive
   */
  public TransportSettings(
      @Nullable Launcher launcher, @Nullable String nativeLibrary, Duration stallWarning) {
    this(launcher, nativeLibrary, stallWarning, 0, MpjSettings.defaults());
  }

  /**
   * Changes the number of ranks that the job must have.
   *
   * @param ranks how many, or 0 for any number
   * @return settings that are otherwise these
   */
  public TransportSettings withExpectedRanks(int ranks) {
    return new TransportSettings(launcher, nativeLibrary, stallWarning, ranks, mpj, doorbell);
  }
}

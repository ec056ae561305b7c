/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Loads the MPI library that belongs to the launcher. */
final class LibraryFinder {
  private final SystemLoader loader = new SystemLoader();
  private final List<String> refusals = new ArrayList<>();

  /**
   * Tries the candidates in turn.
   *
   * @throws StartupException if none is the launcher's
   * @throws IllegalCallerException if this code may not use native access
   */
  static MpiLibrary find(TransportSettings settings) {
    return new LibraryFinder().load(settings);
  }

  private MpiLibrary load(TransportSettings settings) {
    // UCX catches SIGSEGV as soon as it is loaded, which HotSpot needs for itself.
    loader.setIfUnset("UCX_ERROR_SIGNALS", "");
    if (!Path.of(System.getProperty("user.home", "")).isAbsolute()) {
      // Java found neither the variable nor the user's entry: as in a container whose user has no
      // name. Open MPI looks for files of its own there, and ends the process if there is no such
      // place. Containers' runtimes name the same one, in which no other user can put any.
      loader.setIfUnset("HOME", "/");
    }
    Launcher launcher = settings.launcher();
    MpiFamily wanted = MpiFamily.of(launcher);
    for (String candidate : candidates(settings.nativeLibrary(), wanted)) {
      MpiLibrary library = tryLoad(candidate, wanted, launcher);
      if (library != null) {
        return library;
      }
    }
    throw new StartupException(
        Problem.NO_MPI_LIBRARY,
        "No MPI library"
            + (launcher == null ? "" : " for " + launcher)
            + " could be loaded. Tried "
            + String.join("; ", refusals)
            + ".",
        remedy(wanted));
  }

  private static Set<String> candidates(@Nullable String chosen, @Nullable MpiFamily wanted) {
    Set<String> candidates = new LinkedHashSet<>();
    if (chosen != null) {
      candidates.add(chosen);
      return candidates;
    }
    for (MpiFamily family : MpiFamily.values()) {
      if (wanted == null || wanted == family || family == MpiFamily.STANDARD_ABI) {
        candidates.addAll(family.sonames());
      }
    }
    return candidates;
  }

  private @Nullable MpiLibrary tryLoad(
      String name, @Nullable MpiFamily wanted, @Nullable Launcher launcher) {
    MemorySegment handle;
    try {
      handle = loader.open(name);
    } catch (UnsatisfiedLinkError e) {
      refusals.add(name + " (" + e.getMessage() + ")");
      return null;
    }
    try {
      SymbolLookup symbols = loader.symbols(handle);
      String text = MpiLibrary.version(symbols);
      String version = MpiFamily.shortVersion(text);
      MpiFamily family = MpiFamily.identify(loader.soname(handle), symbols, text);
      if (family != null && (wanted == null || wanted == family.implementation(text))) {
        MpiLibrary library =
            new MpiLibrary(
                name, family, version, family.implementation(text) == MpiFamily.OPEN_MPI, symbols);
        // For builds whose plug-ins do not name the library that they need; Debian's do. Only now,
        // because two libraries with global MPI_ symbols would call into each other.
        loader.promote(name);
        return library;
      }
      refusals.add(
          name
              + " (is "
              + version
              + (family == null
                  ? " in " + loader.soname(handle) + ", whose ABI is unknown"
                  : ", but the launcher is " + launcher)
              + ")");
    } catch (UnsatisfiedLinkError e) {
      refusals.add(name + " (" + e.getMessage() + ")");
    }
    return null;
  }

  private static String remedy(@Nullable MpiFamily wanted) {
    String install =
        switch (wanted) {
          case OPEN_MPI -> "Install the launcher's Open MPI (Debian: libopenmpi3)";
          case MPICH -> "Install the launcher's MPICH (Debian: libmpich12)";
          case null, default -> "Install an MPI library (Debian: libopenmpi3 or libmpich12)";
        };
    return install
        + ", load its module on a cluster so that LD_LIBRARY_PATH leads to it, start"
        + " the job with the launcher of the installed library, or name the library"
        + " in mpilock.native.library.";
  }
}

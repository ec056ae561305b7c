/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Launcher;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The implementations whose binary interface is known. MPI 5's common one ({@code libmpi_abi}) will
 * be a third: its handles are pointers with small fixed values, so it needs no symbols.
 */
enum MpiFamily {
  /** Handles are addresses of exported objects. */
  OPEN_MPI("Open MPI") {
    @Override
    MpiAbi abi(SymbolLookup symbols) {
      return new MpiAbi(
          true,
          address(symbols, "ompi_mpi_comm_world"),
          address(symbols, "ompi_mpi_comm_self"),
          address(symbols, "OMPI_C_MPI_COMM_NULL_COPY_FN"),
          address(symbols, "ompi_mpi_info_null"),
          address(symbols, "ompi_mpi_byte"),
          address(symbols, "ompi_mpi_errors_return"),
          0,
          0,
          2,
          3,
          -1,
          -1,
          0);
    }
  },

  /** Handles are ints, the same in MPICH and everything of its ABI initiative. */
  MPICH("MPICH") {
    @Override
    MpiAbi abi(SymbolLookup symbols) {
      return new MpiAbi(
          false,
          0x44000000L,
          0x44000001L,
          0,
          0x1c000000L,
          0x4c00010dL,
          0x54000001L,
          1,
          1,
          2,
          3,
          -2,
          -1,
          8);
    }
  };

  private static final Pattern OPEN_MPI_VERSION = Pattern.compile("Open MPI v([^\\s,]+)");
  private static final Pattern MPICH_VERSION = Pattern.compile("MPICH Version:\\s*(\\S+)");

  private final String label;

  MpiFamily(String label) {
    this.label = label;
  }

  /** The values of its constants in a loaded library. */
  abstract MpiAbi abi(SymbolLookup symbols);

  /** The names to look for it under, the surest first. */
  List<String> sonames() {
    return switch (this) {
      case OPEN_MPI -> List.of("libmpi.so.40", "libmpi.so");
      case MPICH -> List.of("libmpich.so.12", "libmpi.so.12", "libmpi.so");
    };
  }

  @Override
  public String toString() {
    return label;
  }

  /** The only implementation that can join the launcher's job, or null if the launcher is open. */
  static @Nullable MpiFamily of(@Nullable Launcher launcher) {
    if (launcher == null) {
      return null;
    }
    return switch (launcher.name()) {
      case OPEN_MPI -> OPEN_MPI;
      case HYDRA -> MPICH;
      case SLURM, PMIX, BY_HAND -> null;
    };
  }

  /** Tells the implementation of a library, or null if it is none that is known. */
  static @Nullable MpiFamily identify(SymbolLookup symbols, String version) {
    if (symbols.find("ompi_mpi_comm_world").isPresent()) {
      return OPEN_MPI;
    }
    // The members of MPICH's ABI initiative have their own names but one binary interface.
    boolean mpich =
        version.contains("MPICH")
            || version.contains("MVAPICH")
            || version.contains("Intel(R) MPI");
    return mpich ? MPICH : null;
  }

  /** Shortens what MPI_Get_library_version says, which may be pages. */
  static String shortVersion(String version) {
    Matcher openMpi = OPEN_MPI_VERSION.matcher(version);
    if (openMpi.find()) {
      return "Open MPI " + openMpi.group(1);
    }
    Matcher mpich = MPICH_VERSION.matcher(version);
    if (mpich.find()) {
      return "MPICH " + mpich.group(1);
    }
    return version.lines().findFirst().orElse("unknown").strip();
  }

  private static long address(SymbolLookup symbols, String name) {
    return symbols
        .find(name)
        .map(MemorySegment::address)
        .orElseThrow(() -> new UnsatisfiedLinkError("the library has no " + name));
  }
}

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

/** The binary interfaces that are known. */
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
  },

  /**
   * Handles are pointers with small fixed values: the standard's own interface, since MPI 5.0
   * (chapter 20, appendix A), which several implementations have beside theirs.
   */
  STANDARD_ABI("MPI's standard ABI") {
    @Override
    MpiAbi abi(SymbolLookup symbols) {
      return new MpiAbi(true, 0x101, 0x102, 0, 0x130, 0x247, 0x143, 221, 0, 2048, 4096, -1, -2, 0);
    }
  };

  private static final Pattern STANDARD_SONAME = Pattern.compile("libmpi_abi[-_.\\w]*");

  /**
   * The number is that of MPICH's ABI initiative; vendors have names of their own before it. What
   * has MPICH's own name has its interface, with other numbers (Cray's libmpich_gnu_71.so.3).
   */
  private static final Pattern MPICH_SONAME =
      Pattern.compile(
          "libmpi[-_\\w]*\\.(so\\.12|12\\.dylib)([.\\d]*)|libmpich[-_\\w]*\\.so([.\\d]*)");

  private static final Pattern OPEN_MPI_SONAME =
      Pattern.compile("libmpi[-_\\w]*\\.(so|dylib|\\d+\\.dylib)([.\\d]*)");

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
      case STANDARD_ABI -> List.of("libmpi_abi.so.1", "libmpi_abi.so");
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

  /**
   * Tells the binary interface of a library, or null if it is none that is known. The name by which
   * programs are linked with it says most: a library of the standard ABI finds Open MPI's symbols
   * in what it needs, and one that only passes calls on to another tells that one's version.
   *
   * @param soname the library's own name, or that of its file; "" if the system does not tell
   * @param version what MPI_Get_library_version says
   */
  static @Nullable MpiFamily identify(String soname, SymbolLookup symbols, String version) {
    if (STANDARD_SONAME.matcher(soname).matches()) {
      return STANDARD_ABI;
    }
    boolean unnamed = soname.isEmpty();
    if ((unnamed || OPEN_MPI_SONAME.matcher(soname).matches())
        && symbols.find("ompi_mpi_comm_world").isPresent()) {
      return OPEN_MPI;
    }
    return (unnamed || MPICH_SONAME.matcher(soname).matches()) && isOfMpich(version) ? MPICH : null;
  }

  /** The members of MPICH's ABI initiative have their own names but one binary interface. */
  private static boolean isOfMpich(String version) {
    return version.contains("MPICH")
        || version.contains("MVAPICH")
        || version.contains("Intel(R) MPI");
  }

  /**
   * Whose library it is, which decides on the launchers that it can be started by; the standard
   * ABI's, if that is unknown.
   */
  MpiFamily implementation(String version) {
    if (this != STANDARD_ABI) {
      return this;
    }
    return version.contains("Open MPI") ? OPEN_MPI : isOfMpich(version) ? MPICH : this;
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

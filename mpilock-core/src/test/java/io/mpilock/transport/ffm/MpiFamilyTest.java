/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MpiFamilyTest {
  private static final SymbolLookup NO_SYMBOLS = name -> Optional.empty();
  private static final SymbolLookup OPEN_MPI_SYMBOLS =
      name ->
          name.equals("ompi_mpi_comm_world")
              ? Optional.of(MemorySegment.ofAddress(1))
              : Optional.empty();

  @ParameterizedTest
  @CsvSource({
    "libmpich.so.12,MPICH Version: 4.0.2",
    "libmpi.so.12,Intel(R) MPI Library 2021.11 for Linux* OS",
    "libmpi.so.12,MVAPICH Version: 4.0",
    "libmpi_cray.so.12,MPI VERSION : CRAY MPICH version 8.1.25",
    "libmpi.12.dylib,MPICH Version: 4.3.0",
    "libmpich_gnu_71.so.3,MPI VERSION : CRAY MPICH version 7.7.9",
    "'',MPICH Version: 4.0.2"
  })
  void mpichAndItsKin(String soname, String version) {
    MpiFamily family = MpiFamily.identify(soname, NO_SYMBOLS, version);
    assertThat(family).isEqualTo(MpiFamily.MPICH);
    assertThat(MpiFamily.MPICH.implementation(version)).isEqualTo(MpiFamily.MPICH);
  }

  @ParameterizedTest
  @ValueSource(strings = {"libmpi.so.40", "libmpi.so.80", "libmpi_ibm.so.3", "libmpi.so", ""})
  void openMpiAndItsKin(String soname) {
    String version = "Open MPI v4.1.4, package: Debian OpenMPI";
    MpiFamily family = MpiFamily.identify(soname, OPEN_MPI_SYMBOLS, version);
    assertThat(family).isEqualTo(MpiFamily.OPEN_MPI);
  }

  @ParameterizedTest
  @CsvSource({
    "libmpi_abi.so.1,Open MPI v6.0.0rc2,OPEN_MPI",
    "libmpi_abi.so.1,MPICH Version:      5.0.2,MPICH",
    "libmpi_abi_mpich.so.1.0.0,MPICH Version:      5.0.2,MPICH",
    "libmpi_abi.so.1,Some MPI 1.0,STANDARD_ABI"
  })
  void theStandardInterfaceWhateverSymbolsItNeeds(
      String soname, String version, MpiFamily implementation) {
    MpiFamily family = MpiFamily.identify(soname, OPEN_MPI_SYMBOLS, version);
    assertThat(family).isEqualTo(MpiFamily.STANDARD_ABI);
    assertThat(MpiFamily.STANDARD_ABI.implementation(version)).isEqualTo(implementation);
  }

  /** It passes calls on to another library, in an interface of its own. */
  @Test
  void notByTheVersionAlone() {
    String version = "MPItrampoline 5.4.0, using MPIwrapper, using MPICH Version: 4.2.1";
    assertThat(MpiFamily.identify("libmpitrampoline.so.5", NO_SYMBOLS, version)).isNull();
    assertThat(MpiFamily.identify("libmpi.so.40", NO_SYMBOLS, version)).isNull();
    assertThat(MpiFamily.identify("libother.so.1", OPEN_MPI_SYMBOLS, version)).isNull();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * The MPI functions that are called, with their parameters: {@code h} a handle by value, {@code p}
 * a pointer, {@code i} an int, {@code a} an MPI_Aint. All return an int error code.
 */
enum MpiFunction {
  MPI_Get_library_version("pp"),
  MPI_Initialized("p"),
  MPI_Finalized("p"),
  MPI_Init_thread("ppip"),
  MPI_Query_thread("p"),
  MPI_Finalize(""),
  MPI_Abort("hi"),
  MPI_Error_string("ipp"),
  MPI_Get_processor_name("pp"),
  MPI_Comm_rank("hp"),
  MPI_Comm_size("hp"),
  MPI_Comm_dup("hp"),
  MPI_Comm_split("hiip"),
  MPI_Comm_split_type("hiihp"),
  MPI_Comm_free("p"),
  MPI_Comm_set_errhandler("hh"),
  MPI_Comm_create_keyval("pppp"),
  MPI_Comm_set_attr("hip"),
  MPI_Win_set_errhandler("hh"),
  MPI_Allgather("pihpihh"),
  MPI_Ibarrier("hp"),
  MPI_Test("ppp"),
  MPI_Isend("pihiihp"),
  MPI_Improbe("iihppp"),
  MPI_Get_count("php"),
  MPI_Imrecv("pihpp"),
  MPI_Win_allocate_shared("aihhpp"),
  MPI_Win_shared_query("hippp"),
  MPI_Win_free("p");

  private static final MethodType GENERIC = MethodType.methodType(int.class, Object[].class);

  private final String parameters;

  MpiFunction(String parameters) {
    this.parameters = parameters;
  }

  /**
   * Links the function.
   *
   * @return a handle of type {@code int (Object[])} that takes handles as Long
   */
  MethodHandle link(SymbolLookup symbols, boolean pointerHandles) {
    return linkExactly(symbols, pointerHandles)
        .asSpreader(Object[].class, parameters.length())
        .asType(GENERIC);
  }

  /**
   * Links the function for calls that allocate nothing.
   *
   * @return a handle with the parameters' types, those of handles being long
   */
  MethodHandle linkExactly(SymbolLookup symbols, boolean pointerHandles) {
    MemorySegment address =
        symbols
            .find(name())
            .orElseThrow(() -> new UnsatisfiedLinkError("the library has no " + name()));
    int count = parameters.length();
    MemoryLayout[] layouts = new MemoryLayout[count];
    Class<?>[] carriers = new Class<?>[count];
    for (int i = 0; i < count; i++) {
      switch (parameters.charAt(i)) {
        case 'h' -> {
          layouts[i] = pointerHandles ? JAVA_LONG : JAVA_INT;
          carriers[i] = long.class;
        }
        case 'i' -> {
          layouts[i] = JAVA_INT;
          carriers[i] = int.class;
        }
        case 'a' -> {
          layouts[i] = JAVA_LONG;
          carriers[i] = long.class;
        }
        default -> {
          layouts[i] = ADDRESS;
          carriers[i] = MemorySegment.class;
        }
      }
    }
    MethodHandle downcall =
        Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(JAVA_INT, layouts));
    MethodType type = MethodType.methodType(int.class, carriers);
    // The explicit cast narrows a handle to the int that it is in MPICH.
    return MethodHandles.explicitCastArguments(downcall, type);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The dynamic loader. {@link SymbolLookup#libraryLookup} would do for most of it, but it can
 * neither make a library's symbols visible to that library's own plug-ins nor say why it failed.
 */
final class SystemLoader {
  private static final boolean MAC = System.getProperty("os.name", "").startsWith("Mac");
  private static final int RTLD_NOW = 0x2;
  private static final int RTLD_GLOBAL = MAC ? 0x8 : 0x100;
  private static final long LONGEST_ERROR = 4096;
  private static final int RTLD_DI_LINKMAP = 2;

  /** Where an ELF file's own name stands in what it says to the loader: System V ABI, chapter 5. */
  private static final long DT_NULL = 0;

  private static final long DT_STRTAB = 5;
  private static final long DT_SONAME = 14;
  private static final int MOST_ENTRIES = 1000;

  private final MethodHandle dlopen;
  private final MethodHandle dlsym;
  private final MethodHandle dlerror;
  private final MethodHandle setenv;
  private final @Nullable MethodHandle dlinfo;

  /**
   * Links the loader's functions.
   *
   * @throws IllegalCallerException if this code may not use native access
   */
  SystemLoader() {
    dlopen = link("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
    dlsym = link("dlsym", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
    MemoryLayout text = MemoryLayout.sequenceLayout(LONGEST_ERROR, JAVA_BYTE);
    dlerror = link("dlerror", FunctionDescriptor.of(ADDRESS.withTargetLayout(text)));
    setenv = link("setenv", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    dlinfo =
        MAC ? null : link("dlinfo", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));
  }

  /** Sets a variable for native code, unless it is set. Java does not see it. */
  void setIfUnset(String name, String value) {
    try (Arena arena = Arena.ofConfined()) {
      int _ = (int) setenv.invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 0);
    } catch (Throwable e) {
      throw Downcalls.failed("setenv", e);
    }
  }

  /**
   * Loads a library with its symbols hidden from others.
   *
   * @return its handle; a library that was refused stays loaded, because unloading UCX is not safe
   * @throws UnsatisfiedLinkError with the loader's own reason
   */
  MemorySegment open(String name) {
    return open(name, RTLD_NOW);
  }

  /** Makes the symbols of an open library visible to what it loads itself. */
  void promote(String name) {
    MemorySegment _ = open(name, RTLD_NOW | RTLD_GLOBAL);
  }

  private MemorySegment open(String name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = (MemorySegment) dlopen.invokeExact(arena.allocateFrom(name), flags);
      if (handle.equals(MemorySegment.NULL)) {
        throw new UnsatisfiedLinkError(lastError());
      }
      return handle;
    } catch (UnsatisfiedLinkError e) {
      throw e;
    } catch (Throwable e) {
      throw Downcalls.failed("dlopen", e);
    }
  }

  /** The symbols of an open library. */
  SymbolLookup symbols(MemorySegment library) {
    return name -> {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment symbol = (MemorySegment) dlsym.invokeExact(library, arena.allocateFrom(name));
        return symbol.equals(MemorySegment.NULL) ? Optional.empty() : Optional.of(symbol);
      } catch (Throwable e) {
        throw Downcalls.failed("dlsym", e);
      }
    };
  }

  /**
   * The name by which programs are linked with an open library; that of its file, without folders
   * and links, if it has none; "" if that cannot be told either.
   */
  String soname(MemorySegment library) {
    if (dlinfo == null) {
      return "";
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(ADDRESS);
      if ((int) dlinfo.invokeExact(library, RTLD_DI_LINKMAP, slot) != 0) {
        return "";
      }
      // struct link_map: where it is loaded, its file, its dynamic section
      MemorySegment map = slot.get(ADDRESS, 0).reinterpret(3 * ADDRESS.byteSize());
      String soname = soname(map.get(JAVA_LONG, 0), map.get(ADDRESS, 2 * ADDRESS.byteSize()));
      return soname.isEmpty() ? fileName(map.get(ADDRESS, ADDRESS.byteSize())) : soname;
    } catch (Throwable e) {
      throw Downcalls.failed("dlinfo", e);
    }
  }

  private static String soname(long base, MemorySegment section) {
    MemorySegment entries = section.reinterpret(MOST_ENTRIES * 2 * Long.BYTES);
    long names = 0;
    long name = -1;
    for (int i = 0; i < MOST_ENTRIES; i++) {
      long tag = entries.get(JAVA_LONG, i * 2L * Long.BYTES);
      long value = entries.get(JAVA_LONG, (i * 2L + 1) * Long.BYTES);
      if (tag == DT_NULL) {
        break;
      } else if (tag == DT_STRTAB) {
        names = value;
      } else if (tag == DT_SONAME) {
        name = value;
      }
    }
    if (names == 0 || name < 0) {
      return "";
    }
    // glibc writes where it is into the section, musl leaves what the file says
    long address = Long.compareUnsigned(names, base) < 0 ? base + names : names;
    return text(MemorySegment.ofAddress(address + name));
  }

  private static String fileName(MemorySegment path) {
    try {
      Path file = Path.of(text(path)).toRealPath().getFileName();
      return file == null ? "" : file.toString();
    } catch (IOException | InvalidPathException unknown) {
      return "";
    }
  }

  private static String text(MemorySegment text) {
    return text.reinterpret(LONGEST_ERROR).getString(0);
  }

  private String lastError() throws Throwable {
    MemorySegment text = (MemorySegment) dlerror.invokeExact();
    return text.equals(MemorySegment.NULL) ? "no reason given" : text.getString(0);
  }

  private static MethodHandle link(String name, FunctionDescriptor type) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new UnsatisfiedLinkError("the C library has no " + name));
    return linker.downcallHandle(address, type);
  }
}

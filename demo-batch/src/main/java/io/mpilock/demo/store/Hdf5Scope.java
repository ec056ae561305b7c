/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import hdf.hdf5lib.H5;
import hdf.hdf5lib.HDF5Constants;
import hdf.hdf5lib.exceptions.HDF5LibraryException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.hdf5.hdf5_java;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * Closes HDF5's handles in the reverse of the order in which they were opened. A failure to close
 * is a failure to write, so it is thrown.
 */
final class Hdf5Scope implements AutoCloseable {
  private static final String LIBRARY = "hdf.hdf5lib.H5.hdf5lib";

  private final Deque<Handle> handles = new ArrayDeque<>();

  Hdf5Scope() {
    if (System.getProperty(LIBRARY) == null) {
      // where the binding looks for its native half, which Loader takes out of the jar
      System.setProperty(LIBRARY, Loader.load(hdf5_java.class));
    }
  }

  /** HDF5's default properties, of every kind. Not a constant: reading it loads the library. */
  long defaults() {
    return HDF5Constants.H5P_DEFAULT;
  }

  /** How a kind of handle is closed. */
  @FunctionalInterface
  interface Closer {
    int close(long handle);
  }

  private record Handle(long id, Closer closer) {}

  long keep(long handle, Closer closer) {
    handles.push(new Handle(handle, closer));
    return handle;
  }

  long file(long handle) {
    return keep(handle, H5::H5Fclose);
  }

  long group(long handle) {
    return keep(handle, H5::H5Gclose);
  }

  long dataset(long handle) {
    return keep(handle, H5::H5Dclose);
  }

  long space(long handle) {
    return keep(handle, H5::H5Sclose);
  }

  long type(long handle) {
    return keep(handle, H5::H5Tclose);
  }

  long properties(long handle) {
    return keep(handle, H5::H5Pclose);
  }

  long attribute(long handle) {
    return keep(handle, H5::H5Aclose);
  }

  @Override
  public void close() {
    HDF5LibraryException failure = null;
    while (!handles.isEmpty()) {
      failure = close(handles.pop(), failure);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static @Nullable HDF5LibraryException close(
      Handle handle, @Nullable HDF5LibraryException earlier) {
    try {
      handle.closer().close(handle.id());
      return earlier;
    } catch (HDF5LibraryException e) {
      if (earlier == null) {
        return e;
      }
      earlier.addSuppressed(e);
      return earlier;
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import hdf.hdf5lib.H5;
import hdf.hdf5lib.HDF5Constants;
import io.mpilock.spring.LockTemplate;
import java.nio.file.Path;
import java.util.function.LongConsumer;
import org.bytedeco.hdf5.hdf5_java;
import org.bytedeco.javacpp.Loader;

// snippet hdf5
/** One dataset of numbers in an HDF5 file, to which all ranks append. */
class SharedHdf5 {
  private final LockTemplate lock;
  private final String path;

  SharedHdf5(LockTemplate locks, Path path) {
    System.setProperty("hdf.hdf5lib.H5.hdf5lib", Loader.load(hdf5_java.class)); // its native half
    this.lock = locks.on("numbers.h5");
    this.path = path.toString();
    lock.singleWrite(() -> {
      create();
      return null;
    });
  }

  void append(int[] numbers) {
    lock.writeWithoutResult(() -> withFile(HDF5Constants.H5F_ACC_RDWR, file -> add(file, numbers)));
  }

  long count() {
    return lock.read(() -> {
      long[] length = new long[1];
      withFile(
          HDF5Constants.H5F_ACC_RDONLY,
          file -> length[0] = length(H5.H5Dopen(file, "/numbers", HDF5Constants.H5P_DEFAULT)));
      return length[0];
    });
  }

  /** Opens the file, and has it closed, with all that was opened in it, when this returns. */
  private void withFile(int access, LongConsumer work) {
    long properties = H5.H5Pcreate(HDF5Constants.H5P_FILE_ACCESS);
    H5.H5Pset_fclose_degree(properties, HDF5Constants.H5F_CLOSE_STRONG);
    long file = H5.H5Fopen(path, access, properties);
    try {
      work.accept(file);
    } finally {
      H5.H5Fclose(file); // flushes it: the next rank finds all of it
      H5.H5Pclose(properties);
    }
  }

  private static void add(long file, int[] numbers) {
    long dataset = H5.H5Dopen(file, "/numbers", HDF5Constants.H5P_DEFAULT);
    long end = length(dataset);
    long[] count = {numbers.length};
    H5.H5Dset_extent(dataset, new long[] {end + numbers.length});
    long target = H5.H5Dget_space(dataset);
    H5.H5Sselect_hyperslab(
        target, HDF5Constants.H5S_SELECT_SET, new long[] {end}, null, count, null);
    long source = H5.H5Screate_simple(1, count, null);
    H5.H5Dwrite_int(
        dataset,
        HDF5Constants.H5T_NATIVE_INT32,
        source,
        target,
        HDF5Constants.H5P_DEFAULT,
        numbers);
    H5.H5Sclose(source);
    H5.H5Sclose(target);
  }

  private static long length(long dataset) {
    long space = H5.H5Dget_space(dataset);
    long[] length = new long[1];
    H5.H5Sget_simple_extent_dims(space, length, null);
    H5.H5Sclose(space);
    return length[0];
  }

  private void create() {
    long file =
        H5.H5Fcreate(
            path,
            HDF5Constants.H5F_ACC_TRUNC,
            HDF5Constants.H5P_DEFAULT,
            HDF5Constants.H5P_DEFAULT);
    long chunks = H5.H5Pcreate(HDF5Constants.H5P_DATASET_CREATE);
    H5.H5Pset_chunk(chunks, 1, new long[] {1024});
    long space = H5.H5Screate_simple(1, new long[] {0}, new long[] {HDF5Constants.H5S_UNLIMITED});
    H5.H5Dclose(
        H5.H5Dcreate(
            file,
            "/numbers",
            HDF5Constants.H5T_STD_I32LE,
            space,
            HDF5Constants.H5P_DEFAULT,
            chunks,
            HDF5Constants.H5P_DEFAULT));
    H5.H5Sclose(space);
    H5.H5Pclose(chunks);
    H5.H5Fclose(file);
  }
}
// end snippet

package io.mpilock.demo.store;

import hdf.hdf5lib.H5;
import hdf.hdf5lib.HDF5Constants;
import io.mpilock.demo.DemoException;

/** The attribute of the file that says who wrote last: run, token and rank. */
final class StampAttribute {
  private static final String NAME = "last_write";
  private static final long[] LENGTH = {3};

  private StampAttribute() {}

  static void create(Hdf5Scope scope, long group, WriteStamp stamp) {
    long space = scope.space(H5.H5Screate_simple(1, LENGTH, LENGTH));
    long attribute =
        scope.attribute(
            H5.H5Acreate(
                group,
                NAME,
                HDF5Constants.H5T_STD_I64LE,
                space,
                scope.defaults(),
                scope.defaults()));
    write(attribute, stamp);
  }

  /**
   * Lets a write in, and notes that it was there.
   *
   * @throws DemoException if a later write was there before; nothing has changed then
   */
  static void admit(Hdf5Scope scope, long group, WriteStamp stamp, String file) {
    long attribute = scope.attribute(H5.H5Aopen(group, NAME, scope.defaults()));
    long[] words = new long[(int) LENGTH[0]];
    H5.H5Aread_long(attribute, HDF5Constants.H5T_NATIVE_INT64, words);
    WriteStamp last = new WriteStamp(words[0], words[1], (int) words[2]);
    if (last.compareTo(stamp) > 0) {
      throw new DemoException(
          """
          This process has lost the lock of %s without noticing, so its rows are refused.
            It came as %s.
            The file was written since by %s.
          Nothing was changed. End what is left of the job of this process; the later writer goes on.\
          """
              .formatted(file, stamp, last));
    }
    write(attribute, stamp);
  }

  private static void write(long attribute, WriteStamp stamp) {
    H5.H5Awrite_long(
        attribute,
        HDF5Constants.H5T_NATIVE_INT64,
        new long[] {stamp.run(), stamp.token(), stamp.rank()});
  }
}

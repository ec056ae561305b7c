package io.mpilock.demo.store;

import hdf.hdf5lib.H5;
import hdf.hdf5lib.HDF5Constants;
import hdf.hdf5lib.exceptions.HDF5Exception;
import io.mpilock.demo.DemoException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The HDF5 file: one group of one-dimensional datasets that grow together. Each call opens the file
 * and closes it again, so it may run under a lock that many processes share: create and append
 * under a write, read and count under a read. Stateless apart from the description.
 */
public final class FlightFile {
  static final String GROUP = "/flights";

  private static final int BLOCK_ROWS = 8192;
  private static final int DEFLATE_LEVEL = 4;
  private static final String LOCKED = "lock file";
  private static final int ATTEMPTS = 100;
  private static final Duration PAUSE = Duration.ofMillis(10);

  private final FileDescription description;

  /**
   * Makes an accessor; it opens nothing.
   *
   * @param description what the master shared
   */
  public FlightFile(FileDescription description) {
    this.description = description;
  }

  /**
   * Creates the file with empty datasets; one that exists is emptied.
   *
   * @param attributes what the group says about itself, by name
   * @param stamp this write; later ones must come after it, unless it is {@link WriteStamp#NONE}
   * @throws DemoException if the file cannot be written
   */
  public void create(Map<String, String> attributes, WriteStamp stamp) {
    run(
        "create",
        scope -> {
          long file =
              scope.file(
                  H5.H5Fcreate(
                      description.file(),
                      HDF5Constants.H5F_ACC_TRUNC,
                      scope.defaults(),
                      scope.defaults()));
          long group =
              scope.group(
                  H5.H5Gcreate(file, GROUP, scope.defaults(), scope.defaults(), scope.defaults()));
          new TreeMap<>(attributes).forEach((name, value) -> attribute(scope, group, name, value));
          StampAttribute.create(scope, group, stamp);
          for (FlightColumn column : FlightColumn.values()) {
            createDataset(scope, file, column);
          }
        });
  }

  /**
   * Gets ready what needs no lock: loads the native library, which takes longer than many writes.
   */
  public static void warmUp() {
    try (Hdf5Scope scope = new Hdf5Scope()) {
      scope.defaults();
    }
  }

  /**
   * Brings rows into the form in which they are written. Needs no lock.
   *
   * @param rows what to add
   * @return for {@link #append}
   */
  public EncodedRows encode(List<FlightRow> rows) {
    return EncodedRows.of(rows, description);
  }

  /**
   * Adds rows at the end of every dataset. A write may do so several times, until a later one has.
   *
   * @param rows what {@link #encode} made
   * @param stamp this write
   * @throws DemoException if a later write was there before, and nothing has changed then; or if
   *     the file cannot be written, or its datasets are not of one length
   */
  public void append(EncodedRows rows, WriteStamp stamp) {
    run(
        "append to",
        scope -> {
          long file =
              stamp.equals(WriteStamp.NONE)
                  ? open(scope, HDF5Constants.H5F_ACC_RDWR)
                  : openPatiently(scope, HDF5Constants.H5F_ACC_RDWR);
          long group = scope.group(H5.H5Gopen(file, GROUP, scope.defaults()));
          StampAttribute.admit(scope, group, stamp, description.file());
          if (rows.count() == 0) {
            return;
          }
          Datasets datasets = Datasets.open(scope, file);
          long first = datasets.rows();
          for (FlightColumn column : FlightColumn.values()) {
            long dataset = datasets.id(column);
            H5.H5Dset_extent(dataset, new long[] {first + rows.count()});
            transfer(scope, column, dataset, first, rows.count(), rows.of(column), true);
          }
        });
  }

  /**
   * Reads all rows in the order of the file.
   *
   * @param consumer gets each row
   * @throws DemoException if the file cannot be read, or its datasets are not of one length
   */
  public void forEach(Consumer<FlightRow> consumer) {
    run(
        "read",
        scope -> {
          long file = openPatiently(scope, HDF5Constants.H5F_ACC_RDONLY);
          Datasets datasets = Datasets.open(scope, file);
          long rows = datasets.rows();
          for (long first = 0; first < rows; first += BLOCK_ROWS) {
            int count = (int) Math.min(BLOCK_ROWS, rows - first);
            readBlock(datasets, first, count).forEach(consumer);
          }
        });
  }

  private List<FlightRow> readBlock(Datasets datasets, long first, int count) {
    RowBlock block = new RowBlock(count, description);
    try (Hdf5Scope scope = new Hdf5Scope()) {
      for (FlightColumn column : FlightColumn.values()) {
        transfer(scope, column, datasets.id(column), first, count, block.values(column), false);
      }
    }
    return block.rows();
  }

  private void createDataset(Hdf5Scope scope, long file, FlightColumn column) {
    long space =
        scope.space(
            H5.H5Screate_simple(1, new long[] {0}, new long[] {HDF5Constants.H5S_UNLIMITED}));
    long properties = scope.properties(H5.H5Pcreate(HDF5Constants.H5P_DATASET_CREATE));
    H5.H5Pset_chunk(properties, 1, new long[] {description.chunkRows()});
    H5.H5Pset_shuffle(properties);
    H5.H5Pset_deflate(properties, DEFLATE_LEVEL);
    long type = column.isText() ? textType(scope, column) : HDF5Constants.H5T_STD_I32LE;
    long dataset =
        scope.dataset(
            H5.H5Dcreate(
                file, column.path(), type, space, scope.defaults(), properties, scope.defaults()));
    attribute(scope, dataset, "description", column.description());
    attribute(scope, dataset, "units", column.units());
  }

  /** Moves rows between a dataset and an array of ints, or of bytes for text. */
  private void transfer(
      Hdf5Scope scope,
      FlightColumn column,
      long dataset,
      long first,
      int count,
      Object values,
      boolean write) {
    long[] extent = {count};
    long inMemory = scope.space(H5.H5Screate_simple(1, extent, extent));
    long inFile = scope.space(H5.H5Dget_space(dataset));
    H5.H5Sselect_hyperslab(
        inFile, HDF5Constants.H5S_SELECT_SET, new long[] {first}, null, extent, null);
    long type = column.isText() ? textType(scope, column) : HDF5Constants.H5T_NATIVE_INT32;
    if (values instanceof byte[] text) {
      if (write) {
        H5.H5Dwrite(dataset, type, inMemory, inFile, scope.defaults(), text);
      } else {
        H5.H5Dread(dataset, type, inMemory, inFile, scope.defaults(), text);
      }
    } else if (values instanceof int[] numbers) {
      if (write) {
        H5.H5Dwrite_int(dataset, type, inMemory, inFile, scope.defaults(), numbers);
      } else {
        H5.H5Dread_int(dataset, type, inMemory, inFile, scope.defaults(), numbers);
      }
    }
  }

  private long textType(Hdf5Scope scope, FlightColumn column) {
    return textType(scope, description.bytesOf(column), column.padding());
  }

  private static long textType(Hdf5Scope scope, int bytes, int padding) {
    long type = scope.type(H5.H5Tcopy(HDF5Constants.H5T_C_S1));
    H5.H5Tset_size(type, bytes);
    H5.H5Tset_strpad(type, padding);
    H5.H5Tset_cset(type, HDF5Constants.H5T_CSET_UTF8);
    return type;
  }

  private static void attribute(Hdf5Scope scope, long object, String name, String value) {
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    long type = textType(scope, Math.max(1, text.length), HDF5Constants.H5T_STR_NULLPAD);
    long space = scope.space(H5.H5Screate(HDF5Constants.H5S_SCALAR));
    long attribute =
        scope.attribute(
            H5.H5Acreate(object, name, type, space, scope.defaults(), scope.defaults()));
    H5.H5Awrite(attribute, type, text.length == 0 ? new byte[1] : text);
  }

  /**
   * Opens the file. HDF5 locks what it opens, and does not wait: a process that has lost the lock
   * of mpilock has the file open for as long as it takes to refuse it, and must not make another
   * one fail by that.
   */
  private long openPatiently(Hdf5Scope scope, int access) {
    for (int attempt = 1; ; attempt++) {
      try {
        return open(scope, access);
      } catch (HDF5Exception e) {
        if (attempt == ATTEMPTS || !String.valueOf(e.getMessage()).contains(LOCKED)) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    }
  }

  private long open(Hdf5Scope scope, int access) {
    return scope.file(H5.H5Fopen(description.file(), access, scope.defaults()));
  }

  private void run(String what, Consumer<Hdf5Scope> work) {
    try (Hdf5Scope scope = new Hdf5Scope()) {
      work.accept(scope);
    } catch (HDF5Exception e) {
      throw new DemoException(
          "HDF5 cannot %s %s: %s".formatted(what, description.file(), e.getMessage()), e);
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import hdf.hdf5lib.H5;
import hdf.hdf5lib.HDF5Constants;
import hdf.hdf5lib.exceptions.HDF5Exception;
import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.spring.annotation.ReadLocked;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The HDF5 file: one group of one-dimensional datasets that grow together. Each call opens the file
 * and closes it again, since only one process may have it open for writing: {@link #create} and
 * {@link #append} need the write lock, reading takes the read lock by itself.
 */
public class FlightFile {
  /** The resource that guards the file. */
  public static final String RESOURCE = "flights.h5";

  static final String GROUP = "/flights";

  private static final String STAMP = "last_write";
  private static final int STAMP_WORDS = 3;
  private static final int BLOCK_ROWS = 8192;
  private static final int DEFLATE_LEVEL = 4;
  private static final String LOCKED = "lock file";
  private static final int ATTEMPTS = 100;
  private static final Duration PAUSE = Duration.ofMillis(10);

  private final String path;
  private final int chunkRows;
  private final int nameBytes;

  /**
   * Creates an accessor; it opens nothing.
   *
   * @param path the file
   * @param chunkRows how many rows a chunk of a dataset holds, at least 1
   * @param longestName the length of the longest airport name, in bytes
   */
  public FlightFile(Path path, int chunkRows, int longestName) {
    this.path = path.toString();
    this.chunkRows = chunkRows;
    this.nameBytes = longestName + 1; // and a zero
  }

  /** Rows in the form in which HDF5 takes them: an array for each dataset. */
  public static final class EncodedRows {
    private final int count;
    private final Map<FlightColumn, Object> arrays = new EnumMap<>(FlightColumn.class);

    private EncodedRows(List<FlightRow> rows, int nameBytes) {
      count = rows.size();
      for (FlightColumn column : FlightColumn.values()) {
        arrays.put(column, column.encode(rows, nameBytes));
      }
    }
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
          long none = scope.defaults();
          long file = scope.file(H5.H5Fcreate(path, HDF5Constants.H5F_ACC_TRUNC, none, none));
          long group = scope.group(H5.H5Gcreate(file, GROUP, none, none, none));
          new TreeMap<>(attributes).forEach((name, value) -> attribute(scope, group, name, value));
          long[] words = {STAMP_WORDS};
          long space = scope.space(H5.H5Screate_simple(1, words, words));
          long attribute =
              scope.attribute(
                  H5.H5Acreate(group, STAMP, HDF5Constants.H5T_STD_I64LE, space, none, none));
          write(attribute, stamp);
          for (FlightColumn column : FlightColumn.values()) {
            createDataset(scope, file, column);
          }
        });
  }

  /** Loads the native library, which takes longer than many writes and needs no lock. */
  public static void warmUp() {
    try (Hdf5Scope scope = new Hdf5Scope()) {
      scope.defaults();
    }
  }

  /**
   * Converts rows to the form in which they are written. Needs no lock.
   *
   * @param rows what to add
   * @return for {@link #append}
   */
  public EncodedRows encode(List<FlightRow> rows) {
    return new EncodedRows(rows, nameBytes);
  }

  /**
   * Appends rows to every dataset. A write may do so several times, until a later one has.
   *
   * @param rows what {@link #encode} returned
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
          admit(scope, scope.group(H5.H5Gopen(file, GROUP, scope.defaults())), stamp);
          if (rows.count == 0) {
            return;
          }
          Datasets datasets = datasets(scope, file);
          datasets.ids.forEach((column, dataset) -> {
            H5.H5Dset_extent(dataset, new long[] {datasets.rows + rows.count});
            Object values = Objects.requireNonNull(rows.arrays.get(column));
            transfer(scope, column, dataset, datasets.rows, rows.count, values, true);
          });
        });
  }

  /**
   * Lets a write in, and notes that it was there.
   *
   * @throws DemoException if a later write was there before; nothing has changed then
   */
  private void admit(Hdf5Scope scope, long group, WriteStamp stamp) {
    long attribute = scope.attribute(H5.H5Aopen(group, STAMP, scope.defaults()));
    long[] words = new long[STAMP_WORDS];
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
              .formatted(path, stamp, last));
    }
    write(attribute, stamp);
  }

  private static void write(long attribute, WriteStamp stamp) {
    long[] words = {stamp.run(), stamp.token(), stamp.rank()};
    H5.H5Awrite_long(attribute, HDF5Constants.H5T_NATIVE_INT64, words);
  }

  /**
   * Reads all rows in the order of the file, under the read lock where this is a bean.
   *
   * @param consumer gets each row
   * @throws DemoException if the file cannot be read, or its datasets are not of one length
   */
  @ReadLocked(RESOURCE)
  public void forEach(Consumer<FlightRow> consumer) {
    run(
        "read",
        scope -> {
          Datasets datasets = datasets(scope, openPatiently(scope, HDF5Constants.H5F_ACC_RDONLY));
          for (long first = 0; first < datasets.rows; first += BLOCK_ROWS) {
            int count = (int) Math.min(BLOCK_ROWS, datasets.rows - first);
            readBlock(datasets, first, count).forEach(consumer);
          }
        });
  }

  private List<FlightRow> readBlock(Datasets datasets, long first, int count) {
    Map<FlightColumn, Object> arrays = new EnumMap<>(FlightColumn.class);
    try (Hdf5Scope scope = new Hdf5Scope()) {
      datasets.ids.forEach((column, dataset) -> {
        Object array = column.array(count, nameBytes);
        arrays.put(column, array);
        transfer(scope, column, dataset, first, count, array, false);
      });
    }
    List<FlightRow> rows = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Flight flight =
          new Flight(
              date(text(arrays, FlightColumn.DATE, i)),
              number(arrays, FlightColumn.DELAY, i),
              number(arrays, FlightColumn.DISTANCE, i),
              text(arrays, FlightColumn.ORIGIN, i),
              text(arrays, FlightColumn.DESTINATION, i));
      String name = text(arrays, FlightColumn.ORIGIN_NAME, i);
      rows.add(new FlightRow(flight, name, number(arrays, FlightColumn.RANK, i)));
    }
    return rows;
  }

  private String text(Map<FlightColumn, Object> arrays, FlightColumn column, int row) {
    return column.textAt(Objects.requireNonNull(arrays.get(column)), row, nameBytes);
  }

  private static int number(Map<FlightColumn, Object> arrays, FlightColumn column, int row) {
    return ((int[]) Objects.requireNonNull(arrays.get(column)))[row];
  }

  private static LocalDateTime date(String text) {
    try {
      return LocalDateTime.parse(text);
    } catch (DateTimeException e) {
      throw new DemoException("A row of the file was never filled, so two ranks wrote at once.", e);
    }
  }

  /** The open datasets, and how many rows each of them has. */
  private record Datasets(Map<FlightColumn, Long> ids, long rows) {}

  private static Datasets datasets(Hdf5Scope scope, long file) {
    Map<FlightColumn, Long> ids = new EnumMap<>(FlightColumn.class);
    Set<Long> lengths = new HashSet<>();
    for (FlightColumn column : FlightColumn.values()) {
      long dataset = scope.dataset(H5.H5Dopen(file, column.path(), scope.defaults()));
      ids.put(column, dataset);
      lengths.add(H5.H5Sget_simple_extent_npoints(scope.space(H5.H5Dget_space(dataset))));
    }
    if (lengths.size() > 1) {
      throw new DemoException(
          "The datasets are not of one length, so two ranks wrote at once: " + lengths);
    }
    return new Datasets(ids, lengths.iterator().next());
  }

  private void createDataset(Hdf5Scope scope, long file, FlightColumn column) {
    long none = scope.defaults();
    long[] unlimited = {HDF5Constants.H5S_UNLIMITED};
    long space = scope.space(H5.H5Screate_simple(1, new long[] {0}, unlimited));
    long properties = scope.properties(H5.H5Pcreate(HDF5Constants.H5P_DATASET_CREATE));
    H5.H5Pset_chunk(properties, 1, new long[] {chunkRows});
    H5.H5Pset_shuffle(properties);
    H5.H5Pset_deflate(properties, DEFLATE_LEVEL);
    long type = column.isText() ? textType(scope, column) : HDF5Constants.H5T_STD_I32LE;
    long dataset =
        scope.dataset(H5.H5Dcreate(file, column.path(), type, space, none, properties, none));
    attribute(scope, dataset, "description", column.description);
    attribute(scope, dataset, "units", column.units);
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
    long none = scope.defaults();
    long[] extent = {count};
    long inMemory = scope.space(H5.H5Screate_simple(1, extent, extent));
    long inFile = scope.space(H5.H5Dget_space(dataset));
    H5.H5Sselect_hyperslab(
        inFile, HDF5Constants.H5S_SELECT_SET, new long[] {first}, null, extent, null);
    long type = column.isText() ? textType(scope, column) : HDF5Constants.H5T_NATIVE_INT32;
    if (write) {
      H5.H5Dwrite(dataset, type, inMemory, inFile, none, values);
    } else {
      H5.H5Dread(dataset, type, inMemory, inFile, none, values);
    }
  }

  private long textType(Hdf5Scope scope, FlightColumn column) {
    return textType(scope, column.bytes(nameBytes), column.padding());
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
    long none = scope.defaults();
    long attribute = scope.attribute(H5.H5Acreate(object, name, type, space, none, none));
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
    return scope.file(H5.H5Fopen(path, access, scope.defaults()));
  }

  private void run(String what, Consumer<Hdf5Scope> work) {
    try (Hdf5Scope scope = new Hdf5Scope()) {
      work.accept(scope);
    } catch (HDF5Exception e) {
      throw new DemoException("HDF5 cannot %s %s: %s".formatted(what, path, e.getMessage()), e);
    }
  }
}

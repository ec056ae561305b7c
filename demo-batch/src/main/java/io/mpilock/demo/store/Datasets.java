package io.mpilock.demo.store;

import hdf.hdf5lib.H5;
import io.mpilock.demo.DemoException;
import java.util.EnumMap;
import java.util.Map;

/**
 * The open datasets of a file.
 *
 * @param ids HDF5's handle of each
 * @param rows how many rows each of them has
 */
record Datasets(Map<FlightColumn, Long> ids, long rows) {

  static Datasets open(Hdf5Scope scope, long file) {
    Map<FlightColumn, Long> ids = new EnumMap<>(FlightColumn.class);
    Map<FlightColumn, Long> lengths = new EnumMap<>(FlightColumn.class);
    for (FlightColumn column : FlightColumn.values()) {
      long dataset = scope.dataset(H5.H5Dopen(file, column.path(), scope.defaults()));
      long space = scope.space(H5.H5Dget_space(dataset));
      ids.put(column, dataset);
      lengths.put(column, H5.H5Sget_simple_extent_npoints(space));
    }
    if (lengths.values().stream().distinct().count() > 1) {
      throw new DemoException(
          "The datasets are not of one length, so two ranks wrote at once: " + lengths);
    }
    return new Datasets(ids, lengths.values().iterator().next());
  }

  long id(FlightColumn column) {
    Long id = ids.get(column);
    if (id == null) {
      throw new IllegalStateException("not open: " + column);
    }
    return id;
  }
}

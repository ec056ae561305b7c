/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import hdf.hdf5lib.HDF5Constants;
import io.mpilock.demo.flight.FlightRow;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The datasets of the file, all of one length: row i of the file is element i of each. */
enum FlightColumn {
  DATE(16, "ISO 8601, to the minute", "local time of departure", row -> row.flight().date()),
  DELAY(0, "minutes", "delay of the arrival; negative if early", row -> row.flight().delay()),
  DISTANCE(0, "statute miles", "distance between the airports", row -> row.flight().distance()),
  ORIGIN(3, "IATA code", "airport of departure", row -> row.flight().origin()),
  DESTINATION(3, "IATA code", "airport of arrival", row -> row.flight().destination()),
  RANK(0, "rank", "MPI rank that wrote the row", FlightRow::rank),
  ORIGIN_NAME(
      -1,
      "name",
      "name of the airport of departure, or its code if not known",
      FlightRow::originName);

  final String units;
  final String description;
  private final int width;

  @SuppressWarnings("ImmutableEnumChecker") // lambdas that capture nothing
  private final Function<FlightRow, Object> value;

  /** The width is that of a text in bytes, 0 for numbers, and -1 if it depends on the file. */
  FlightColumn(int width, String units, String description, Function<FlightRow, Object> value) {
    this.width = width;
    this.units = units;
    this.description = description;
    this.value = value;
  }

  boolean isText() {
    return width != 0;
  }

  int bytes(int nameBytes) {
    return width < 0 ? nameBytes : width;
  }

  /** A code fills its width; a name ends at a zero byte, where other readers stop too. */
  int padding() {
    return width < 0 ? HDF5Constants.H5T_STR_NULLTERM : HDF5Constants.H5T_STR_NULLPAD;
  }

  String path() {
    return FlightFile.GROUP + "/" + name().toLowerCase(Locale.ROOT);
  }

  /** Room for values: bytes for text, ints for numbers. */
  Object array(int count, int nameBytes) {
    return isText() ? new byte[count * bytes(nameBytes)] : new int[count];
  }

  /** The values of rows as the array that HDF5 takes. */
  Object encode(List<FlightRow> rows, int nameBytes) {
    if (!isText()) {
      return rows.stream().mapToInt(row -> (Integer) value.apply(row)).toArray();
    }
    int each = bytes(nameBytes);
    byte[] bytes = new byte[rows.size() * each];
    for (int i = 0; i < rows.size(); i++) {
      byte[] text = value.apply(rows.get(i)).toString().getBytes(StandardCharsets.UTF_8);
      if (text.length > each) {
        throw new IllegalArgumentException(
            "%s is wider than the %d bytes of %s"
                .formatted(value.apply(rows.get(i)), each, path()));
      }
      System.arraycopy(text, 0, bytes, i * each, text.length);
    }
    return bytes;
  }

  String textAt(Object array, int row, int nameBytes) {
    byte[] bytes = (byte[]) array;
    int start = row * bytes(nameBytes);
    int end = start;
    while (end < start + bytes(nameBytes) && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, start, end - start, StandardCharsets.UTF_8);
  }
}

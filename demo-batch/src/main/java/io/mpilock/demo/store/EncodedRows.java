package io.mpilock.demo.store;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Rows as the arrays that HDF5 takes, one for each dataset: bytes for text, ints for numbers. */
public final class EncodedRows {
  private final int count;
  private final Map<FlightColumn, Object> arrays;

  private EncodedRows(int count, Map<FlightColumn, Object> arrays) {
    this.count = count;
    this.arrays = arrays;
  }

  static EncodedRows of(List<FlightRow> rows, FileDescription description) {
    Map<FlightColumn, Object> arrays = new EnumMap<>(FlightColumn.class);
    for (FlightColumn column : FlightColumn.values()) {
      arrays.put(column, encode(column, rows, description));
    }
    return new EncodedRows(rows.size(), arrays);
  }

  int count() {
    return count;
  }

  Object of(FlightColumn column) {
    return Objects.requireNonNull(arrays.get(column));
  }

  private static Object encode(
      FlightColumn column, List<FlightRow> rows, FileDescription description) {
    if (!column.isText()) {
      return rows.stream().mapToInt(row -> number(column, row)).toArray();
    }
    int width = description.bytesOf(column);
    byte[] bytes = new byte[rows.size() * width];
    for (int i = 0; i < rows.size(); i++) {
      byte[] text = text(column, rows.get(i)).getBytes(StandardCharsets.UTF_8);
      if (text.length > width) {
        throw new IllegalArgumentException(
            "%s is wider than the %d bytes of %s"
                .formatted(text(column, rows.get(i)), width, column.path()));
      }
      System.arraycopy(text, 0, bytes, i * width, text.length);
    }
    return bytes;
  }

  private static int number(FlightColumn column, FlightRow row) {
    return switch (column) {
      case DELAY -> row.flight().delay();
      case DISTANCE -> row.flight().distance();
      case RANK -> row.rank();
      case DATE, ORIGIN, DESTINATION, ORIGIN_NAME -> throw new IllegalArgumentException();
    };
  }

  private static String text(FlightColumn column, FlightRow row) {
    return switch (column) {
      case DATE -> row.flight().date().toString();
      case ORIGIN -> row.flight().origin();
      case DESTINATION -> row.flight().destination();
      case ORIGIN_NAME -> row.originName();
      case DELAY, DISTANCE, RANK -> throw new IllegalArgumentException();
    };
  }
}

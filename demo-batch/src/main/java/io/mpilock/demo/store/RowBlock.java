package io.mpilock.demo.store;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.Flight;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Room for some rows of every dataset, to be read into. */
final class RowBlock {
  private final int count;
  private final FileDescription description;
  private final Map<FlightColumn, Object> arrays = new EnumMap<>(FlightColumn.class);

  RowBlock(int count, FileDescription description) {
    this.count = count;
    this.description = description;
    for (FlightColumn column : FlightColumn.values()) {
      arrays.put(
          column, column.isText() ? new byte[count * description.bytesOf(column)] : new int[count]);
    }
  }

  Object values(FlightColumn column) {
    Object array = arrays.get(column);
    if (array == null) {
      throw new IllegalStateException();
    }
    return array;
  }

  List<FlightRow> rows() {
    List<FlightRow> rows = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Flight flight =
          new Flight(
              date(textAt(FlightColumn.DATE, i)),
              numberAt(FlightColumn.DELAY, i),
              numberAt(FlightColumn.DISTANCE, i),
              textAt(FlightColumn.ORIGIN, i),
              textAt(FlightColumn.DESTINATION, i));
      rows.add(
          new FlightRow(
              flight, textAt(FlightColumn.ORIGIN_NAME, i), numberAt(FlightColumn.RANK, i)));
    }
    return rows;
  }

  private static LocalDateTime date(String text) {
    try {
      return LocalDateTime.parse(text);
    } catch (DateTimeException e) {
      throw new DemoException("A row of the file was never filled, so two ranks wrote at once.", e);
    }
  }

  private int numberAt(FlightColumn column, int row) {
    return ((int[]) values(column))[row];
  }

  private String textAt(FlightColumn column, int row) {
    byte[] bytes = (byte[]) values(column);
    int width = description.bytesOf(column);
    int start = row * width;
    int end = start;
    while (end < start + width && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, start, end - start, StandardCharsets.UTF_8);
  }
}

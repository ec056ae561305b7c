package io.mpilock.demo.store;

import java.io.Serializable;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a rank must know of the file to write to it: the master makes it when it creates the file,
 * and shares it with all ranks.
 *
 * @param file the file's path
 * @param chunkRows how many rows a chunk of a dataset holds, at least 1
 * @param textBytes the width of each dataset of text, in bytes
 */
public record FileDescription(String file, int chunkRows, Map<FlightColumn, Integer> textBytes)
    implements Serializable {

  private static final int MINUTE_BYTES = "2001-01-01T00:00".length();
  private static final int CODE_BYTES = 3;

  /** Copies the widths. */
  public FileDescription {
    textBytes = Map.copyOf(textBytes);
  }

  /**
   * Describes a file.
   *
   * @param file the file's path
   * @param chunkRows how many rows a chunk of a dataset holds, at least 1
   * @param nameBytes the width of the longest airport name, in bytes
   * @return the description
   */
  public static FileDescription of(String file, int chunkRows, int nameBytes) {
    Map<FlightColumn, Integer> widths = new EnumMap<>(FlightColumn.class);
    widths.put(FlightColumn.DATE, MINUTE_BYTES);
    widths.put(FlightColumn.ORIGIN, CODE_BYTES);
    widths.put(FlightColumn.DESTINATION, CODE_BYTES);
    widths.put(FlightColumn.ORIGIN_NAME, Math.max(CODE_BYTES, nameBytes) + 1); // and a zero
    return new FileDescription(file, chunkRows, widths);
  }

  int bytesOf(FlightColumn column) {
    Integer bytes = textBytes.get(column);
    if (bytes == null) {
      throw new IllegalArgumentException(column + " is not text");
    }
    return bytes;
  }
}

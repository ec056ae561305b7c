package io.mpilock.demo.store;

import hdf.hdf5lib.HDF5Constants;
import java.util.Locale;

/** The datasets of the file, all of one length: row i of the file is element i of each. */
public enum FlightColumn {
  /** When the flight left. */
  DATE(true, "ISO 8601, to the minute", "local time of departure"),
  /** How late it arrived. */
  DELAY(false, "minutes", "delay of the arrival; negative if early"),
  /** How far it flew. */
  DISTANCE(false, "statute miles", "distance between the airports"),
  /** Where it left. */
  ORIGIN(true, "IATA code", "airport of departure"),
  /** Where it went. */
  DESTINATION(true, "IATA code", "airport of arrival"),
  /** Who wrote the row. */
  RANK(false, "rank", "MPI rank that wrote the row"),
  /** What the airport of departure is called. */
  ORIGIN_NAME(true, "name", "name of the airport of departure, or its code if not known");

  private final boolean text;
  private final String units;
  private final String description;

  FlightColumn(boolean text, String units, String description) {
    this.text = text;
    this.units = units;
    this.description = description;
  }

  boolean isText() {
    return text;
  }

  /** A code fills its width; a name ends at a zero byte, where other readers stop too. */
  int padding() {
    return this == ORIGIN_NAME ? HDF5Constants.H5T_STR_NULLTERM : HDF5Constants.H5T_STR_NULLPAD;
  }

  String units() {
    return units;
  }

  String description() {
    return description;
  }

  /**
   * Where the dataset stands in the file.
   *
   * @return its path
   */
  public String path() {
    return FlightFile.GROUP + "/" + name().toLowerCase(Locale.ROOT);
  }
}

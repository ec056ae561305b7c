package io.mpilock.demo.store;

import io.mpilock.demo.flight.Flight;

/**
 * One row of the file.
 *
 * @param flight what the input says
 * @param originName the name of the airport that it left, or its code if there is no name
 * @param rank the rank that wrote the row
 */
public record FlightRow(Flight flight, String originName, int rank) {

  /**
   * Tells whether the airport of departure has a name.
   *
   * @return false if the code stands for it
   */
  public boolean isOriginKnown() {
    return !originName.equals(flight.origin());
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import java.io.Serializable;

/**
 * A row of the result.
 *
 * @param flight what the input says
 * @param originName the name of the airport that it left, or its code if the airport is not known
 * @param rank the rank that wrote the row
 */
public record FlightRow(Flight flight, String originName, int rank) implements Serializable {

  /** {@return whether the airport of departure is known} */
  public boolean isOriginKnown() {
    return !originName.equals(flight.origin());
  }
}

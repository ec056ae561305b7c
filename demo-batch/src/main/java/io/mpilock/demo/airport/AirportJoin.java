package io.mpilock.demo.airport;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.store.FlightRow;
import org.springframework.batch.infrastructure.item.ItemProcessor;

/**
 * Joins the name of the airport that a flight left. A code without an airport is no malformed row:
 * the code stands for the name then, and is counted. Not for several threads.
 */
public final class AirportJoin implements ItemProcessor<Flight, FlightRow> {
  private final Airports airports;
  private final int rank;

  /**
   * Makes a join.
   *
   * @param airports the airports that are known
   * @param rank the rank that the rows are marked with
   */
  public AirportJoin(Airports airports, int rank) {
    this.airports = airports;
    this.rank = rank;
  }

  @Override
  public FlightRow process(Flight flight) {
    String name = airports.find(flight.origin()).map(Airport::name).orElse(flight.origin());
    return new FlightRow(flight, name, rank);
  }
}

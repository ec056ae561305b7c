package io.mpilock.demo.airport;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.store.FlightRow;
import java.util.Optional;
import org.springframework.batch.infrastructure.item.ItemProcessor;

/**
 * Joins the name of the airport that a flight left. A code without an airport is no malformed row:
 * the code stands for the name then, and is counted. Not for several threads.
 */
public final class AirportJoin implements ItemProcessor<Flight, FlightRow> {
  private final Airports airports;
  private final int rank;

  private long unknown;

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
    Optional<Airport> airport = airports.find(flight.origin());
    if (airport.isEmpty()) {
      unknown++;
    }
    return new FlightRow(flight, airport.map(Airport::name).orElse(flight.origin()), rank);
  }

  /**
   * How many flights left an airport that is not known.
   *
   * @return the number of flights so far
   */
  public long unknown() {
    return unknown;
  }
}

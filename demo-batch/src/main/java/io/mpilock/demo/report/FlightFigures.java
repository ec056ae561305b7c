package io.mpilock.demo.report;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.store.FlightRow;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Adds rows up for the report. Sums of whole numbers, so that the order of the rows does not
 * matter. Not for several threads.
 */
public final class FlightFigures implements Consumer<FlightRow> {
  private final Map<String, AirportFigures> byOrigin = new TreeMap<>();

  private @Nullable LocalDateTime first;
  private @Nullable LocalDateTime last;

  /** Makes figures of no flights. */
  public FlightFigures() {}

  @Override
  public void accept(FlightRow row) {
    Flight flight = row.flight();
    long late = flight.delay() > AirportFigures.LATE_MINUTES ? 1 : 0;
    byOrigin.merge(
        flight.origin(),
        new AirportFigures(flight.origin(), row.originName(), 1, flight.delay(), late),
        FlightFigures::sum);
    if (first == null || flight.date().isBefore(first)) {
      first = flight.date();
    }
    if (last == null || flight.date().isAfter(last)) {
      last = flight.date();
    }
  }

  private static AirportFigures sum(AirportFigures a, AirportFigures b) {
    return new AirportFigures(
        a.code(), a.name(), a.flights() + b.flights(), a.delay() + b.delay(), a.late() + b.late());
  }

  /**
   * The airports that flights left.
   *
   * @return by code
   */
  public List<AirportFigures> airports() {
    return new ArrayList<>(byOrigin.values());
  }

  /**
   * All flights together.
   *
   * @return figures without code and name, or nothing if there was no flight
   */
  public Optional<AirportFigures> total() {
    return byOrigin.values().stream()
        .reduce(FlightFigures::sum)
        .map(sum -> new AirportFigures("", "", sum.flights(), sum.delay(), sum.late()));
  }

  /**
   * The first departure.
   *
   * @return local time, or nothing if there was no flight
   */
  public Optional<LocalDateTime> first() {
    return Optional.ofNullable(first);
  }

  /**
   * The last departure.
   *
   * @return local time, or nothing if there was no flight
   */
  public Optional<LocalDateTime> last() {
    return Optional.ofNullable(last);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.report;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightRow;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Adds up rows for the report. The sums are of whole numbers, so the order of the rows does not
 * matter. Not thread-safe.
 */
public final class FlightFigures implements Consumer<FlightRow> {
  private static final int LATE_MINUTES = 15;

  private final Map<String, AirportFigures> byOrigin = new TreeMap<>();
  private @Nullable LocalDateTime first;
  private @Nullable LocalDateTime last;

  /** Creates figures of no flights. */
  public FlightFigures() {}

  /**
   * What the departures from one airport add up to.
   *
   * @param code the airport's IATA code
   * @param name its name, or its code if it is not known
   * @param flights the number of departures
   * @param delay the sum of their delays, in minutes
   * @param late how many arrived more than 15 minutes late
   */
  public record AirportFigures(String code, String name, long flights, long delay, long late) {
    double meanDelay() {
      return (double) delay / flights;
    }

    double shareLate() {
      return (double) late / flights;
    }

    private AirportFigures plus(AirportFigures other) {
      return new AirportFigures(
          code, name, flights + other.flights, delay + other.delay, late + other.late);
    }
  }

  @Override
  public void accept(FlightRow row) {
    Flight flight = row.flight();
    long late = flight.delay() > LATE_MINUTES ? 1 : 0;
    byOrigin.merge(
        flight.origin(),
        new AirportFigures(flight.origin(), row.originName(), 1, flight.delay(), late),
        AirportFigures::plus);
    first = first == null || flight.date().isBefore(first) ? flight.date() : first;
    last = last == null || flight.date().isAfter(last) ? flight.date() : last;
  }

  /** {@return the airports that flights left, by code} */
  public List<AirportFigures> airports() {
    return new ArrayList<>(byOrigin.values());
  }

  /** All flights together, without code and name. */
  AirportFigures total() {
    return byOrigin.values().stream()
        .reduce(new AirportFigures("", "", 0, 0, 0), AirportFigures::plus);
  }

  /** The first departure in local time; null if there was none. */
  @Nullable LocalDateTime first() {
    return first;
  }

  /** The last departure in local time; null if there was none. */
  @Nullable LocalDateTime last() {
    return last;
  }
}

package io.mpilock.demo.report;

/**
 * What the flights from one airport add up to.
 *
 * @param code the airport's IATA code
 * @param name its name, or its code if it is not known
 * @param flights how many flights left it, at least 1
 * @param delay the sum of their delays, in minutes
 * @param late how many of them arrived more than {@link #LATE_MINUTES} late
 */
public record AirportFigures(String code, String name, long flights, long delay, long late) {

  /** A flight is late if its delay is more than this. */
  public static final int LATE_MINUTES = 15;

  /**
   * The mean delay.
   *
   * @return minutes
   */
  public double meanDelay() {
    return (double) delay / flights;
  }

  /**
   * The share of the flights that were late.
   *
   * @return from 0 to 1
   */
  public double shareLate() {
    return (double) late / flights;
  }
}

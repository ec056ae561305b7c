package io.mpilock.demo.airport;

/**
 * An airport.
 *
 * @param code its IATA code
 * @param name its name
 * @param city the city that it serves
 * @param state the state, as two letters
 * @param latitude in degrees, north is positive
 * @param longitude in degrees, east is positive
 */
public record Airport(
    String code, String name, String city, String state, double latitude, double longitude) {}

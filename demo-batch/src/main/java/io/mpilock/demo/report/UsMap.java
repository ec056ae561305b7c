package io.mpilock.demo.report;

import io.mpilock.demo.report.ConicProjection.Point;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.StringTokenizer;

/**
 * The United States on {@value #WIDTH} by {@value #HEIGHT} units: the contiguous states, with
 * Alaska (at 0.35 of the scale), Hawaii and the Caribbean islands in the free corners.
 */
final class UsMap {
  static final int WIDTH = 960;
  static final int HEIGHT = 590;

  private static final double SCALE = 1200;
  private static final double X = 470;
  private static final double Y = 270;

  private static final ConicProjection STATES =
      new ConicProjection(29.5, 45.5, -96, 38.5, SCALE, X, Y);
  private static final ConicProjection ALASKA =
      new ConicProjection(55, 65, -152, 63, SCALE * 0.35, 125, 478);
  private static final ConicProjection HAWAII =
      new ConicProjection(8, 18, -157.5, 20.6, SCALE, 345, 530);
  private static final ConicProjection ISLANDS =
      new ConicProjection(8, 18, -66, 18, SCALE, 830, 540);

  private UsMap() {}

  /** Where a place is drawn; nothing if it is off the map. */
  static Optional<Point> place(double longitude, double latitude) {
    if (longitude > 0) {
      return Optional.empty(); // Guam and beyond
    }
    ConicProjection projection;
    if (latitude > 50) {
      projection = ALASKA;
    } else if (longitude < -140) {
      projection = HAWAII;
    } else if (latitude < 20) {
      projection = ISLANDS;
    } else {
      projection = STATES;
    }
    return Optional.of(projection.project(longitude, latitude));
  }

  /** The outlines of all states as the data of one SVG path. */
  static String outlines() {
    StringBuilder path = new StringBuilder();
    try (InputStream in = UsMap.class.getResourceAsStream("us-states.txt");
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(
                    Objects.requireNonNull(in, "us-states.txt"), StandardCharsets.UTF_8))) {
      lines.lines().filter(line -> !line.startsWith("#")).forEach(line -> outline(line, path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return path.toString();
  }

  private static void outline(String line, StringBuilder path) {
    StringTokenizer corners = new StringTokenizer(line, " ");
    corners.nextToken(); // the state's number
    char command = 'M';
    while (corners.hasMoreTokens()) {
      String corner = corners.nextToken();
      int comma = corner.indexOf(',');
      double longitude = Integer.parseInt(corner.substring(0, comma)) / 100.0;
      double latitude = Integer.parseInt(corner.substring(comma + 1)) / 100.0;
      Optional<Point> point = place(longitude, latitude);
      if (point.isPresent()) {
        path.append(command).append(pair(point.get()));
        command = 'L';
      }
    }
    path.append('Z');
  }

  private static String pair(Point point) {
    return String.format(Locale.ROOT, "%.1f %.1f", point.x(), point.y());
  }
}

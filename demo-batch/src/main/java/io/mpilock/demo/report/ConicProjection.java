package io.mpilock.demo.report;

/**
 * Albers' equal-area conic projection of the sphere, after Snyder, "Map Projections: A Working
 * Manual" (1987), equations 14-1 to 14-6. Units are those of the scale, y points down.
 */
final class ConicProjection {
  private final double centralMeridian;
  private final double n;
  private final double c;
  private final double rho0;
  private final double scale;
  private final double x0;
  private final double y0;

  /**
   * Makes a projection.
   *
   * @param south the southern standard parallel, in degrees
   * @param north the northern standard parallel
   * @param longitude of the point that is drawn at (x0, y0)
   * @param latitude of that point
   */
  ConicProjection(
      double south,
      double north,
      double longitude,
      double latitude,
      double scale,
      double x0,
      double y0) {
    double sinSouth = Math.sin(Math.toRadians(south));
    this.n = (sinSouth + Math.sin(Math.toRadians(north))) / 2;
    double cosSouth = Math.cos(Math.toRadians(south));
    this.c = cosSouth * cosSouth + 2 * n * sinSouth;
    this.centralMeridian = longitude;
    this.rho0 = rho(latitude);
    this.scale = scale;
    this.x0 = x0;
    this.y0 = y0;
  }

  Point project(double longitude, double latitude) {
    double rho = rho(latitude);
    double theta = n * Math.toRadians(longitude - centralMeridian);
    return new Point(
        x0 + scale * rho * Math.sin(theta), y0 - scale * (rho0 - rho * Math.cos(theta)));
  }

  private double rho(double latitude) {
    return Math.sqrt(c - 2 * n * Math.sin(Math.toRadians(latitude))) / n;
  }

  /** A point of the drawing. */
  record Point(double x, double y) {}
}

package io.mpilock.demo.flight;

/** A row of the input that is not a flight; the job skips a limited number of them. */
public final class MalformedRowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final SkippedRow row;

  /**
   * Makes an exception.
   *
   * @param row where it is and what is wrong with it
   */
  public MalformedRowException(SkippedRow row) {
    super(row.toString());
    this.row = row;
  }

  /**
   * Tells which row.
   *
   * @return where it is and what is wrong with it
   */
  public SkippedRow row() {
    return row;
  }
}

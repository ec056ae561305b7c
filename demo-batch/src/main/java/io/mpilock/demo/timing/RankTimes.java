package io.mpilock.demo.timing;

import java.io.Serializable;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a rank did with the lock of the file.
 *
 * @param rank the rank
 * @param spans in the order in which they ended
 */
public record RankTimes(int rank, List<Span> spans) implements Serializable {

  /** Copies the spans. */
  public RankTimes {
    spans = List.copyOf(spans);
  }

  /**
   * Adds up the spans of a kind.
   *
   * @param kind which
   * @return seconds
   */
  public double seconds(Span.Kind kind) {
    return of(kind).mapToLong(Span::micros).sum() / 1e6;
  }

  /**
   * Finds the longest span of a kind.
   *
   * @param kind which
   * @return seconds; 0 if there is none
   */
  public double longest(Span.Kind kind) {
    return of(kind).mapToLong(Span::micros).max().orElse(0) / 1e6;
  }

  private Stream<Span> of(Span.Kind kind) {
    return spans.stream().filter(span -> span.kind() == kind);
  }
}

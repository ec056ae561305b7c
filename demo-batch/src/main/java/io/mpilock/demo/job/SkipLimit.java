package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.MalformedRowException;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.RankLoad;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.batch.core.step.skip.SkipPolicy;

/**
 * How many malformed rows are allowed. The limit is on all ranks together, so that the result does
 * not depend on their number: a rank that passes it alone fails at once, the sum is checked when
 * all have read their share.
 */
final class SkipLimit implements SkipPolicy {
  private static final int SHOWN = 3;

  private final RankRun run;
  private final int limit;

  SkipLimit(RankRun run, int limit) {
    this.run = run;
    this.limit = limit;
  }

  @Override
  public boolean shouldSkip(Throwable failure, long skipped) {
    if (!(failure instanceof MalformedRowException malformed)) {
      return false;
    }
    RankLoad earlier = run.plan().earlier().load();
    if (earlier.skipped().size() + skipped < limit) {
      return true;
    }
    run.skipped(malformed.row());
    throw exceeded(earlier.plus(run.load()).skipped(), limit);
  }

  /** Checks the ranks together, and the runs before them. */
  static void check(RankLoad earlier, List<RankLoad> loads, int limit) {
    List<SkippedRow> all = loads.stream().reduce(earlier, RankLoad::plus).skipped();
    if (all.size() > limit) {
      throw exceeded(all, limit);
    }
  }

  private static DemoException exceeded(List<SkippedRow> rows, int limit) {
    return new DemoException(
        "More malformed rows than the %d that demo.skip-limit allows:%n%s%s"
            .formatted(
                limit,
                rows.stream()
                    .limit(SHOWN)
                    .map(row -> "  " + row)
                    .collect(Collectors.joining(System.lineSeparator())),
                rows.size() > SHOWN ? System.lineSeparator() + "  …" : ""));
  }
}

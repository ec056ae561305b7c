package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FileDigest;
import io.mpilock.demo.store.FlightFile;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.scope.context.ChunkContext;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.tasklet.Tasklet;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;

/**
 * The step that reads the whole file on every rank, under the read lock: all must see the same, and
 * it must be what they and the runs before them wrote.
 */
final class VerifyTasklet implements Tasklet {
  private final Locks locks;
  private final RankRun run;
  private final RankAgreement agreement;
  private final int skipLimit;

  VerifyTasklet(Locks locks, RankRun run, RankAgreement agreement, int skipLimit) {
    this.locks = locks;
    this.run = run;
    this.agreement = agreement;
    this.skipLimit = skipLimit;
  }

  @Override
  public @Nullable RepeatStatus execute(StepContribution contribution, ChunkContext context)
      throws JobInterruptedException {
    agreement.begin();
    List<RankLoad> loads = locks.ranks().gather(run.load());
    run.loaded(loads);
    RankLoad earlier = run.plan().earlier().load();
    SkipLimit.check(earlier, loads, skipLimit);

    FileDigest here = locks.file().read(this::digest);
    List<FileDigest> everywhere = locks.ranks().gather(here);
    for (int rank = 0; rank < everywhere.size(); rank++) {
      if (!everywhere.get(rank).equals(here)) {
        throw new DemoException(
            "The ranks do not agree on what is in the file: rank %d read %s, rank %d read %s."
                .formatted(locks.rank(), here, rank, everywhere.get(rank)));
      }
    }
    checkComplete(here, Stream.concat(Stream.of(earlier), loads.stream()).toList());
    return RepeatStatus.FINISHED;
  }

  private FileDigest digest() {
    Sum sum = new Sum();
    new FlightFile(run.plan().file()).forEach(row -> sum.digest = sum.digest.plus(row));
    return sum.digest;
  }

  /** What a lambda adds to. */
  private static final class Sum {
    private FileDigest digest = FileDigest.NONE;
  }

  private void checkComplete(FileDigest file, List<RankLoad> loads) {
    FileDigest written =
        loads.stream().map(RankLoad::written).reduce(FileDigest.NONE, FileDigest::plus);
    if (!file.equals(written)) {
      throw new DemoException(
          String.format(
              Locale.ROOT,
              "The file does not hold what the ranks wrote: it has %,d rows, they wrote %,d.",
              file.rows(),
              written.rows()));
    }
    long skipped = loads.stream().mapToLong(load -> load.skipped().size()).sum();
    if (written.rows() + skipped != run.plan().rows()) {
      throw new DemoException(
          String.format(
              Locale.ROOT,
              "The input has %,d rows, but %,d were written and %,d skipped: it changed meanwhile.",
              run.plan().rows(),
              written.rows(),
              skipped));
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.WorkJournal.Planner;
import io.mpilock.spring.batch.WorkPlan.Input;
import io.mpilock.spring.progress.WorkProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.step.ListableStepLocator;
import org.springframework.batch.core.step.Step;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.infrastructure.item.ItemStreamReader;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;

/**
 * Shares out the input of a step among the ranks while they work: each takes a run of units as soon
 * as it is through with its last one. So no rank waits long for another, however much the units'
 * cost differs. What is done is kept in a {@link WorkJournal}: a job that was killed, was stopped,
 * failed or lost a rank is started again on <b>any</b> number of ranks, and each unit's effect is
 * committed once. A bean of step scope, for the beans of step scope that make readers.
 *
 * <pre>{@code
 * @Bean
 * @StepScope
 * ItemStreamReader<Order> orders(RankWork work, @Value("#{jobParameters['input']}") Path file) {
 *   return work.lines(file, 1, lines ->
 *       new FlatFileItemReaderBuilder<Order>().name("orders").resource(lines)....build());
 * }
 * }</pre>
 *
 * <p>Each method makes a reader for the step, out of one for each run. The step is a chunk-oriented
 * one ({@code new StepBuilder(..).chunk(size)}), whose readers, processors and skips are Spring
 * Batch's. The runs shrink towards the end ({@link WorkSchedule}), and every rank works out what
 * the next one is from one number that all share: nobody hands them out. Only that number costs
 * messages, and only between nodes.
 *
 * <p>If there are several ranks, the job has {@link RankOutcomes}, by which the ranks agree that
 * they run the same job, and which start of it. Nothing else is collective: a rank may come late,
 * or not at all. All read the same input, or fail; in a later start the input is the same, too. Job
 * parameters that identify are the same on all ranks. A step that is complete on one rank, but not
 * on all, is to be run again on all, so that they share what is left: {@code
 * allowStartIfComplete(true)}.
 *
 * <p>The end of the step on one rank is not the end of the work: others may still be at their last
 * units. A later step that uses what all have written meets them first, as by {@link
 * LockTemplate#barrier()} in a tasklet.
 *
 * <p>A step has one such reader, and runs once in an execution of its job. Nothing reads ahead of
 * it: a reader that peeks or groups is one of a run. Its items may be processed in several threads.
 * A write that Spring Batch retries gets the chunk of the step itself, and not a part or a copy of
 * it. If a reader cannot be made, or a read fails for the file or the database, the step fails,
 * whatever it skips. Each start of a work has two counters, which keep their place until the
 * controller is closed.
 *
 * @since 0.1.0
 */
public final class RankWork {
  private final LockTemplate locks;
  private final StepExecution step;
  private final WorkJournal journal;
  private final WorkProgress progress;
  private final WorkSchedule schedule;
  private final long smallest;

  /** Whether there is a reader, for all forms of the work of a step. */
  private final boolean[] made;

  /**
   * Makes the work of a step: runs by {@link WorkSchedule#FACTORING}, of at least one unit.
   *
   * @param locks have the number that the ranks share
   * @param step the step's execution on this rank
   * @param journal where it is kept what is done
   * @param progress is told how far it is
   */
  public RankWork(
      LockTemplate locks, StepExecution step, WorkJournal journal, WorkProgress progress) {
    this(locks, step, journal, progress, WorkSchedule.FACTORING, 1, new boolean[1]);
  }

  private RankWork(
      LockTemplate locks,
      StepExecution step,
      WorkJournal journal,
      WorkProgress progress,
      WorkSchedule schedule,
      long smallest,
      boolean[] made) {
    this.locks = locks;
    this.step = step;
    this.journal = journal;
    this.progress = progress;
    this.schedule = schedule;
    this.smallest = smallest;
    this.made = made;
  }

  /**
   * Checks that a step runs again in a later start of its job, whether or not it is complete on
   * this rank: it may not be so on another.
   *
   * @param job a job of the application's; if the step is of another one, nothing happens
   * @param step the step's execution on this rank
   * @throws IllegalStateException if it does not
   */
  public static void checkRepeatable(Job job, StepExecution step) {
    boolean isIts = job.getName().equals(step.getJobExecution().getJobInstance().getJobName());
    Step found =
        isIts
                && job instanceof ListableStepLocator steps
                && steps.getStepNames().contains(step.getStepName())
            ? steps.getStep(step.getStepName())
            : null;
    if (found != null && !found.isAllowStartIfComplete()) {
      throw new IllegalStateException(
          "Step '%s' shares its units among ranks, and is left out in a later start where it is complete: what another rank could not do would stay undone. Set allowStartIfComplete(true)."
              .formatted(step.getStepName()));
    }
  }

  /**
   * Cuts runs in another way. What counts is the first start of a job that does something; later
   * ones keep its runs.
   *
   * @param other how
   * @return the work of the same step
   */
  public RankWork by(WorkSchedule other) {
    return new RankWork(locks, step, journal, progress, other, smallest, made);
  }

  /**
   * Cuts no run smaller than this, apart from the last: for units that cost less than it costs to
   * make a reader.
   *
   * @param units how many at least, 1 or more
   * @return the work of the same step
   */
  public RankWork inRunsOfAtLeast(long units) {
    if (units < 1) {
      throw new IllegalArgumentException("A run needs at least 1 unit, not " + units);
    }
    return new RankWork(locks, step, journal, progress, schedule, units, made);
  }

  /**
   * Shares out items that are counted from 0.
   *
   * @param <T> the type that is read
   * @param items their number, the same on all ranks
   * @param reader makes the reader of a run
   * @return the reader for the step
   */
  public <T> ItemStreamReader<T> items(long items, RunReader<? super RankSlice, T> reader) {
    if (items < 0) {
      throw new IllegalArgumentException("The number of items is negative: " + items);
    }
    return reader(plan("items", 0, items, items + " items"), run -> reader.of(run.units()));
  }

  /**
   * Shares out ids, for queries {@code WHERE id BETWEEN first AND last ORDER BY id}. They need not
   * be dense. The rows of a range are the same in each start: with a query that leaves out what is
   * done, as by {@code processed = 0}, a later start would leave out more.
   *
   * @param <T> the type that is read
   * @param min the smallest id, the same on all ranks and in all starts of the job
   * @param max the largest id, less than {@link Long#MAX_VALUE}; below {@code min} if there is none
   * @param reader makes the reader of a run, from {@link RankSlice#first} to {@link RankSlice#last}
   * @return the reader for the step
   */
  public <T> ItemStreamReader<T> ids(long min, long max, RunReader<? super RankSlice, T> reader) {
    long count = max < min ? 0 : Math.addExact(Math.subtractExact(max, min), 1);
    return reader(plan("ids", min, count, min + " to " + max), run -> reader.of(run.units()));
  }

  /**
   * Shares out the elements of a list, such as one of ids. Lists are compared by their size and
   * {@linkplain List#hashCode() hash code}, so that of the elements must be the same in all
   * processes, as it is of numbers and texts.
   *
   * @param <E> the type of the elements
   * @param <T> the type that is read
   * @param elements equal on all ranks
   * @param reader makes the reader of a run, which is a view of the list
   * @return the reader for the step
   */
  public <E, T> ItemStreamReader<T> elements(
      List<E> elements, RunReader<? super List<E>, T> reader) {
    String seen = "%d elements with the hash %08x".formatted(elements.size(), elements.hashCode());
    return reader(
        plan("elements", 0, elements.size(), seen), run -> reader.of(part(elements, run)));
  }

  private static <E> List<E> part(List<E> all, WorkRun run) {
    return all.subList((int) run.units().first(), (int) run.units().end());
  }

  /**
   * Shares out the lines of a text file, each run as a resource for a {@code FlatFileItemReader}
   * without {@code linesToSkip}. The first rank that comes reads the file once more, to find where
   * the runs begin.
   *
   * <p>A line ends by a line feed, a carriage return, or both, wherever these are: records of
   * several lines, such as CSV with line ends in quotes, are out of its scope, and so are encodings
   * like UTF-16. Empty lines count. That the file is the same is told by its size.
   *
   * @param <T> the type that is read
   * @param file the file, with the same content on all ranks
   * @param header how many header lines there are at the beginning
   * @param reader makes the reader of a run
   * @return the reader for the step
   */
  public <T> ItemStreamReader<T> lines(
      Path file, int header, RunReader<? super Resource, T> reader) {
    if (header < 0) {
      throw new IllegalArgumentException("The number of header lines is negative: " + header);
    }
    Planner planner =
        () -> {
          String before = bytesOf(file);
          long lines = LineRuns.count(file, header);
          long[] runs = schedule.cut(lines, locks.size(), smallest);
          List<Long> bytes = Arrays.stream(LineRuns.offsets(file, header, runs)).boxed().toList();
          if (!before.equals(bytesOf(file))) {
            throw new IOException(
                "%s has grown from %s to %s while its lines were counted. Start the job when it is whole."
                    .formatted(file, before, bytesOf(file)));
          }
          Input input = new Input("lines", 0, lines, before);
          return new WorkPlan(input, locks.size(), smallest, schedule, bytes);
        };
    return reader(
        new WorkReader.Source("lines", () -> bytesOf(file), planner),
        run -> {
          RankSlice lines = run.units();
          String name = "lines %d to %d after the header".formatted(lines.first() + 1, lines.end());
          return reader.of(new FileRange(file, run.bytes(), name + " of " + file));
        });
  }

  private static String bytesOf(Path file) throws IOException {
    return Files.size(file) + " bytes";
  }

  /**
   * Shares out the files of a directory, sorted by name: each file is a unit, and a run is for a
   * {@code MultiResourceItemReader}. Each rank lists the directory.
   *
   * @param <T> the type that is read
   * @param directory the directory, the same on all ranks and in all starts of the job
   * @param glob which names, as in {@link Files#newDirectoryStream(Path, String)}: {@code *.csv}
   * @param reader makes the reader of a run
   * @return the reader for the step
   * @throws IOException if the directory cannot be listed
   */
  public <T> ItemStreamReader<T> files(
      Path directory, String glob, RunReader<? super Resource[], T> reader) throws IOException {
    List<String> names = RankSlices.list(directory, glob);
    String seen = "%d files with the hash %08x".formatted(names.size(), names.hashCode());
    return reader(
        plan("files", 0, names.size(), seen),
        run ->
            reader.of(
                part(names, run).stream()
                    .map(name -> new FileSystemResource(directory.resolve(name)))
                    .toArray(Resource[]::new)));
  }

  private WorkReader.Source plan(String kind, long first, long units, String seen) {
    Input input = new Input(kind, first, units, seen);
    return new WorkReader.Source(
        kind, () -> seen, () -> new WorkPlan(input, locks.size(), smallest, schedule, List.of()));
  }

  private <T> ItemStreamReader<T> reader(
      WorkReader.Source source, RunReader<WorkRun, T> readerOfRun) {
    if (made[0]) {
      throw new IllegalStateException(
          "Step '%s' has a second reader of RankWork. What the two have read could not be kept together: make two steps of it."
              .formatted(step.getStepName()));
    }
    made[0] = true;
    return new WorkReader<>(locks, step, journal, progress, source, readerOfRun);
  }
}

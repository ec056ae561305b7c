/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.progress.WorkProgress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.JobInstance;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.core.step.item.ChunkOrientedStep;
import org.springframework.batch.infrastructure.item.ItemReader;
import org.springframework.batch.infrastructure.item.ItemStreamReader;
import org.springframework.batch.infrastructure.support.transaction.ResourcelessTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * How well work is shared out: the time that 10,000 units take whose cost is log-normal, over the
 * ideal, which is all costs by the number of ranks. A unit that costs something sleeps, so ranks
 * beyond the number of cores work as if each had one. Then what units cost that cost nothing.
 *
 * <p>In each round the ways take turns, with the same costs.
 */
public final class WorkBench {
  private static final int UNITS = 10_000;
  private static final int EMPTY_UNITS = 1_000_000;
  private static final int CHUNK = 1_000;
  private static final int EMPTY_RANKS = 4;
  private static final double SIGMA = 1.5;
  private static final double MEAN_NANOS = 300_000;
  private static final long SHORTEST_SLEEP_NANOS = 200_000;
  private static final int[] SIZES = {2, 4, 8};

  private WorkBench() {}

  /** One way to share out. */
  private interface Way {
    ItemStreamReader<Integer> reader(RankWork work, int rank, int size);
  }

  /** Reads numbers without an object for each that it has not read yet. */
  private record Numbers(AtomicLong next, long end) implements ItemReader<Integer> {
    static Numbers of(RankSlice run) {
      return new Numbers(new AtomicLong(run.first()), run.end());
    }

    @Override
    @SuppressWarnings("NullAway") // at the end
    public Integer read() {
      return next.get() < end ? (int) next.getAndIncrement() : null;
    }
  }

  /**
   * Measures.
   *
   * @param args the number of rounds
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    List<String> names = List.of("RankSlice", "RankWork, GUIDED", "RankWork, FACTORING");
    List<Way> ways =
        List.of(
            (work, rank, size) -> slice(RankSlice.of(rank, size, UNITS)),
            (work, rank, size) -> work.by(WorkSchedule.GUIDED).items(UNITS, Numbers::of),
            (work, rank, size) -> work.by(WorkSchedule.FACTORING).items(UNITS, Numbers::of));
    table("costs in any order", ways, names, rounds, costs -> costs);
    table("costs that rise", ways, names, rounds, costs -> Arrays.stream(costs).sorted().toArray());
    double[] seconds = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      seconds[round] = empty() / 1e9;
    }
    Arrays.sort(seconds);
    System.out.printf(
        Locale.ROOT,
        "%n%,d empty units in chunks of %,d on %d ranks, with a journal in a file: %.2f s (%.2f to %.2f)%n",
        EMPTY_UNITS,
        CHUNK,
        EMPTY_RANKS,
        seconds[rounds / 2],
        seconds[0],
        seconds[rounds - 1]);
  }

  private static void table(
      String what, List<Way> ways, List<String> names, int rounds, UnaryOperator<long[]> order)
      throws Exception {
    System.out.printf(
        "%n| 10,000 units, log-normal, %s: time over the ideal | 2 ranks | 4 ranks | 8 ranks |%n",
        what);
    System.out.println("|---|---|---|---|");
    double[][][] over = new double[ways.size()][SIZES.length][rounds];
    for (int round = 0; round < rounds; round++) {
      long[] costs = order.apply(costs(new SplittableRandom(round)));
      for (int size = 0; size < SIZES.length; size++) {
        for (int way = 0; way < ways.size(); way++) {
          long ideal = Arrays.stream(costs).sum() / SIZES[size];
          over[way][size][round] = (double) time(SIZES[size], ways.get(way), costs) / ideal;
        }
      }
    }
    for (int way = 0; way < ways.size(); way++) {
      StringBuilder row = new StringBuilder("| " + names.get(way));
      for (double[] ofSize : over[way]) {
        Arrays.sort(ofSize);
        row.append(
            String.format(
                Locale.ROOT,
                " | %.3f (%.3f to %.3f)",
                ofSize[rounds / 2],
                ofSize[0],
                ofSize[rounds - 1]));
      }
      System.out.println(row + " |");
    }
  }

  private static long[] costs(SplittableRandom random) {
    double scale = MEAN_NANOS / Math.exp(SIGMA * SIGMA / 2);
    return random
        .doubles(UNITS)
        .mapToLong(ignored -> (long) (scale * Math.exp(SIGMA * random.nextGaussian())))
        .toArray();
  }

  private static ItemStreamReader<Integer> slice(RankSlice slice) {
    Numbers numbers = Numbers.of(slice);
    return numbers::read;
  }

  /** A job's step on each rank. */
  private interface OfRank {
    void run(LockTemplate locks, RankWork work, StepExecution step) throws Exception;
  }

  private static long onRanks(int size, OfRank body) throws Exception {
    Path folder = Files.createTempDirectory("work");
    long[] nanos = new long[1];
    try {
      JobBeginning beginning = new JobBeginning(false, System.nanoTime(), identity());
      LocalRanks.run(
          size,
          ControllerOptions.defaults(),
          controller -> {
            LockTemplate locks = LockTemplate.of(controller);
            StepExecution step = step();
            beginning.note(step.getJobExecution());
            FileWorkJournal journal = new FileWorkJournal(folder.resolve("journal"), locks);
            var _ =
                journal.writer("none", WorkOutput.lines(folder.resolve("none"), String::valueOf));
            RankWork work = new RankWork(locks, step, journal, new WorkProgress(List.of()));
            long took = timed(controller, () -> body.run(locks, work, step));
            if (controller.isMaster()) {
              nanos[0] = took;
            }
          });
    } finally {
      Files.deleteIfExists(folder.resolve("journal"));
      Files.deleteIfExists(folder.resolve("journal.lock"));
      Files.delete(folder);
    }
    return nanos[0];
  }

  private interface Body {
    void run() throws Exception;
  }

  private static long timed(WindowController controller, Body body) throws Exception {
    controller.barrier();
    long start = System.nanoTime();
    body.run();
    controller.barrier();
    return System.nanoTime() - start;
  }

  private static StepExecution step() {
    JobExecution job = new JobExecution(1, new JobInstance(1, "job"), new JobParameters());
    StepExecution step = new StepExecution(1, "step", job);
    step.getExecutionContext().putString("batch.stepType", ChunkOrientedStep.class.getName());
    return step;
  }

  private static String identity() {
    return JobBeginning.identityOf(step().getJobExecution());
  }

  private static long time(int size, Way way, long[] costs) throws Exception {
    return onRanks(
        size,
        (locks, work, step) -> {
          ItemStreamReader<Integer> reader = way.reader(work, locks.rank(), size);
          reader.open(step.getExecutionContext());
          new TransactionTemplate(new ResourcelessTransactionManager())
              .executeWithoutResult(status -> sleepFor(reader, costs));
          reader.close();
        });
  }

  private static void sleepFor(ItemStreamReader<Integer> reader, long[] costs) {
    try {
      long due = System.nanoTime();
      for (Integer unit = reader.read(); unit != null; unit = reader.read()) {
        due += costs[unit];
        sleepUntil(due, SHORTEST_SLEEP_NANOS);
      }
      sleepUntil(due, 0);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Short sleeps are longer than asked for: they are put together. */
  private static void sleepUntil(long due, long shortest) {
    if (due - System.nanoTime() > shortest) {
      while (due - System.nanoTime() > 0) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
    }
  }

  private static long empty() throws Exception {
    return onRanks(
        EMPTY_RANKS,
        (locks, work, step) -> {
          TransactionTemplate transaction =
              new TransactionTemplate(new ResourcelessTransactionManager());
          ItemStreamReader<Integer> reader = work.items(EMPTY_UNITS, Numbers::of);
          reader.open(step.getExecutionContext());
          boolean[] more = {true};
          while (more[0]) {
            transaction.executeWithoutResult(status -> {
              for (int i = 0; i < CHUNK && more[0]; i++) {
                more[0] = read(reader);
              }
              reader.update(step.getExecutionContext());
            });
          }
          reader.close();
        });
  }

  private static boolean read(ItemStreamReader<Integer> reader) {
    try {
      return Objects.nonNull(reader.read());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}

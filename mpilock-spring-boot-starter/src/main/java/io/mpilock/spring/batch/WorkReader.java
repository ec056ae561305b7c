/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.JobCounter;
import io.mpilock.failure.MpilockException;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.WorkJournal.Begun;
import io.mpilock.spring.batch.WorkJournal.Planner;
import io.mpilock.spring.batch.WorkJournal.Progress;
import io.mpilock.spring.batch.WorkJournal.Work;
import io.mpilock.spring.batch.WorkPlan.Input;
import io.mpilock.spring.progress.SharedWork;
import io.mpilock.spring.progress.WorkProgress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.core.step.item.ChunkOrientedStep;
import org.springframework.batch.infrastructure.item.ExecutionContext;
import org.springframework.batch.infrastructure.item.ItemReader;
import org.springframework.batch.infrastructure.item.ItemStream;
import org.springframework.batch.infrastructure.item.ItemStreamException;
import org.springframework.batch.infrastructure.item.ItemStreamReader;
import org.springframework.batch.infrastructure.item.NonTransientResourceException;
import org.springframework.batch.infrastructure.item.ReaderNotOpenException;
import org.springframework.core.Ordered;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Reads one run after the other, each with a reader of its own, and has the journal keep how far it
 * is, in the transaction of each chunk.
 *
 * <p>Spring Batch updates its streams inside that transaction, behind the writes. If it writes the
 * items of a chunk one by one, after a failed write that may be skipped, it commits after each, and
 * notes in the step's context at which read of the chunk it is: so far the runs are done then.
 */
final class WorkReader<T> implements ItemStreamReader<T> {
  private static final Log LOG = LogFactory.getLog(WorkReader.class);
  private static final String STEP_TYPE = "batch.stepType";
  private static final String SCAN_OFFSET = "batch.chunkScanOffset";
  private static final String TAKEN = "mpilock.work.taken ";
  private static final String DONE = "mpilock.work.done ";

  private final LockTemplate locks;
  private final StepExecution step;
  private final WorkJournal journal;
  private final WorkProgress progress;
  private final Source source;
  private final RunReader<WorkRun, T> readerOfRun;

  private @Nullable Work work;
  private @Nullable JobCounter taken;
  private @Nullable JobCounter done;
  private @Nullable SharedWork shared;
  private Begun begun;
  private long[] cut = {};

  private @Nullable ItemReader<? extends T> reader;

  /** Why the next run could not be taken, or its reader not be made: no skip may hide it. */
  private @Nullable Exception broken;

  /** The runs that have been read from since the last chunk; the last one is read from now. */
  private final Deque<Read> reads = new ArrayDeque<>();

  /**
   * Where units come from.
   *
   * @param kind tells inputs of different kinds apart
   * @param seen what this rank sees of the input, which is enough to compare it
   * @param planner plans the runs, on the rank that comes first
   */
  record Source(String kind, Seen seen, Planner planner) {
    /** Looks at the input. */
    @FunctionalInterface
    interface Seen {
      String get() throws IOException;
    }
  }

  /** How far a run is. */
  private static final class Read {
    private final int run;
    private final long units;

    /** How many of its items were done when the last chunk had been. */
    private long done;

    private long position;
    private boolean complete;

    /** How many of its units count as done; there may be fewer items, or more. */
    private long counted;

    Read(int run, long units, long position) {
      this.run = run;
      this.units = units;
      this.done = position;
      this.position = position;
    }
  }

  WorkReader(
      LockTemplate locks,
      StepExecution step,
      WorkJournal journal,
      WorkProgress progress,
      Source source,
      RunReader<WorkRun, T> readerOfRun) {
    this.locks = locks;
    this.step = step;
    this.journal = journal;
    this.progress = progress;
    this.source = source;
    this.readerOfRun = readerOfRun;
    this.begun =
        new Begun(
            new WorkPlan(new Input("", 0, 0, ""), 1, 1, WorkSchedule.GUIDED, List.of()), List.of());
  }

  @Override
  public void open(ExecutionContext context) {
    long times =
        step.getJobExecution().getStepExecutions().stream()
            .filter(other -> other.getStepName().equals(step.getStepName()))
            .count();
    if (times > 1) {
      throw new IllegalStateException(
          "Step '%s' runs for the second time in one execution of its job, and shares its units: what the first one took would be left out. Start the job again instead."
              .formatted(step.getStepName()));
    }
    context.remove(SCAN_OFFSET); // or Spring Batch would drop as many units of this start
    Work mine = JobBeginning.work(step, locks);
    try {
      begun = journal.begin(mine, source.planner());
      Input input = begun.plan().input();
      String seen = source.seen().get();
      if (!input.kind().equals(source.kind()) || !input.seen().equals(seen)) {
        throw new IllegalStateException(
            "Rank %d sees %s in step '%s', but the work '%s' was begun with %s (%s). All ranks and all starts of a job need the same input; for other input use other job parameters."
                .formatted(
                    locks.rank(),
                    seen,
                    step.getStepName(),
                    mine.name(),
                    input.seen(),
                    input.kind()));
      }
    } catch (IOException e) {
      throw new ItemStreamException("The work '%s' cannot begin: %s".formatted(mine.name(), e), e);
    }
    cut = begun.plan().cut();
    String start = mine.key() + " " + Long.toHexString(mine.attempt());
    taken = locks.counter(TAKEN + start);
    work = mine;
    follow(mine, locks.counter(DONE + start));
    if (begun.open().isEmpty() && begun.plan().input().units() > 0) {
      LOG.warn(
          "The work '%s' is done, says its journal: there is no unit left. To do it once more, give the job other parameters, or delete the journal with what belongs to it."
              .formatted(mine.name()));
    }
  }

  /** The units of runs that were open when this start began are counted in it, as they are done. */
  private void follow(Work mine, JobCounter counter) {
    long units = begun.plan().input().units();
    long open = 0;
    for (Progress run : begun.open()) {
      open += cut[run.run() + 1] - cut[run.run()];
    }
    long before = units - open;
    done = counter;
    shared = progress.begin(mine.name(), units, before, () -> before + counter.get());
  }

  @Override
  public @Nullable T read() throws Exception {
    if (work == null) {
      step.setTerminateOnly(); // whatever is skipped or retried
      throw new IllegalStateException(
          "The reader of units of step '%s' is not open, so it is no stream of the step. Declare the bean as an ItemStreamReader, and give it to the step as it is, or register it by stream()."
              .formatted(step.getStepName()));
    }
    if (broken != null) {
      return null; // so that the chunk ends, and with its update the step
    }
    stopIfInterrupted();
    while (true) {
      ItemReader<? extends T> current = reader;
      if (current == null) {
        try {
          current = next();
        } catch (Exception e) {
          broken = e;
          throw e;
        }
        if (current == null) {
          return null;
        }
      }
      Read read = reads.getLast();
      T item;
      try {
        item = current.read();
      } catch (Exception e) {
        if (isOfTheResource(e)) {
          broken = e;
        } else {
          read.position++; // Spring Batch may skip it
        }
        throw e;
      }
      if (item != null) {
        read.position++;
        return item;
      }
      read.complete = true;
      try {
        closeReader();
      } catch (RuntimeException e) {
        broken = e;
        throw e;
      }
    }
  }

  /** Takes the next run; null if there is none. What it throws ends the step. */
  private @Nullable ItemReader<? extends T> next() throws Exception {
    JobCounter counter = Objects.requireNonNull(taken);
    checkStep();
    journal.check(Objects.requireNonNull(work));
    long index = counter.add(1) - 1;
    if (index >= begun.open().size()) {
      return null;
    }
    Progress next = begun.open().get((int) index);
    ItemReader<? extends T> made = readerOfRun.of(WorkRun.of(begun.plan(), cut, next.run()));
    reads.addLast(new Read(next.run(), cut[next.run() + 1] - cut[next.run()], next.position()));
    reader = made;
    if (made instanceof ItemStream stream) {
      stream.open(new ExecutionContext());
    }
    drop(made, next.position());
    return made;
  }

  /**
   * Whether a read failed for what the items come from, and not for an item: so the reader is where
   * it was, or nowhere, and what it gives next is not the next item.
   */
  private static boolean isOfTheResource(Exception e) {
    return e instanceof IOException
        || e instanceof SQLException
        || e instanceof UncheckedIOException
        || e instanceof DataAccessException
        || e instanceof ItemStreamException
        || e instanceof ReaderNotOpenException
        || e instanceof NonTransientResourceException
        || isOfPersistence(e.getClass());
  }

  /** By its name, since an application may have none. */
  private static boolean isOfPersistence(@Nullable Class<?> type) {
    return type != null
        && (type.getName().equals("jakarta.persistence.PersistenceException")
            || isOfPersistence(type.getSuperclass()));
  }

  /** Reads once more what an earlier start has done. */
  private void drop(ItemReader<? extends T> of, long items) throws Exception {
    for (long i = 0; i < items; i++) {
      try {
        if (of.read() == null) {
          throw new NonTransientResourceException(
              "A run of units in step '%s' has %d items, but an earlier start has done %d of it: the input is not the same."
                  .formatted(step.getStepName(), i, items));
        }
      } catch (Exception e) {
        if (isOfTheResource(e)) {
          throw e;
        }
        LOG.debug("An item that was done before, and skipped, cannot be read", e);
      }
    }
  }

  @Override
  public void update(ExecutionContext context) {
    if (broken != null) {
      throw new ItemStreamException(
          "Step '%s' cannot go on reading its units: %s"
              .formatted(step.getStepName(), broken.getMessage()),
          broken);
    }
    Work current = work;
    if (current == null || reads.isEmpty()) {
      return;
    }
    boolean whole = isOfTheStep(context); // another one while it writes one by one
    if (whole) {
      record(current, Long.MAX_VALUE);
    } else {
      context.putString(STEP_TYPE, "any"); // or it would take this for a reader without a state
    }
    TransactionSynchronizationManager.registerSynchronization(new Recording(current, whole));
  }

  @SuppressWarnings("ReferenceEquality") // another one may be equal
  private boolean isOfTheStep(ExecutionContext context) {
    return context == step.getExecutionContext();
  }

  /** Or Spring Batch would end the step here, and take it for complete. */
  private void stopIfInterrupted() {
    if (Thread.currentThread().isInterrupted()) {
      step.setTerminateOnly();
    }
  }

  /**
   * Before anything is written: other steps do not say what is done when they write items one by
   * one.
   */
  private void checkStep() {
    String type = step.getExecutionContext().getString(STEP_TYPE, "");
    if (!type.equals(ChunkOrientedStep.class.getName())) {
      throw new IllegalStateException(
          "Step '%s' reads units of RankWork, and is a %s. It must be a chunk-oriented step as Spring Batch has them since 6.0: new StepBuilder(name, repository).chunk(size)."
              .formatted(step.getStepName(), type));
    }
    if (!TransactionSynchronizationManager.isSynchronizationActive()) {
      throw new IllegalStateException(
          "Step '%s' has a transaction manager without synchronization, so nothing tells when a chunk is committed."
              .formatted(step.getStepName()));
    }
  }

  /** Has the journal keep what is done: so many reads of those since the last chunk. */
  private void record(Work current, long left) {
    List<Progress> progress = new ArrayList<>();
    for (Read read : reads) {
      long count = read.position - read.done;
      long now = Math.min(count, left);
      left -= now;
      boolean complete = read.complete && now == count;
      if (now > 0 || complete) {
        progress.add(new Progress(read.run, read.done + now, complete));
      }
    }
    if (!progress.isEmpty()) {
      journal.record(current, progress);
    }
  }

  /** What is to do in the rest of a chunk's transaction. */
  private final class Recording implements TransactionSynchronization {
    private final Work of;
    private final boolean whole;

    Recording(Work of, boolean whole) {
      this.of = of;
      this.whole = whole;
    }

    /** Before those that look whether all was recorded. */
    @Override
    public int getOrder() {
      return Ordered.LOWEST_PRECEDENCE - 1;
    }

    /** Only now does the step's context tell which item was written by itself. */
    @Override
    public void beforeCommit(boolean readOnly) {
      if (!whole) {
        record(of, scanned());
      }
    }

    private int scanned() {
      if (!step.getExecutionContext().containsKey(SCAN_OFFSET)) {
        throw new IllegalStateException(
            "Step '%s' does not read its units itself: something reads ahead of it, and which of them are done is not known. Group or peek at items in the reader that is made for a run."
                .formatted(step.getStepName()));
      }
      return step.getExecutionContext().getInt(SCAN_OFFSET);
    }

    @Override
    public void afterCommit() {
      stopIfInterrupted();
      if (whole) {
        count();
        reads.removeIf(read -> read.complete);
        reads.forEach(read -> read.done = read.position);
      }
    }
  }

  /** It is only to look at, so it fails nothing. */
  private void count() {
    long more = 0;
    for (Read read : reads) {
      long now = read.complete ? read.units : Math.min(read.position, read.units);
      more += now - read.counted;
      read.counted = now;
    }
    SharedWork mine = shared;
    JobCounter all = done;
    if (more > 0 && mine != null && all != null) {
      mine.add(more);
      try {
        long _ = all.add(more);
      } catch (MpilockException e) {
        LOG.debug("What this rank has done is not in the progress of all", e);
      }
    }
  }

  private void closeReader() {
    ItemReader<? extends T> last = reader;
    reader = null;
    if (last instanceof ItemStream stream) {
      stream.close();
    }
  }

  @Override
  public void close() {
    try {
      closeReader();
    } finally {
      reads.clear();
      broken = null;
      work = null;
      taken = null;
      SharedWork ended = shared;
      shared = null;
      if (ended != null) {
        ended.close();
      }
    }
  }
}

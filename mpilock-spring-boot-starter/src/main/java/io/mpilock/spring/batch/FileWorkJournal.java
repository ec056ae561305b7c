/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.Until;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.infrastructure.item.Chunk;
import org.springframework.batch.infrastructure.item.ItemWriter;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * A file that all ranks append to under a lock, and that tells which units of a {@link RankWork}
 * are done. What ranks write into files belongs to it: {@link #writer} keeps a chunk's items until
 * the chunk's transaction is about to be committed. Then they are appended to the output, and the
 * journal tells how far the units are and where the output ends: with one write of the lock, so
 * what the journal has is in the output once, and what it has not is cut off by the next writer.
 *
 * <pre>{@code
 * @Bean
 * FileWorkJournal journal(LockTemplate locks) {
 *   return new FileWorkJournal(Path.of("out/orders.journal"), locks);
 * }
 *
 * @Bean
 * ItemWriter<Order> writer(FileWorkJournal journal) {
 *   return journal.writer("orders", WorkOutput.lines(Path.of("out/orders.csv"), Order::toLine));
 * }
 * }</pre>
 *
 * <p>A rank that is killed while it appends leaves the lock's resource, {@code mpilock.journal}
 * with the file's name, poisoned: the chunks of the others fail, and the job goes on when it is
 * started again. A process of an earlier start that had begun the work, and is still there, can
 * append nothing: the journal has seen a later one, and between that look and its end it has a lock
 * of the file system, on a file of the journal's name with {@code .lock} behind it. Where the file
 * system has no such locks, which is logged, or only locks within a node, all processes of an
 * earlier start must have ended before the next one. All files are on a file system that all ranks
 * see. What was appended is on the disk before the chunk is committed.
 *
 * <p>All that the step writes goes through writers of the journal: what it writes elsewhere, such
 * as into a database, is not committed with it.
 *
 * <p>The journal is a text file, one line for each chunk; whatever is behind the first line that is
 * not whole does not count. Whoever deletes it must delete the outputs, too, or the work is done
 * once more. Safe for use by many threads.
 *
 * @since 0.1.0
 */
public final class FileWorkJournal extends WorkJournal {
  private static final String RESOURCE = "mpilock.journal ";

  private final LockTemplate lock;
  private final JournalLock others;
  private final Map<String, WorkOutput<?>> outputs = new ConcurrentHashMap<>();

  /** Used under the lock, by one thread of this rank at a time. */
  private final JournalFile file;

  /**
   * Makes a journal. Nothing is read or written yet.
   *
   * @param file where it is, the same file on all ranks; its directory exists
   * @param locks by which the ranks append one after the other
   */
  public FileWorkJournal(Path file, LockTemplate locks) {
    this.file = new JournalFile(file);
    this.others = new JournalLock(file);
    this.lock = locks.on(RESOURCE + file.getFileName()).until(Until.BODY);
  }

  /** What a chunk has written, to be appended when it is about to be committed. */
  private final class Pending implements TransactionSynchronization {
    private final Map<String, Written<?>> written = new LinkedHashMap<>();

    <T> void add(String name, WorkOutput<T> output, Chunk<? extends T> chunk) {
      @SuppressWarnings("unchecked") // a name has one output
      Written<T> to = (Written<T>) written.computeIfAbsent(name, key -> new Written<>(output));
      to.add(chunk);
    }

    /** Last of all: what {@link #record} has appended is no longer here. */
    @Override
    public void beforeCommit(boolean readOnly) {
      if (!written.isEmpty()) {
        throw new IllegalStateException(
            "Items were written to %s of a work's journal, but no reader of RankWork takes part in the step: nothing would tell that they are done. Read the units by a bean of RankWork."
                .formatted(written.keySet()));
      }
    }

    @Override
    public void afterCompletion(int status) {
      TransactionSynchronizationManager.unbindResourceIfPossible(FileWorkJournal.this);
    }
  }

  /** What is to be appended to one output. */
  private static final class Written<T> {
    private final WorkOutput<T> output;
    private final List<T> items = new ArrayList<>();
    private @Nullable Chunk<?> last;
    private int beforeLast;

    Written(WorkOutput<T> output) {
      this.output = output;
    }

    /** A chunk that is written again, after another writer of the step has failed, counts once. */
    void add(Chunk<? extends T> chunk) {
      if (isLast(chunk)) {
        items.subList(beforeLast, items.size()).clear();
      }
      last = chunk;
      beforeLast = items.size();
      items.addAll(chunk.getItems());
    }

    @SuppressWarnings("ReferenceEquality") // another chunk may be equal
    private boolean isLast(Chunk<?> chunk) {
      return chunk == last;
    }

    long append(long mark) throws IOException {
      output.cutBack(mark);
      return output.append(mark, items);
    }
  }

  /**
   * Makes a writer for a step whose reader is one of {@link RankWork}.
   *
   * @param <T> the type of the items
   * @param name tells outputs of this journal apart, also when the job is started again
   * @param output where the items go
   * @return the writer; it fails outside of a transaction, and where no reader of {@link RankWork}
   *     takes part
   */
  public <T> ItemWriter<T> writer(String name, WorkOutput<T> output) {
    outputs.put(name, output);
    return chunk -> pend(name, output, chunk);
  }

  private <T> void pend(String name, WorkOutput<T> output, Chunk<? extends T> chunk) {
    if (!TransactionSynchronizationManager.isSynchronizationActive()) {
      throw new IllegalStateException(
          "The writer of '%s' was called outside of a transaction, so nothing tells when its items are to be appended. Use it in a chunk-oriented step."
              .formatted(name));
    }
    Pending pending = (Pending) TransactionSynchronizationManager.getResource(this);
    if (pending == null) {
      pending = new Pending();
      TransactionSynchronizationManager.bindResource(this, pending);
      TransactionSynchronizationManager.registerSynchronization(pending);
    }
    pending.add(name, output, chunk);
  }

  @Override
  Begun begin(Work work, Planner planner) throws IOException {
    return lock.write(() -> {
      try (JournalLock.Held _ = others.take()) {
        file.catchUp();
        JournalFile.Entry entry = file.entry(work.key());
        if (entry != null && entry.attempt() != work.attempt() && entry.hasSeen(work.attempt())) {
          throw overtaken(work);
        }
        if (entry == null || entry.attempt() != work.attempt()) {
          cutBack();
          if (entry == null || !entry.hasProgress()) {
            // nothing depends on the plan, which may be of a rank with other input
            file.appendPlan(work, planner.plan());
          }
          file.appendAttempt(work);
          entry = Objects.requireNonNull(file.entry(work.key()));
        }
        return new Begun(entry.plan(), entry.open());
      }
    });
  }

  private void cutBack() throws IOException {
    for (Map.Entry<String, WorkOutput<?>> output : outputs.entrySet()) {
      Long mark = file.mark(output.getKey(), output.getValue().place());
      if (mark != null) {
        output.getValue().cutBack(mark);
      }
    }
  }

  /**
   * Which outputs there are is known when the first chunk was written: a writer may be made then.
   */
  @Override
  void check(Work work) {}

  private void checkOutputs(Work work) {
    if (outputs.isEmpty()) {
      throw new IllegalStateException(
          "The work '%s' has a journal in a file, but nothing is written by a writer of that journal: what is written elsewhere would not be committed with it. Write by FileWorkJournal.writer, or keep the journal in the database that the step writes into."
              .formatted(work.name()));
    }
  }

  @Override
  void record(Work work, List<Progress> runs) {
    checkOutputs(work);
    @Nullable Pending pending = (Pending) TransactionSynchronizationManager.getResource(this);
    Map<String, Written<?>> written = pending == null ? Map.of() : pending.written;
    try {
      lock.writeWithoutResult(() -> {
        try (JournalLock.Held _ = others.take()) {
          file.catchUp();
          JournalFile.Entry entry = file.entry(work.key());
          if (entry == null || entry.attempt() != work.attempt()) {
            throw overtaken(work);
          }
          Map<String, Long> marks = new LinkedHashMap<>();
          for (Map.Entry<String, Written<?>> output : written.entrySet()) {
            marks.put(output.getKey(), append(output.getKey(), output.getValue()));
          }
          file.appendDone(work, runs, marks);
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The journal of the work '%s' or what belongs to it cannot be written: %s"
              .formatted(work.name(), e),
          e);
    }
    if (pending != null) {
      pending.written.clear();
    }
  }

  private long append(String name, Written<?> written) throws IOException {
    Long mark = file.mark(name, written.output.place());
    if (mark == null) {
      mark = written.output.end();
      file.appendMark(name, written.output.place(), mark);
    }
    return written.append(mark);
  }
}

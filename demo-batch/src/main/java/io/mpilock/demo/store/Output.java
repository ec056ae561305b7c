/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.Journal.Entry;
import io.mpilock.demo.store.Journal.Replay;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Serializable;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The files in the output directory, and what is done of a run's work. Everything is written beside
 * its place and moved there at the very end, so that a run that fails leaves what was there before.
 * Only the master touches the files, except to write rows. Used by the thread of the job.
 */
public final class Output implements AutoCloseable {
  private static final int ROWS_AT_ONCE = 8192;

  private final Path directory;
  private @Nullable Journal journal;
  private @Nullable Work work;
  private boolean working;

  /**
   * Names the files.
   *
   * @param directory where they are to be
   */
  public Output(Path directory) {
    this.directory = directory;
  }

  /**
   * What a job is to do, which may take several runs.
   *
   * @param id when the first of its runs began, in milliseconds since 1970
   * @param input the name of the input file, for people
   * @param rows the number of its rows
   * @param digest of the input, and of all else that decides what the result is
   */
  public record Work(long id, String input, long rows, String digest) implements Serializable {}

  /**
   * Where a run begins.
   *
   * @param run this run, as it is in the stamps of its writes
   * @param done the rows of the input that need not be done again, from 0
   * @param load what they add up to
   */
  public record Start(long run, BitSet done, RankLoad load) implements Serializable {
    /** There is nothing to go on with, and without locks no run is told from another. */
    public static final Start ANEW = new Start(WriteStamp.NONE.run(), new BitSet(), RankLoad.NONE);
  }

  /** {@return the directory} */
  public Path directory() {
    return directory;
  }

  /** The results; the flights last, since they are what the job is for. */
  private List<Path> results() {
    return List.of(
        directory.resolve("report.csv"),
        directory.resolve("report.html"),
        directory.resolve("flights.h5"));
  }

  /**
   * Names an unfinished file.
   *
   * @param name of the result
   * @return the file beside it
   */
  public Path partial(String name) {
    return directory.resolve(name + ".partial");
  }

  private Path journalFile() {
    return partial("journal");
  }

  /** Makes the directory, and checks that the results can go there. */
  public void prepare() {
    try {
      Files.createDirectories(directory);
    } catch (FileAlreadyExistsException e) {
      throw new DemoException("The output " + directory + " is not a directory.", e);
    } catch (IOException e) {
      throw new DemoException(
          "The output directory " + directory + " cannot be made: " + DemoException.reason(e), e);
    }
    if (!Files.isWritable(directory)) {
      throw new DemoException("The output directory " + directory + " cannot be written.");
    }
    for (Path result : results()) {
      if (Files.isDirectory(result)) {
        throw new DemoException("The result " + result + " cannot be written: it is a directory.");
      }
    }
  }

  /**
   * Looks for work that an earlier run did not finish. On the master.
   *
   * @return the id of that work
   * @throws DemoException if the directory cannot be used, or another run is at work there
   * @throws IOException if the journal cannot be read
   */
  public Optional<Long> unfinishedWork() throws IOException {
    return Files.exists(journalFile()) ? takeJournal().work().map(Work::id) : Optional.empty();
  }

  private Journal takeJournal() throws IOException {
    Journal taken = journal;
    if (taken == null) {
      prepare();
      taken = Journal.take(journalFile());
      journal = taken;
    }
    return taken;
  }

  /**
   * Begins a run on the master: goes on with the same work of an earlier run if there is any, else
   * begins it. The HDF5 file is made anew from the journal, whatever state it is in, and gets this
   * run's stamp.
   *
   * @param wanted what the work is, with the id that it has if it is new
   * @param fresh whether to discard the work of an earlier run
   * @param file the file to make
   * @param attributes what it is to say about itself
   * @param now when this run begins, in milliseconds since 1970
   * @param stamp makes this write's stamp for a run
   * @param out for people
   * @return where the work begins
   * @throws IOException if a file cannot be written
   * @throws DemoException if there is unfinished work on another input
   */
  public Start begin(
      Work wanted,
      boolean fresh,
      FlightFile file,
      Map<String, String> attributes,
      long now,
      LongFunction<WriteStamp> stamp,
      PrintStream out)
      throws IOException {
    Journal taken = takeJournal();
    boolean isNew = taken.isEmpty();
    Optional<Work> found = fresh ? Optional.empty() : taken.work();
    if (found.isPresent() && !wanted.digest().equals(found.get().digest())) {
      throw new DemoException(
          String.format(
              Locale.ROOT,
              "There is unfinished work in %s, on another input: %s, %,d rows. Start the job with that"
                  + " input to go on with it, or with --demo.fresh=true to begin anew.",
              directory,
              found.get().input(),
              found.get().rows()));
    }
    if (found.isEmpty()) {
      if (!isNew) {
        out.println(
            fresh
                ? "The work of an earlier run is given up."
                : "The journal of an earlier run cannot be read, so the work begins anew.");
      }
      taken.begin(wanted);
    }
    work = found.orElse(wanted);
    working = true;

    BitSet done = new BitSet();
    Replay before = taken.replay(entry -> done.set(entry.first(), entry.end()));
    taken.cut(before);
    WriteStamp first = stamp.apply(Math.max(now, before.last().run() + 1));
    taken.append(first, new Entry(0, 0, List.of(), List.of()).encode());
    Files.deleteIfExists(partial("flights.h5")); // who has the old one open cannot spoil the new
    file.create(attributes, first);
    RankLoad load = refill(taken, file, first);
    if (before.rest() > 0) {
      out.printf(
          Locale.ROOT,
          "The journal ends with %,d byte(s) that are no whole chunk, as after a kill: it is done again.%n",
          before.rest());
    }
    if (!done.isEmpty()) {
      out.printf(
          Locale.ROOT,
          "Going on where an earlier run ended: %,d of %,d rows are done.%n",
          done.cardinality(),
          wanted.rows());
    }
    out.flush();
    return new Start(first.run(), done, load);
  }

  /** Writes what is in the journal to the file, and adds it up. */
  private static RankLoad refill(Journal journal, FlightFile file, WriteStamp stamp)
      throws IOException {
    RankLoad[] load = {RankLoad.NONE};
    List<FlightRow> rows = new ArrayList<>();
    journal.replay(entry -> {
      load[0] = load[0].plus(RankLoad.of(entry.rows(), entry.skipped()));
      rows.addAll(entry.rows());
      if (rows.size() >= ROWS_AT_ONCE) {
        file.append(file.encode(rows), stamp);
        rows.clear();
      }
    });
    file.append(file.encode(rows), stamp);
    return load[0];
  }

  /** Says that the unfinished files are this job's, which has no journal. On the master. */
  public void beginWithoutJournal() {
    working = true;
  }

  /**
   * Opens the journal that the master has taken. On the other ranks.
   *
   * @throws IOException if it cannot be written
   */
  public void joinJournal() throws IOException {
    if (journal == null) {
      journal = Journal.join(journalFile());
    }
  }

  /**
   * Converts a chunk to the form for {@link #append}. Needs no lock.
   *
   * @param first the first row of the input that was read for it
   * @param end the row after the last one
   * @param rows what is written of them
   * @param skipped what is skipped of them
   * @return an entry of the journal
   */
  public static byte[] encode(int first, int end, List<FlightRow> rows, List<SkippedRow> skipped) {
    return new Entry(first, end, rows, skipped).encode();
  }

  /**
   * Adds a chunk to the journal, if there is one. On all ranks, under the write lock.
   *
   * @param stamp this write
   * @param entry what {@link #encode} returned
   * @throws IOException if it cannot be written
   */
  public void append(WriteStamp stamp, byte[] entry) throws IOException {
    Journal open = journal;
    if (open != null) {
      open.append(stamp, entry);
    }
  }

  /**
   * Moves all results to their places.
   *
   * @throws IOException if one cannot be moved
   */
  public void publish() throws IOException {
    for (Path result : results()) {
      Path partial = partial(String.valueOf(result.getFileName()));
      try {
        Files.move(partial, result, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(partial, result, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    working = false;
    if (work != null) {
      Files.deleteIfExists(journalFile());
    }
    Files.deleteIfExists(partial("progress"));
  }

  /**
   * Deletes what the next run does not need, if the job has not come to its end.
   *
   * @return what is kept, for people; empty where this is not known
   */
  public String end() {
    if (!working) { // the master's to delete
      return journal != null && Files.exists(journalFile())
          ? "What was done is kept. Start the job again to go on, with any number of ranks."
          : "";
    }
    working = false;
    Work begun = work;
    Journal open = journal;
    BitSet done = new BitSet();
    if (begun != null && open != null) {
      try {
        open.replay(entry -> done.set(entry.first(), entry.end()));
      } catch (IOException e) {
        return "What was done is in " + journalFile() + ", which cannot be read now: " + e;
      }
    }
    delete("report.csv", "report.html", "progress");
    if (!done.isEmpty() && begun != null) {
      return String.format(
          Locale.ROOT,
          "%,d of %,d rows are done and kept. Start the job again to go on, with any number of ranks;"
              + " --demo.fresh=true begins anew.",
          done.cardinality(),
          begun.rows());
    }
    delete("flights.h5");
    if (begun != null) {
      delete("journal");
    }
    return "Nothing of this run is kept.";
  }

  private void delete(String... names) {
    for (String name : names) {
      try {
        Files.deleteIfExists(partial(name));
      } catch (IOException e) {
        // it stays; its name says what it is
      }
    }
  }

  /** Does what {@link #end} does, and lets other runs in. */
  @Override
  public void close() throws IOException {
    end();
    if (journal != null) {
      journal.close();
    }
  }
}

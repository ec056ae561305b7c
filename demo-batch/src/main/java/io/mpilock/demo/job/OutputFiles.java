package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.RowRanges;
import io.mpilock.demo.store.Journal;
import io.mpilock.demo.store.JournalHead;
import io.mpilock.demo.store.WriteStamp;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The files in the output directory. Everything is written beside its place and moved there at the
 * very end, so that a run that fails leaves what was there before. Only the master touches them,
 * apart from writing rows. Used by the thread of the job.
 */
final class OutputFiles implements AutoCloseable {
  private final Path directory;

  private @Nullable Journal journal;
  private @Nullable JournalHead work;
  private boolean working;

  /**
   * Names the files.
   *
   * @param directory where they are to be
   */
  OutputFiles(Path directory) {
    this.directory = directory;
  }

  Path directory() {
    return directory;
  }

  private Path flights() {
    return directory.resolve("flights.h5");
  }

  private Path csv() {
    return directory.resolve("report.csv");
  }

  private Path html() {
    return directory.resolve("report.html");
  }

  private List<Path> results() {
    return List.of(csv(), html(), flights()); // the flights last: they are what the job is for
  }

  Path partialFlights() {
    return partial(flights());
  }

  Path partialCsv() {
    return partial(csv());
  }

  Path partialHtml() {
    return partial(html());
  }

  Path board() {
    return directory.resolve("progress.partial");
  }

  private Path journalFile() {
    return directory.resolve("journal.partial");
  }

  private static Path partial(Path result) {
    return result.resolveSibling(result.getFileName() + ".partial");
  }

  /**
   * Takes the journal for this run, unless it has it. On the master.
   *
   * @throws DemoException if the directory cannot be used, or another run has the journal
   */
  Journal takeJournal() throws IOException {
    Journal taken = journal;
    if (taken == null) {
      prepare();
      taken = Journal.take(journalFile());
      journal = taken;
    }
    return taken;
  }

  /**
   * Says that the unfinished files are this job's, from now on. On the master.
   *
   * @param head what the journal is about; null if there is none
   */
  void working(@Nullable JournalHead head) {
    work = head;
    working = true;
  }

  /** Whether an earlier run has left a journal. */
  boolean hasJournal() {
    return Files.exists(journalFile());
  }

  /** Makes room for the file to be created anew. On the master. */
  void deleteFlights() throws IOException {
    Files.deleteIfExists(partialFlights());
  }

  /** Opens the journal that the master has taken. On the other ranks. */
  void joinJournal() throws IOException {
    if (journal == null) {
      journal = Journal.join(journalFile());
    }
  }

  /** Adds a chunk to the journal, if there is one. On all ranks, under the write lock. */
  void append(WriteStamp stamp, byte[] entry) throws IOException {
    Journal open = journal;
    if (open != null) {
      open.append(stamp, entry);
    }
  }

  /** Makes the directory, and checks that the results can go there. */
  void prepare() {
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

  /** Moves all results to their places. */
  void publish() throws IOException {
    for (Path result : results()) {
      try {
        Files.move(partial(result), result, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(partial(result), result, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    working = false;
    if (work != null) {
      Files.deleteIfExists(journalFile());
    }
    Files.deleteIfExists(board());
  }

  /**
   * Deletes what the next run does not need, if the job has not come to its end.
   *
   * @return what is kept, for people; empty where this is not known
   */
  String end() {
    if (!working) { // the master's to delete
      return journal != null && hasJournal()
          ? "What was done is kept. Start the job again to go on, with any number of ranks."
          : "";
    }
    working = false;
    JournalHead head = work;
    Journal open = journal;
    long done = 0;
    if (head != null && open != null) {
      try {
        RowRanges rows = new RowRanges();
        open.replay(entry -> rows.add(entry.first(), entry.end()));
        done = rows.count();
      } catch (IOException e) {
        return "What was done is in " + journalFile() + ", which cannot be read now: " + e;
      }
    }
    delete(partialCsv(), partialHtml(), board());
    if (done > 0 && head != null) {
      return String.format(
          Locale.ROOT,
          "%,d of %,d rows are done and kept. Start the job again to go on, with any number of ranks;"
              + " --demo.fresh=true begins anew.",
          done,
          head.rows());
    }
    delete(partialFlights());
    if (head != null) {
      delete(journalFile());
    }
    return "Nothing of this run is kept.";
  }

  private static void delete(Path... files) {
    for (Path file : files) {
      try {
        Files.deleteIfExists(file);
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

package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.RowRanges;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.FlightRow;
import io.mpilock.demo.store.Journal;
import io.mpilock.demo.store.Journal.Replay;
import io.mpilock.demo.store.JournalEntry;
import io.mpilock.demo.store.JournalHead;
import io.mpilock.demo.store.WriteStamp;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;

/**
 * Begins a run on the master: takes up the work of an earlier run of the same input, if there is
 * any, else begins it. The HDF5 file is made anew from the journal, whatever state it is in.
 */
final class Recovery {
  private static final int ROWS_AT_ONCE = 8192;

  private final OutputFiles output;
  private final boolean fresh;
  private final PrintStream out;

  Recovery(OutputFiles output, boolean fresh, PrintStream out) {
    this.output = output;
    this.fresh = fresh;
    this.out = out;
  }

  /**
   * Leaves the file as the journal has it, and with this run's stamp.
   *
   * @param wanted what the work is, with the id that it has if it is new
   * @param file the file to make
   * @param attributes what it is to say about itself
   * @param now when this run begins, in milliseconds since 1970
   * @param stamp gives this write's stamp for a run
   * @throws DemoException if there is unfinished work on something else
   */
  JobPlan.Earlier recover(
      JournalHead wanted,
      FlightFile file,
      Map<String, String> attributes,
      long now,
      LongFunction<WriteStamp> stamp)
      throws IOException {
    Journal journal = output.takeJournal();
    boolean isNew = journal.isEmpty();
    Optional<JournalHead> found = fresh ? Optional.empty() : journal.head();
    if (found.isPresent() && !wanted.isSameWork(found.get())) {
      throw new DemoException(
          String.format(
              Locale.ROOT,
              "There is unfinished work in %s, on another input: %s, %,d rows. Start the job with that"
                  + " input to go on with it, or with --demo.fresh=true to begin anew.",
              output.directory(),
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
      journal.begin(wanted);
    }
    output.working(found.orElse(wanted));

    RowRanges done = new RowRanges();
    Load load = new Load();
    Replay before = journal.replay(entry -> done.add(entry.first(), entry.end()));
    journal.cut(before);
    WriteStamp first = stamp.apply(Math.max(now, before.last().run() + 1));
    journal.append(first, new JournalEntry(0, 0, List.of(), List.of()).encode());
    output.deleteFlights(); // whoever has the old file open may spoil it, but not the new one
    file.create(attributes, first);
    List<FlightRow> rows = new ArrayList<>();
    journal.replay(entry -> {
      load.sum = load.sum.plus(RankLoad.of(entry.rows(), entry.skipped()));
      rows.addAll(entry.rows());
      if (rows.size() >= ROWS_AT_ONCE) {
        file.append(file.encode(rows), first);
        rows.clear();
      }
    });
    file.append(file.encode(rows), first);
    tell(before, done.count(), wanted.rows());
    return new JobPlan.Earlier(first.run(), done, load.sum);
  }

  /** What a lambda adds to. */
  private static final class Load {
    private RankLoad sum = RankLoad.NONE;
  }

  private void tell(Replay before, long done, long rows) {
    if (before.rest() > 0) {
      out.printf(
          Locale.ROOT,
          "The journal ends with %,d byte(s) that are no whole chunk, as after a kill: it is done again.%n",
          before.rest());
    }
    if (done > 0) {
      out.printf(
          Locale.ROOT,
          "Going on where an earlier run ended: %,d of %,d rows are done.%n",
          done,
          rows);
    }
    out.flush();
  }
}

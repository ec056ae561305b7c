package io.mpilock.demo.job;

import io.mpilock.demo.flight.RowRanges;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FileDescription;
import io.mpilock.demo.store.WriteStamp;
import java.io.Serializable;

/**
 * What the master found and made before the work begins; every rank gets a copy.
 *
 * @param rows the number of rows of the input
 * @param inputBytes its size, so that a rank notices when it sees another file
 * @param file the file that all ranks write
 * @param board the file of the progress board
 * @param startedMillis when the job began, in milliseconds since 1970
 * @param earlier where the work begins
 */
record JobPlan(
    long rows,
    long inputBytes,
    FileDescription file,
    String board,
    long startedMillis,
    Earlier earlier)
    implements Serializable {

  /**
   * What earlier runs of the same work did.
   *
   * @param run this run, as it is in the stamps of its writes
   * @param done the rows of the input that need not be done again
   * @param load what they add up to
   */
  record Earlier(long run, RowRanges done, RankLoad load) implements Serializable {
    /** There was none, and without locks this one is not told apart from others. */
    static final Earlier NONE = new Earlier(WriteStamp.NONE.run(), new RowRanges(), RankLoad.NONE);
  }
}

package io.mpilock.demo.job;

import io.mpilock.demo.store.FileDescription;
import java.io.Serializable;

/**
 * What the master found and made before the work begins; every rank gets a copy.
 *
 * @param rows the number of rows of the input
 * @param inputBytes its size, so that a rank notices when it sees another file
 * @param file the file that all ranks write
 * @param board the file of the progress board
 * @param startedMillis when the job began, in milliseconds since 1970
 */
record JobPlan(long rows, long inputBytes, FileDescription file, String board, long startedMillis)
    implements Serializable {}

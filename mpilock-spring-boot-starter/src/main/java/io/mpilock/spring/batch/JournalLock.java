/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Keeps processes of other jobs out of a journal while one of this job appends: a process that an
 * earlier start has left behind holds no lock of this job's. The ranks of one job take turns by
 * their own lock before they come here. The kernel gives it back when its process has ended.
 *
 * <p>On a file of its own: whoever closes the journal, which is opened for each use, would give up
 * a lock of it.
 */
record JournalLock(FileChannel channel, @Nullable FileLock lock) implements AutoCloseable {
  private static final Log LOG = LogFactory.getLog(JournalLock.class);
  private static final Duration LONGEST = Duration.ofMinutes(1);
  private static final long PAUSE_MILLIS = 5;

  /**
   * Takes it.
   *
   * @throws IOException if another process has had it for a minute, or this thread was interrupted
   */
  static JournalLock take(Path journal) throws IOException {
    Path file = journal.resolveSibling(journal.getFileName() + ".lock");
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      return new JournalLock(channel, lock(channel, file));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static @Nullable FileLock lock(FileChannel channel, Path file) throws IOException {
    long start = System.nanoTime();
    do {
      try {
        FileLock lock = channel.tryLock();
        if (lock != null) {
          return lock;
        }
      } catch (OverlappingFileLockException e) {
        // of another journal object in this process
      } catch (IOException e) {
        LOG.warn(
            "%s cannot be locked (%s): end every process of an earlier start before the next one."
                .formatted(file, e.getMessage()));
        return null;
      }
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("Interrupted while waiting for " + file, e);
      }
    } while (System.nanoTime() - start < LONGEST.toNanos());
    throw new IOException(
        "Another process, perhaps of an earlier start of the job, has had %s for %d s. End it."
            .formatted(file, LONGEST.toSeconds()));
  }

  @Override
  public void close() throws IOException {
    channel.close(); // and with it the lock
  }
}

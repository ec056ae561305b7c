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
 * earlier start has left behind takes part in no lock of this job. The ranks of one job take turns
 * by their own lock before they come here. The file system gives it back when its process, or its
 * node, is gone: on NFS after the lease, which is 90 s by default.
 *
 * <p>On a file of its own: whoever closes the journal, which is opened for each use, would give up
 * a lock of it. Used by one thread at a time.
 */
final class JournalLock {
  private static final Log LOG = LogFactory.getLog(JournalLock.class);
  private static final Duration LONGEST = Duration.ofMinutes(3);
  private static final long PAUSE_MILLIS = 5;

  private final Path file;
  private boolean worked;
  private boolean warned;

  JournalLock(Path journal) {
    file = journal.resolveSibling(journal.getFileName() + ".lock");
  }

  /** The lock, to be given back; or none, where the file system has none. */
  record Held(FileChannel channel, @Nullable FileLock lock) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      channel.close(); // and with it the lock
    }
  }

  /**
   * Takes it.
   *
   * @throws IOException if another process has had it for three minutes, or this thread was
   *     interrupted, or it cannot be taken though it could before
   */
  Held take() throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      return new Held(channel, lock(channel));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private @Nullable FileLock lock(FileChannel channel) throws IOException {
    long start = System.nanoTime();
    do {
      try {
        FileLock lock = channel.tryLock();
        if (lock != null) {
          worked = true;
          return lock;
        }
      } catch (OverlappingFileLockException e) {
        // of another journal object in this process
      } catch (IOException e) {
        if (worked) {
          throw e;
        }
        warn(e);
        return null;
      }
      pause();
    } while (System.nanoTime() - start < LONGEST.toNanos());
    throw new IOException(
        "Another process, perhaps of an earlier start of the job, has had %s for %d s. End it, or wait until the file system knows that its node is gone."
            .formatted(file, LONGEST.toSeconds()));
  }

  private void warn(IOException e) {
    if (!warned) {
      warned = true;
      LOG.warn(
          "%s cannot be locked (%s): end every process of an earlier start before the next one."
              .formatted(file, e.getMessage()));
    }
  }

  private void pause() throws IOException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while waiting for " + file, e);
    }
  }
}

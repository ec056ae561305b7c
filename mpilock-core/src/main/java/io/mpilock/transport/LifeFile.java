/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tells which processes of a host live, by what the kernel knows: each has locked its byte of a
 * file that all of them have open, and the kernel takes the lock away with the process, however
 * that ends. Process ids and /proc play no part, so namespaces and containers do not matter. For
 * transports.
 *
 * <p>The locks are the record locks of POSIX (fcntl), which a process has as a whole: its threads
 * may come and go, and its children do not inherit them. They are lost when the process closes the
 * file, or any other descriptor of it: nobody else opens it, since its name is deleted as soon as
 * all have it open. A stopped process lives.
 *
 * @since 0.1.0
 */
public final class LifeFile implements AutoCloseable {
  private static final String PREFIX = "mpilock-life-";

  private final Path name;
  private final FileChannel channel;

  /** Referred to, or Java forgets that this process has it, and a look at it would give it up. */
  private @Nullable FileLock own;

  private LifeFile(Path name, FileChannel channel) {
    this.name = name;
    this.channel = channel;
  }

  /**
   * Makes a file. On one process of the host; the others {@link #open} it.
   *
   * @return the file, only for this user, under a name that cannot be guessed
   * @throws IOException if it cannot be made
   */
  public static LifeFile create() throws IOException {
    Path name = SharedMemory.directory().resolve(PREFIX + PrivateFiles.randomName());
    return new LifeFile(
        name,
        FileChannel.open(
            name,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PrivateFiles.permissions()));
  }

  /**
   * Opens the file that another process made.
   *
   * @param name its {@link #name}
   * @return the file
   * @throws IOException if it is not there
   */
  public static LifeFile open(Path name) throws IOException {
    return new LifeFile(
        name, FileChannel.open(name, StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  /**
   * Tells how the others find it.
   *
   * @return its path
   */
  public Path name() {
    return name;
  }

  /**
   * Locks this process's byte, for as long as the process lives.
   *
   * @param place which byte
   * @throws IOException if it cannot be locked, as when another process has
   */
  public synchronized void hold(int place) throws IOException {
    own = channel.tryLock(place, 1, false);
    if (own == null) {
      throw new IOException(name + " is locked by another process at " + place);
    }
  }

  /**
   * Tells whether the process of a byte lives. Costs some microseconds.
   *
   * @param place a byte that its process has locked
   * @return false once that process has ended
   */
  public synchronized boolean isHeld(int place) {
    // Shared, so that those who look do not keep each other from seeing.
    try (FileLock lock = channel.tryLock(place, 1, true)) {
      return lock == null;
    } catch (OverlappingFileLockException thisProcess) {
      return true;
    } catch (IOException e) {
      return true; // closed, or the kernel has no room for a lock: nothing is known
    }
  }

  /**
   * Deletes the name, once all have it open.
   *
   * @throws IOException if that fails
   */
  public void deleteName() throws IOException {
    Files.deleteIfExists(name);
  }

  /** Gives it up: to the others this process looks as if it had ended. */
  @Override
  public synchronized void close() {
    try {
      channel.close();
    } catch (IOException e) {
      System.getLogger("io.mpilock")
          .log(System.Logger.Level.DEBUG, "a life file could not be closed", e);
    }
  }
}

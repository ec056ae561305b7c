/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.store.Output.Work;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What the job has done so far, in a form that a killed writer cannot spoil. HDF5 has no such form:
 * a process that ends in the middle of a write may leave a file that nobody can read. So a chunk is
 * done when it is in the journal, and a run that goes on with the work of an earlier one makes the
 * HDF5 file anew from it.
 *
 * <p>The journal is a sequence of records, each with its length and a checksum; the first says what
 * the work is, each further one is a chunk with the stamp of its writer. It is only ever appended
 * to, and what counts is the longest run of whole records from its beginning: so a record counts
 * wholly or not at all, and so does all that is behind one that is damaged. A record whose stamp is
 * not later than all before it does not count either: its writer belongs to a run that is over.
 *
 * <p>Nobody else may append at the same time: callers hold the write lock.
 */
final class Journal implements Closeable {
  private static final int FRAME_BYTES = 2 * Integer.BYTES;
  private static final int STAMP_BYTES = 2 * Long.BYTES + Integer.BYTES;
  private static final ObjectInputFilter OURS =
      ObjectInputFilter.Config.createFilter("io.mpilock.demo.**;java.base/*;!*");

  private final FileChannel channel;

  private Journal(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * A chunk that is done: the rows of the input from the first to before the end, except those that
   * were done before; what was written of them, and what was skipped.
   */
  record Entry(int first, int end, List<FlightRow> rows, List<SkippedRow> skipped)
      implements Serializable {

    /** Converts the entry to the form in which it is written. Needs no lock. */
    byte[] encode() {
      return bytes(this);
    }
  }

  /** The last stamp, where the part that counts ends, and how many bytes are behind it. */
  record Replay(WriteStamp last, long end, long rest) {}

  /**
   * Opens the journal for a run of the job, creates it if need be, and keeps other runs away until
   * it is closed or this process ends. For the master.
   *
   * @throws DemoException if another run has it
   */
  static Journal take(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      taken = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      // by this process
    } finally {
      if (!taken) {
        channel.close();
      }
    }
    if (!taken) {
      throw new DemoException(
          "Another run of the job is at work in %s; wait for its end, or end it."
              .formatted(file.getParent()));
    }
    return new Journal(channel);
  }

  /** Opens the journal that the master has taken, to append to it. */
  static Journal join(Path file) throws IOException {
    return new Journal(FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  /** Begins anew: what was in the journal is gone. */
  void begin(Work work) throws IOException {
    channel.truncate(0);
    append(bytes(work));
  }

  /** Tells a new journal from one that is there. */
  boolean isEmpty() throws IOException {
    return channel.size() == 0;
  }

  /** Reads what the journal is about; empty if it is no journal, or cannot be read. */
  Optional<Work> work() throws IOException {
    channel.position(0);
    byte @Nullable [] record = next(reader(), channel.size());
    try {
      return record != null && object(record, 0) instanceof Work work
          ? Optional.of(work)
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // of another version
    }
  }

  /** Reads each chunk that counts, in the order in which they were written. */
  Replay replay(Consumer<Entry> consumer) throws IOException {
    channel.position(0);
    long size = channel.size();
    long good = 0;
    WriteStamp last = WriteStamp.NONE;
    DataInputStream in = reader();
    byte @Nullable [] record = next(in, size);
    while (record != null) {
      if (good > 0) { // else it is the first, which is about the work
        ByteBuffer fields = ByteBuffer.wrap(record);
        WriteStamp stamp = new WriteStamp(fields.getLong(), fields.getLong(), fields.getInt());
        if (stamp.compareTo(last) > 0) {
          last = stamp;
          consumer.accept((Entry) object(record, STAMP_BYTES));
        }
      }
      good += FRAME_BYTES + record.length;
      record = next(in, size - good);
    }
    return new Replay(last, good, size - good);
  }

  /** Cuts off what does not count. */
  void cut(Replay replay) throws IOException {
    channel.truncate(replay.end());
  }

  /** Appends an encoded chunk. It is on the disk when this returns. */
  void append(WriteStamp stamp, byte[] entry) throws IOException {
    ByteBuffer record = ByteBuffer.allocate(STAMP_BYTES + entry.length);
    record.putLong(stamp.run()).putLong(stamp.token()).putInt(stamp.rank()).put(entry);
    append(record.array());
  }

  private void append(byte[] record) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(FRAME_BYTES + record.length);
    frame.putInt(record.length).putInt(checksum(record)).put(record).flip();
    long position = channel.size();
    while (frame.hasRemaining()) {
      position += channel.write(frame, position);
    }
    channel.force(false);
  }

  private DataInputStream reader() {
    return new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
  }

  /** The next whole record of at most so many bytes, or null. */
  private static byte @Nullable [] next(DataInputStream in, long left) throws IOException {
    if (left < FRAME_BYTES) {
      return null;
    }
    int length = in.readInt();
    int checksum = in.readInt();
    if (length <= 0 || length > left - FRAME_BYTES) {
      return null;
    }
    byte[] record = in.readNBytes(length);
    return record.length == length && checksum(record) == checksum ? record : null;
  }

  private static int checksum(byte[] record) {
    CRC32C crc = new CRC32C();
    crc.update(record);
    return (int) crc.getValue();
  }

  private static byte[] bytes(Serializable object) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return bytes.toByteArray();
  }

  private static Object object(byte[] record, int from) throws IOException {
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(record, from, record.length - from))) {
      in.setObjectInputFilter(OURS);
      return in.readObject();
    } catch (ClassNotFoundException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

package io.mpilock.demo.store;

import io.mpilock.demo.DemoException;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
 * <p>The journal is a row of records, each with its length and a checksum; the first says what the
 * work is, each further one is a chunk with the stamp of its writer. It is only ever added to, and
 * what counts is the longest run of whole records from its beginning: so a record counts wholly or
 * not at all, and so does all that is behind one that is damaged. A record whose stamp is not later
 * than all before it does not count either: its writer belongs to a run that is over.
 *
 * <p>Nobody else may append at the same time: callers hold the write lock.
 */
public final class Journal implements Closeable {
  private static final String FORMAT = "mpilock demo journal 1";
  private static final int FRAME_BYTES = 2 * Integer.BYTES;

  private final FileChannel channel;

  private Journal(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * What {@link #replay} found.
   *
   * @param last the last stamp; {@link WriteStamp#NONE} if there is no record
   * @param end where the part that counts ends
   * @param rest how many bytes are behind it
   */
  public record Replay(WriteStamp last, long end, long rest) {}

  /**
   * Opens the journal for a run of the job, makes it if need be, and keeps other runs away until it
   * is closed or this process ends. For the master.
   *
   * @param file the journal
   * @return the journal, empty if it is new
   * @throws DemoException if another run has it
   * @throws IOException if it cannot be written
   */
  public static Journal take(Path file) throws IOException {
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

  /**
   * Opens the journal that the master has taken, to append to it.
   *
   * @param file the journal
   * @return the journal
   * @throws IOException if it cannot be written
   */
  public static Journal join(Path file) throws IOException {
    return new Journal(FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  /**
   * Begins anew: what was in the journal is gone.
   *
   * @param head what it is about
   * @throws IOException if it cannot be written
   */
  public void begin(JournalHead head) throws IOException {
    channel.truncate(0);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeUTF(FORMAT);
    out.writeLong(head.work());
    out.writeUTF(head.input());
    out.writeLong(head.rows());
    out.writeUTF(head.digest());
    append(bytes.toByteArray());
  }

  /**
   * Tells a new journal from one that is there.
   *
   * @return whether there is nothing in it
   * @throws IOException if the file cannot be read
   */
  public boolean isEmpty() throws IOException {
    return channel.size() == 0;
  }

  /**
   * Reads what the journal is about.
   *
   * @return empty if it is no journal, or cannot be read
   * @throws IOException if the file cannot be read
   */
  public Optional<JournalHead> head() throws IOException {
    channel.position(0);
    byte @Nullable [] record = next(reader(), channel.size());
    if (record == null) {
      return Optional.empty();
    }
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(record));
    return in.readUTF().equals(FORMAT)
        ? Optional.of(new JournalHead(in.readLong(), in.readUTF(), in.readLong(), in.readUTF()))
        : Optional.empty();
  }

  /**
   * Reads what counts.
   *
   * @param consumer gets each chunk, in the order in which they were written
   * @return how it ended
   * @throws IOException if the file cannot be read
   */
  public Replay replay(Consumer<JournalEntry> consumer) throws IOException {
    channel.position(0);
    long size = channel.size();
    long good = 0;
    WriteStamp last = WriteStamp.NONE;
    DataInputStream in = reader();
    byte @Nullable [] record = next(in, size);
    boolean head = true;
    while (record != null) {
      if (!head) {
        DataInputStream fields = new DataInputStream(new ByteArrayInputStream(record));
        WriteStamp stamp = new WriteStamp(fields.readLong(), fields.readLong(), fields.readInt());
        if (stamp.compareTo(last) > 0) {
          last = stamp;
          consumer.accept(JournalEntry.read(fields));
        }
      }
      head = false;
      good += FRAME_BYTES + record.length;
      record = next(in, size - good);
    }
    return new Replay(last, good, size - good);
  }

  /**
   * Cuts off what does not count.
   *
   * @param replay what {@link #replay} returned
   * @throws IOException if the file cannot be written
   */
  public void cut(Replay replay) throws IOException {
    channel.truncate(replay.end());
  }

  /**
   * Adds a chunk. It is on the disk when this returns.
   *
   * @param stamp this write
   * @param entry what {@link JournalEntry#encode} made
   * @throws IOException if it cannot be written
   */
  public void append(WriteStamp stamp, byte[] entry) throws IOException {
    ByteBuffer record = ByteBuffer.allocate(2 * Long.BYTES + Integer.BYTES + entry.length);
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

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

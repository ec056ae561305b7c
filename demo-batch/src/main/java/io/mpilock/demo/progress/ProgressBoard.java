package io.mpilock.demo.progress;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * How many rows each rank has dealt with: a file of one 64-bit number for each rank, which that
 * rank alone writes and the master reads, and behind them one for earlier runs. It needs no lock
 * and no message, and the work does not wait for it; a number that comes late does no harm, because
 * it is only shown.
 */
public final class ProgressBoard implements Closeable {
  private final FileChannel channel;

  private ProgressBoard(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Creates the file, with a 0 for each rank.
   *
   * @param file where; replaced if it exists
   * @param ranks the number of ranks
   * @param before how many rows were dealt with before
   * @throws IOException if it cannot be written
   */
  public static void create(Path file, int ranks, long before) throws IOException {
    ByteBuffer words = ByteBuffer.allocate(Math.multiplyExact(ranks + 1, Long.BYTES));
    Files.write(file, words.putLong(ranks * Long.BYTES, before).array());
  }

  /**
   * Opens the file.
   *
   * @param file what {@link #create} made
   * @return the board
   * @throws IOException if it cannot be opened
   */
  public static ProgressBoard open(Path file) throws IOException {
    return new ProgressBoard(
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  /**
   * Publishes a rank's number.
   *
   * @param rank the caller's rank
   * @param rows how many rows it has written or skipped so far
   * @throws IOException if it cannot be written
   */
  public void publish(int rank, long rows) throws IOException {
    ByteBuffer word = ByteBuffer.allocate(Long.BYTES).putLong(rows).flip();
    channel.write(word, (long) rank * Long.BYTES);
  }

  /**
   * Adds up the numbers of all ranks.
   *
   * @return how many rows the job has written or skipped so far
   * @throws IOException if it cannot be read
   */
  public long total() throws IOException {
    ByteBuffer words = ByteBuffer.allocate(Math.toIntExact(channel.size()));
    while (words.hasRemaining() && channel.read(words, words.position()) >= 0) {
      // until the end
    }
    words.flip();
    long total = 0;
    while (words.remaining() >= Long.BYTES) {
      total += words.getLong();
    }
    return total;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

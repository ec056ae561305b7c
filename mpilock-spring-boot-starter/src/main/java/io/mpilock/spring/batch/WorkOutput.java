/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.springframework.batch.infrastructure.item.file.transform.LineAggregator;

/**
 * What all ranks append to, chunk by chunk, one rank at a time: see {@link FileWorkJournal#writer}.
 * It can be cut back to where it was after any chunk. Each call opens it and closes it, as other
 * processes use it in between.
 *
 * @param <T> the type of the items
 * @since 0.1.0
 */
public interface WorkOutput<T> {

  /**
   * Tells which output it is, for a comparison: a later start of a job goes on with the same.
   *
   * @return such as the path of its file; the same on all ranks
   */
  String place();

  /**
   * Tells where the output ends. Asked once, before the first chunk: what is there already stays.
   *
   * @return in the measure of the output, such as bytes or rows; 0 if it does not exist
   * @throws IOException if it cannot
   */
  long end() throws IOException;

  /**
   * Cuts off what is behind a mark: what a process appended that was killed before the journal had
   * it. Called before each {@link #append}, and when a job is started again.
   *
   * @param mark where it ended, as {@link #end} or {@link #append} told
   * @throws IOException if it cannot, or if the output ends before the mark
   */
  void cutBack(long mark) throws IOException;

  /**
   * Appends items. What was appended is on the disk when this returns.
   *
   * @param mark where the output ends
   * @param items in the order in which they were written
   * @return where it ends then, not less than the mark
   * @throws IOException if it cannot; the output may have grown by a part of the items
   */
  long append(long mark, List<? extends T> items) throws IOException;

  /**
   * A text file in UTF-8, with one line for each item.
   *
   * @param <T> the type of the items
   * @param file the file, by the same path on all ranks; its directory exists
   * @param line makes the line of an item, without a line feed at its end. Called when the chunk is
   *     about to be committed: what it throws fails the step, and skips no item. If an item may
   *     fail, make its line in the processor.
   * @return the output; its marks are bytes
   */
  static <T> WorkOutput<T> lines(Path file, LineAggregator<T> line) {
    return new WorkOutput<>() {
      @Override
      public String place() {
        return file.toAbsolutePath().normalize().toString();
      }

      // By opening it: NFS may have an old size of what it has not opened since.
      @Override
      public long end() throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          return channel.size();
        } catch (NoSuchFileException e) {
          return 0;
        }
      }

      @Override
      public void cutBack(long mark) throws IOException {
        long end = 0;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) { // as above
          end = channel.size();
          if (end > mark) {
            channel.truncate(mark);
          }
        } catch (NoSuchFileException e) {
          // it ends at 0
        }
        if (end < mark) {
          throw new IOException(
              "%s has %d bytes, but %d when the journal was written last. Put the file back that belongs to the journal, or begin anew without both."
                  .formatted(file, end, mark));
        }
      }

      @Override
      public long append(long mark, List<? extends T> items) throws IOException {
        StringBuilder text = new StringBuilder();
        items.forEach(item -> text.append(line.aggregate(item)).append('\n'));
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
        try (FileChannel channel = open()) {
          long end = mark;
          while (bytes.hasRemaining()) {
            end += channel.write(bytes, end);
          }
          channel.force(false);
          return end;
        }
      }

      private FileChannel open() throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      }
    };
  }
}

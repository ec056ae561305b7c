/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.AbstractResource;

/** Some bytes of a file, as a resource of their own. */
final class FileRange extends AbstractResource {
  private final Path file;
  private final RankSlice bytes;
  private final String description;

  FileRange(Path file, RankSlice bytes, String description) {
    this.file = file;
    this.bytes = bytes;
    this.description = description;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    SeekableByteChannel channel = Files.newByteChannel(file);
    try {
      channel.position(bytes.first());
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    return new Range(Channels.newInputStream(channel), bytes.count());
  }

  @Override
  public boolean exists() {
    return Files.exists(file);
  }

  @Override
  public boolean isReadable() {
    return Files.isReadable(file);
  }

  @Override
  public long contentLength() {
    return bytes.count();
  }

  @Override
  public long lastModified() throws IOException {
    return Files.getLastModifiedTime(file).toMillis();
  }

  @Override
  public String getFilename() {
    return String.valueOf(file.getFileName());
  }

  @Override
  public String getDescription() {
    return description;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FileRange range && range.file.equals(file) && range.bytes.equals(bytes);
  }

  @Override
  public int hashCode() {
    return Objects.hash(file, bytes);
  }

  /** Ends after some bytes. */
  private static final class Range extends InputStream {
    private final InputStream in;
    private long left;

    Range(InputStream in, long left) {
      this.in = in;
      this.left = left;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      if (length == 0) {
        return 0;
      }
      int count = left == 0 ? -1 : in.read(target, offset, (int) Math.min(length, left));
      left -= Math.max(0, count);
      return count;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}

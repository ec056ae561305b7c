/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The file behind a window. Its name is deleted at once, and the other ranks of the node open it by
 * the descriptor of the process that made it; the kernel frees it with the last process that maps
 * it, however that ends. Where a system has no /proc it keeps its name until all have mapped it.
 *
 * <p>What a crash in the moment before leaves behind is deleted by the next job of the user that is
 * at least ten minutes later. It is the user's alone, and its name cannot be guessed. For
 * transports.
 *
 * @since 0.1.0
 */
public final class WindowFile implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final String PREFIX = "mpilock-window-";
  private static final long PIECE = 1 << 16;
  private static final Pattern NAME = Pattern.compile(PREFIX + "[0-9a-f]{32}");
  private static final Pattern DESCRIPTOR = Pattern.compile("/proc/[0-9]+/fd/[0-9]+");
  private static final Duration MOMENT = Duration.ofMinutes(10);

  private final Path name;
  private final FileChannel channel;
  private final Path path;
  private final long bytes;

  private WindowFile(Path name, FileChannel channel, Path path, long bytes) {
    this.name = name;
    this.channel = channel;
    this.path = path;
    this.bytes = bytes;
  }

  /**
   * Makes a file of zeroes, to be closed when all have mapped it. They are written: a sparse file's
   * memory would have to be there when it is used, or that use ends the JVM.
   *
   * @param bytes its length
   * @param nameless whether all who are to map it see this process's descriptors
   * @return the file
   * @throws IOException if it cannot be made, as when there is no room
   */
  public static WindowFile create(long bytes, boolean nameless) throws IOException {
    deleteOld();
    Path name = SharedMemory.directory().resolve(PREFIX + PrivateFiles.randomName());
    FileChannel channel =
        FileChannel.open(
            name,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PrivateFiles.permissions());
    WindowFile file = new WindowFile(name, channel, name, bytes);
    try {
      Path descriptor = nameless ? descriptor(name) : null;
      if (descriptor != null) {
        file = new WindowFile(name, channel, descriptor, bytes);
        delete(name);
      }
      fill(channel, bytes);
      return file;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static void fill(FileChannel channel, long bytes) throws IOException {
    ByteBuffer zeroes = ByteBuffer.allocate((int) Math.min(bytes, PIECE));
    while (channel.position() < bytes) {
      zeroes.clear().limit((int) Math.min(PIECE, bytes - channel.position()));
      int _ = channel.write(zeroes);
    }
  }

  /**
   * Tells its length.
   *
   * @return bytes
   */
  public long bytes() {
    return bytes;
  }

  /**
   * Tells how other processes of the user find it, while this one has it open.
   *
   * @return its name, or this process's descriptor
   */
  public Path path() {
    return path;
  }

  /**
   * Opens the file that another process made, to be mapped.
   *
   * @param path what that process says is its {@link #path}
   * @param bytes what its length must be
   * @return the file, to be closed
   * @throws IOException if it is not there, is not such a file, or has another length
   */
  public static FileChannel open(String path, long bytes) throws IOException {
    String directory = SharedMemory.directory() + "/";
    boolean named =
        path.startsWith(directory) && NAME.matcher(path.substring(directory.length())).matches();
    if (named ? !PrivateFiles.isOwn(Path.of(path)) : !DESCRIPTOR.matcher(path).matches()) {
      throw new IOException(path + " is no window's file of this user's");
    }
    FileChannel channel =
        FileChannel.open(Path.of(path), StandardOpenOption.READ, StandardOpenOption.WRITE);
    if (channel.size() != bytes) {
      long found = channel.size();
      channel.close();
      throw new IOException(path + " has " + found + " bytes instead of " + bytes);
    }
    return channel;
  }

  /** Ends the ways to it; whoever has mapped it keeps it. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a window's file could not be closed", e);
    }
    delete(name);
  }

  private static @Nullable Path descriptor(Path file) throws IOException {
    if (!Files.isDirectory(DESCRIPTORS)) {
      return null;
    }
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path descriptor : descriptors) {
        if (isLinkTo(descriptor, file)) {
          String pid = Long.toString(ProcessHandle.current().pid());
          return Path.of("/proc", pid, "fd").resolve(descriptor.getFileName());
        }
      }
    }
    return null;
  }

  private static boolean isLinkTo(Path descriptor, Path file) {
    try {
      return Files.readSymbolicLink(descriptor).equals(file);
    } catch (IOException e) {
      return false; // closed since
    }
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "A window's file could not be deleted", e);
    }
  }

  private static void deleteOld() throws IOException {
    FileTime before = FileTime.from(Instant.now().minus(MOMENT));
    List<Path> old;
    try (Stream<Path> files = Files.list(SharedMemory.directory())) {
      old = files.filter(file -> file.getFileName().toString().startsWith(PREFIX)).toList();
    }
    for (Path file : old) {
      try {
        if (PrivateFiles.isOwn(file)
            && Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).compareTo(before) < 0) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "an old window could not be deleted", e);
      }
    }
  }
}

package io.mpilock.transport.mpj;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The file behind a window. It has a name only until all ranks of the node have mapped it; then the
 * kernel frees it with the last process that maps it, however that ends.
 *
 * <p>A crash in the moment before leaves a file behind, which is deleted by the next job of the
 * user that is at least ten minutes later. It is the user's alone, and its name cannot be guessed.
 */
final class WindowFile {
  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final String PREFIX = "mpilock-mpj-";
  private static final Duration MOMENT = Duration.ofMinutes(10);

  private WindowFile() {}

  /** Where windows are: in memory where the system offers that, else among the temporary files. */
  static Path directory() {
    return Files.isDirectory(MEMORY) && Files.isWritable(MEMORY)
        ? MEMORY
        : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /** Makes a file of zeroes, sparse. */
  static Path create(long bytes) throws IOException {
    deleteOld();
    Path path = directory().resolve(PREFIX + HexFormat.of().formatHex(JobToken.nonce()));
    try (FileChannel channel =
        FileChannel.open(
            path,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PrivateDirectory.file())) {
      // Mapping makes it as long as it has to be.
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment _ = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
      }
    } catch (IOException | RuntimeException e) {
      delete(path);
      throw e;
    }
    return path;
  }

  static MemorySegment map(Path path, long bytes, Arena arena) throws IOException {
    if (!PrivateDirectory.isOwn(path)) {
      throw new IOException(path + " is not this user's file");
    }
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      if (channel.size() != bytes) {
        throw new IOException(path + " has " + channel.size() + " bytes instead of " + bytes);
      }
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
    }
  }

  static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "A window's file could not be deleted", e);
    }
  }

  private static void deleteOld() throws IOException {
    FileTime before = FileTime.from(Instant.now().minus(MOMENT));
    List<Path> old;
    try (Stream<Path> files = Files.list(directory())) {
      old = files.filter(file -> file.getFileName().toString().startsWith(PREFIX)).toList();
    }
    for (Path file : old) {
      try {
        if (PrivateDirectory.isOwn(file)
            && Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).compareTo(before) < 0) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "an old window could not be deleted", e);
      }
    }
  }
}

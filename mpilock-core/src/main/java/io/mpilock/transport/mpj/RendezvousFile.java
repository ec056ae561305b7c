/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.PrivateFiles;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where rank 0 tells the others where it waits, and the job's token: a file in a {@link
 * PrivateDirectory}, there from rank 0's start until all ranks have joined.
 *
 * <p>It is written beside and moved, so that nobody reads half of it; one that a crash left behind
 * is written over by the next job of the same name, or deleted after a day.
 */
final class RendezvousFile {
  /** What the file says. */
  record Place(InetSocketAddress address, JobToken token) {}

  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final String MARK = "mpilock rendezvous 1";
  private static final String PREFIX = "rendezvous-";
  private static final int LONGEST = 4096;
  private static final Duration KEEP = Duration.ofDays(1);

  private final Path directory;
  private final Path path;

  RendezvousFile(Path directory, String job) {
    this.directory = directory;
    path = directory.resolve(PREFIX + job);
  }

  Path path() {
    return path;
  }

  void publish(InetAddress host, int port, JobToken token) throws IOException {
    deleteOld();
    String text =
        String.join("\n", MARK, host.getHostAddress(), Integer.toString(port), token.text(), "");
    Path draft = path.resolveSibling(path.getFileName() + "." + ProcessHandle.current().pid());
    Files.deleteIfExists(draft);
    try (SeekableByteChannel channel =
        Files.newByteChannel(
            draft,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PrivateFiles.permissions())) {
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
    Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Reads what rank 0 wrote.
   *
   * @return empty if it has not yet
   * @throws IOException if the file cannot be read, or is none that rank 0 would write
   */
  Optional<Place> read() throws IOException {
    byte[] bytes;
    list();
    try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
      if (!PrivateFiles.isOwn(path)) {
        throw new IOException(path + " is not this user's");
      }
      bytes = in.readNBytes(LONGEST);
    } catch (NoSuchFileException notYet) {
      return Optional.empty();
    }
    List<String> lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
    if (lines.size() != 4 || !lines.getFirst().equals(MARK)) {
      throw new IOException(path + " is not a rendezvous of this version");
    }
    try {
      InetAddress host = InetAddress.ofLiteral(lines.get(1)); // asks no name server
      int port = Integer.parseInt(lines.get(2));
      String token = lines.get(3);
      if (port < 1 || token.length() < JobToken.SHORTEST) {
        throw new IOException(path + " has no port, or no token");
      }
      return Optional.of(new Place(new InetSocketAddress(host, port), JobToken.of(token)));
    } catch (IllegalArgumentException e) {
      throw new IOException(path + " says no address", e);
    }
  }

  /**
   * Lets a client of NFS ask the server for news. It keeps for up to a minute that a name is not
   * there (nfs(5), lookupcache and acdirmax), but asks whether a directory has changed when that is
   * opened, and forgets what it kept if so.
   */
  private void list() throws IOException {
    try (DirectoryStream<Path> names = Files.newDirectoryStream(directory)) {
      boolean _ = names.iterator().hasNext(); // read from the server, not only opened
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  /** Deletes it, if it is still what this rank published. */
  void withdraw(JobToken token) {
    try {
      Optional<Place> now = read();
      if (now.isPresent() && now.get().token().text().equals(token.text())) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "the rendezvous could not be withdrawn", e);
    }
  }

  private void deleteOld() throws IOException {
    FileTime before = FileTime.from(Instant.now().minus(KEEP));
    List<Path> old;
    try (Stream<Path> files = Files.list(directory)) {
      old = files.filter(file -> file.getFileName().toString().startsWith(PREFIX)).toList();
    }
    for (Path file : old) {
      try {
        if (Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).compareTo(before) < 0) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "an old rendezvous could not be deleted", e);
      }
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Launcher;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This process's claim to be its rank, made before MPI is initialised, which would end the process
 * without a word that helps if the claim is wrong.
 *
 * <p>A rank's child has the launcher's variables, too. MPICH's ranks have a connection to the
 * launcher, whose descriptor a child of Java's has not. For Open MPI's the claim is a file in the
 * directory that the launcher makes for the job on each host, and deletes: the rank locks it as
 * long as its process lives. It says in which space of process ids the rank is, which the others
 * look at before the first message.
 */
final class Claim {
  private static final String PREFIX = "mpilock-rank-";
  private static final Path SPACE = Path.of("/proc/self/ns/pid");
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

  /** The launcher's own directory, of Open MPI 4.1's and of others that speak PMIx. */
  private static final List<String> DIRECTORIES =
      List.of("OMPI_MCA_orte_jobfam_session_dir", "PMIX_SERVER_TMPDIR");

  /** Never closed: the lock is to be held to the end of the process. Its files are the job's. */
  private final @Nullable Held held;

  private record Held(Path directory, String job, Path file, FileChannel channel, FileLock lock) {}

  private Claim(@Nullable Held held) {
    this.held = held;
  }

  /**
   * Claims the rank that the launcher gave, before MPI is initialised.
   *
   * @throws StartupException if another process is that rank already
   */
  static Claim make(@Nullable Launcher launcher, Map<String, String> environment) {
    if (launcher == null || launcher.name() == Launcher.Kind.BY_HAND) {
      return new Claim(null);
    }
    if (launcher.name() == Launcher.Kind.HYDRA) { // under others it may be left from outside
      checkConnection(launcher, environment.get("PMI_FD"));
    }
    String namespace = environment.get("PMIX_NAMESPACE");
    Path directory = directory(environment);
    if (namespace == null || directory == null) {
      return new Claim(null);
    }
    String job = PREFIX + namespace.replaceAll("[^A-Za-z0-9._-]", "_") + "-";
    Path file = directory.resolve(job + launcher.rank());
    try {
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw taken(launcher, "which still runs");
      }
      ByteBuffer text = StandardCharsets.UTF_8.encode(space());
      int _ = channel.truncate(0).write(text, 0);
      return new Claim(new Held(directory, job, file, channel, lock));
    } catch (OverlappingFileLockException e) {
      return new Claim(null); // this process itself, whose first start of MPI failed
    } catch (IOException e) {
      return new Claim(null); // nothing is known then
    }
  }

  private static @Nullable Path directory(Map<String, String> environment) {
    for (String variable : DIRECTORIES) {
      String name = environment.get(variable);
      if (name != null && !name.isBlank()) {
        Path directory = Path.of(name);
        if (Files.isDirectory(directory) && Files.isWritable(directory)) {
          return directory;
        }
      }
    }
    return null;
  }

  /** A descriptor that is named and not there was closed on the way: this is no rank itself. */
  private static void checkConnection(Launcher launcher, @Nullable String descriptor) {
    if (descriptor != null
        && descriptor.matches("[0-9]{1,9}")
        && !isSocket(DESCRIPTORS.resolve(descriptor))) {
      throw taken(
          launcher,
          "which has the connection to the launcher (PMI_FD=%s); here it is closed"
              .formatted(descriptor));
    }
  }

  /** The number may have been given to a file since. */
  private static boolean isSocket(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
    } catch (NoSuchFileException e) {
      return !Files.isDirectory(DESCRIPTORS); // then there is no such system
    } catch (IOException | UnsupportedOperationException e) {
      return true; // nothing is known then
    }
  }

  private static StartupException taken(Launcher launcher, String which) {
    return new StartupException(
        Problem.RANK_TAKEN,
        "The environment makes this process (pid %d) rank %d, by %s, but another process has that place, %s."
            .formatted(ProcessHandle.current().pid(), launcher.rank(), launcher.name(), which),
        "A process that a rank starts is not a rank. Start it without the"
            + " launcher's variables and with mpilock.transport=local, or let the rank"
            + " itself take the locks. If this process is the rank and a wrapper starts"
            + " it, let the wrapper exec it and keep its files open (sudo closes them).");
  }

  /**
   * Looks whether Open MPI's ranks of this host can send to each other through shared memory. When
   * all of them have claimed their places, as behind MPI_Init, and before the first message, which
   * would end the JVM.
   *
   * @param openMpi whether the MPI library is Open MPI
   * @throws StartupException on each of these ranks, if they cannot
   */
  void checkSpaces(boolean openMpi) {
    if (held == null || !openMpi) {
      return;
    }
    Set<String> spaces = new HashSet<>();
    List<Path> claims = new ArrayList<>();
    try (Stream<Path> files = Files.list(held.directory)) {
      files
          .filter(file -> String.valueOf(file.getFileName()).startsWith(held.job))
          .forEach(claims::add);
      for (Path claim : claims) {
        // The own one is not opened anew: closing it would give up the lock.
        spaces.add(claim.equals(held.file) ? space() : Files.readString(claim));
      }
    } catch (IOException e) {
      return; // nothing is known then
    }
    spaces.remove("");
    if (spaces.size() > 1) {
      throw new StartupException(
          Problem.RANKS_APART,
          ("The ranks of this host are in different PID namespaces (%d for %d ranks),"
                  + " where Open MPI's shared memory ends the process with a segmentation fault"
                  + " at the first message.")
              .formatted(spaces.size(), claims.size()),
          "Start the ranks of a host in one PID namespace (for containers: one for"
              + " all ranks of a host, or the host's, --pid=host), or use MPICH, or"
              + " mpilock.transport=mpj.");
    }
  }

  private static String space() {
    try {
      return Files.readSymbolicLink(SPACE).toString();
    } catch (IOException | UnsupportedOperationException e) {
      return "";
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.LifeFile;
import io.mpilock.transport.Member;
import io.mpilock.transport.SharedMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * Who the ranks of MPI_COMM_WORLD are, gathered once. A rank's record, in bytes:
 *
 * <pre>
 *   0        8        16       20
 *   | pid    | node   | length | host, UTF-8, to {@value #RECORD} |
 * </pre>
 *
 * <p>Which ranks of this node live, the node's {@link LifeFile} tells: a rank's place in it is its
 * rank in the world.
 */
final class Roster {
  private static final int HEAD = 20;
  private static final int RECORD = HEAD + 256;

  private final int self;
  private final LifeFile lives;
  private final long[] pids;
  private final long[] nodeLeaders;
  private final String[] hosts;

  /** 1 for a rank that was found dead, by this process or by {@link #lose}. */
  private final AtomicIntegerArray lost;

  private Roster(int self, int size, LifeFile lives) {
    this.self = self;
    this.lives = lives;
    pids = new long[size];
    nodeLeaders = new long[size];
    hosts = new String[size];
    lost = new AtomicIntegerArray(size);
  }

  /** Gathers the records of a communicator. Collective; on the {@link MpiThread}. */
  static Roster gather(Mpi mpi, long comm) {
    int self = mpi.rank(comm);
    long nodeComm = mpi.splitByNode(comm);
    // Ranks of a node are told by the lowest rank on it.
    long leader = Arrays.stream(mpi.allgather(nodeComm, (long) self)).min().orElse(self);
    LifeFile lives;
    try {
      lives = shareLives(mpi, comm, nodeComm, self);
    } finally {
      mpi.freeComm(nodeComm);
    }

    byte[] host = mpi.processorName().getBytes(StandardCharsets.UTF_8);
    int length = Math.min(host.length, RECORD - HEAD);
    ByteBuffer record = ByteBuffer.allocate(RECORD);
    record.putLong(ProcessHandle.current().pid());
    record.putLong(leader).putInt(length).put(host, 0, length);

    ByteBuffer all = ByteBuffer.wrap(mpi.allgather(comm, record.array()));
    Roster roster = new Roster(self, all.capacity() / RECORD, lives);
    for (int rank = 0; rank < roster.size(); rank++) {
      all.position(rank * RECORD);
      roster.pids[rank] = all.getLong();
      roster.nodeLeaders[rank] = all.getLong();
      int hostLength = all.getInt();
      roster.hosts[rank] =
          new String(all.array(), all.position(), hostLength, StandardCharsets.UTF_8);
    }
    return roster;
  }

  /** Opens the node's file on each of its ranks, and locks this rank's place in it. */
  private static LifeFile shareLives(Mpi mpi, long comm, long nodeComm, int self) {
    LifeFile file = null;
    String failure = null;
    boolean maker = mpi.rank(nodeComm) == 0;
    try {
      file = maker ? LifeFile.create() : null;
    } catch (IOException e) {
      failure = e.toString();
    }
    String name = text(mpi, nodeComm, file == null ? "" : file.name().toString());
    try {
      if (!maker && !name.isEmpty()) {
        file = LifeFile.open(Path.of(name));
      }
      if (file != null) {
        file.hold(self);
      }
    } catch (IOException e) {
      failure = e.toString();
    }
    boolean ready = file != null && failure == null;
    long[] all = mpi.allgather(comm, ready ? 1L : 0L); // behind which all have it open
    if (maker && file != null) {
      deleteName(file);
    }
    for (int rank = 0; rank < all.length; rank++) {
      if (all[rank] == 0) {
        if (file != null) {
          file.close();
        }
        throw noLives(rank, failure);
      }
    }
    return Objects.requireNonNull(file);
  }

  /** What the lowest rank of a communicator says. */
  private static String text(Mpi mpi, long comm, String mine) {
    byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
    ByteBuffer padded = ByteBuffer.allocate(4096).put(bytes);
    byte[] all = mpi.allgather(comm, padded.array());
    int length = 0;
    while (length < padded.capacity() && all[length] != 0) {
      length++;
    }
    return new String(all, 0, length, StandardCharsets.UTF_8);
  }

  private static void deleteName(LifeFile file) {
    try {
      file.deleteName();
    } catch (IOException e) {
      System.getLogger("io.mpilock")
          .log(System.Logger.Level.WARNING, "A file could not be deleted", e);
    }
  }

  private static StartupException noLives(int rank, @Nullable String failure) {
    return new StartupException(
        Problem.NO_WINDOW,
        ("The ranks of a node have no file in common in %s, by which each could"
                + " check whether the others are alive: rank %d could not open and lock it%s.")
            .formatted(
                SharedMemory.directory(),
                rank,
                failure == null ? ", and says why" : " (" + failure + ")"),
        "Give the ranks of a host the same /dev/shm, or where there is none the same directory for"
            + " temporary files (java.io.tmpdir).");
  }

  int size() {
    return pids.length;
  }

  /** This rank. */
  int self() {
    return self;
  }

  /** The rank that stands for the node of a rank. */
  long node(int rank) {
    return nodeLeaders[rank];
  }

  /** Describes a rank of the world as a rank of another communicator. */
  Member member(int rank, int rankThere, int nodeThere) {
    return new Member(rankThere, nodeThere, hosts[rank], pids[rank]);
  }

  /** Whether the ranks are on several nodes. */
  boolean spansNodes() {
    return Arrays.stream(nodeLeaders).anyMatch(leader -> leader != nodeLeaders[self]);
  }

  /** Says that a rank was found dead by other means than this process has. */
  void lose(int rank) {
    lost.set(rank, 1);
  }

  boolean isLost(int rank) {
    return lost.get(rank) != 0;
  }

  /** Whether a rank lives, as far as this process can see: of other nodes' it has to be told. */
  boolean isAlive(int rank) {
    if (isLost(rank)) {
      return false;
    }
    if (rank != self && nodeLeaders[rank] == nodeLeaders[self] && !lives.isHeld(rank)) {
      lose(rank);
      return false;
    }
    return true;
  }

  /** Gives the file up, when nobody looks any more. */
  void close() {
    lives.close();
  }
}

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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Who the ranks of MPI_COMM_WORLD are, gathered once. A rank's record, in bytes:
 *
 * <pre>
 *   0        8        16       20             {@value #KERNEL_AT}
 *   | pid    | node   | length | host, UTF-8 | the kernel and the space of process ids, {@value #KERNEL} |
 * </pre>
 *
 * <p>Which ranks of this node live, the node's {@link LifeFile} tells: a rank's place in it is its
 * rank in the world.
 */
final class Roster {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private static final String CAUSE =
      "{0} says that the {1} ranks on host {2} are on {3} nodes. So does MPICH 5 if it was built"
          + " for UCX without shared memory (--with-device=ch4:ucx, which no variable changes;"
          + " --with-ch4-shmmods=posix or ch4:ofi does), and any MPICH with MPIR_CVAR_NOLOCAL or"
          + " MPIR_CVAR_NUM_CLIQUES. ";
  private static final String JOINED =
      CAUSE
          + "They share memory in {5}, as was tried: mpilock takes them for one node,"
          + " with a file there as its window. MPI''s own messages between them stay slow.";
  private static final String APART =
      CAUSE
          + "By what they share in {5} they are on {4} nodes: locks between these go through messages,"
          + " which is slow. Give the ranks of a host the same {5} (for containers: --ipc=host, or"
          + " one container for all ranks of a host).";

  private static final int HEAD = 20;
  private static final int KERNEL_AT = HEAD + 256;
  private static final int KERNEL = 128;
  private static final int RECORD = KERNEL_AT + KERNEL;

  private final int self;
  private final long[] pids;
  private final long[] nodeLeaders;
  private final String[] hosts;
  private final Kernel[] kernels;

  /** Of the node that this rank is found to be on; set once, before others see this. */
  private @Nullable LifeFile lives;

  /** Whether MPI takes ranks of a node for ranks of different nodes. */
  private boolean joined;

  /** 1 for a rank that was found dead, by this process or by {@link #lose}. */
  private final AtomicIntegerArray lost;

  private Roster(int self, int size) {
    this.self = self;
    pids = new long[size];
    nodeLeaders = new long[size];
    hosts = new String[size];
    kernels = new Kernel[size];
    lost = new AtomicIntegerArray(size);
  }

  /** Gathers the records of a communicator. Collective; on the {@link MpiThread}. */
  static Roster gather(Mpi mpi, long comm) {
    int self = mpi.rank(comm);
    long nodeComm = mpi.splitByNode(comm);
    // Ranks of a node are told by the lowest rank on it.
    long leader;
    try {
      leader = Arrays.stream(mpi.allgather(nodeComm, (long) self)).min().orElse(self);
    } finally {
      mpi.freeComm(nodeComm);
    }
    Roster roster = exchange(mpi, comm, self, leader);
    roster.join(mpi, comm);
    roster.shareLives(mpi, comm);
    return roster;
  }

  private static Roster exchange(Mpi mpi, long comm, int self, long leader) {
    byte[] host = mpi.processorName().getBytes(StandardCharsets.UTF_8);
    int length = Math.min(host.length, KERNEL_AT - HEAD);
    ByteBuffer record = ByteBuffer.allocate(RECORD);
    record.putLong(ProcessHandle.current().pid());
    record.putLong(leader).putInt(length).put(host, 0, length);
    Kernel.ofThisProcess().put(record.position(KERNEL_AT).slice());

    ByteBuffer all = ByteBuffer.wrap(mpi.allgather(comm, record.array()));
    Roster roster = new Roster(self, all.capacity() / RECORD);
    for (int rank = 0; rank < roster.size(); rank++) {
      all.position(rank * RECORD);
      roster.pids[rank] = all.getLong();
      roster.nodeLeaders[rank] = all.getLong();
      int hostLength = Math.clamp(all.getInt(), 0, KERNEL_AT - HEAD);
      roster.hosts[rank] =
          new String(all.array(), all.position(), hostLength, StandardCharsets.UTF_8);
      roster.kernels[rank] = Kernel.get(all.slice(rank * RECORD + KERNEL_AT, KERNEL));
    }
    return roster;
  }

  /** Puts ranks on one node that MPI takes for ranks of different ones, if they share memory. */
  private void join(Mpi mpi, long comm) {
    List<String> places = new ArrayList<>();
    for (int rank = 0; rank < size(); rank++) {
      String boot = kernels[rank].boot();
      places.add(boot.isEmpty() ? "" : hosts[rank] + "\n" + boot);
    }
    SharedMemoryProbe probe = new SharedMemoryProbe(mpi, comm, places, nodeLeaders.clone());
    long[] found = probe.find();
    joined = !Arrays.equals(found, nodeLeaders);
    if (self == 0 && probe.sawApart()) {
      tellApart(mpi.library().version(), found);
    }
    System.arraycopy(found, 0, nodeLeaders, 0, found.length);
  }

  /** Says once what MPI gets wrong, of the first host that it is seen on. */
  private void tellApart(String version, long[] found) {
    for (int rank = 0; rank < size(); rank++) {
      String host = hosts[rank];
      Set<Long> said = new TreeSet<>();
      Set<Long> shared = new TreeSet<>();
      int ranks = 0;
      for (int other = 0; other < size(); other++) {
        if (hosts[other].equals(host) && kernels[other].boot().equals(kernels[rank].boot())) {
          said.add(nodeLeaders[other]);
          shared.add(found[other]);
          ranks++;
        }
      }
      if (said.size() > 1) {
        String first = version.lines().findFirst().orElse(version);
        LOG.log(
            System.Logger.Level.WARNING,
            shared.size() == 1 ? JOINED : APART,
            first,
            ranks,
            host,
            said.size(),
            shared.size(),
            SharedMemory.directory());
        return;
      }
    }
  }

  /** The communicator of the ranks of this one that are on this rank's node. Collective. */
  long splitByNode(Mpi mpi, long comm) {
    return joined
        ? mpi.split(comm, (int) nodeLeaders[self], mpi.rank(comm))
        : mpi.splitByNode(comm);
  }

  /**
   * Whether a node's window has to be a file of mpilock's own, the same on all ranks of the job:
   * MPI refuses to share memory between ranks that it takes for ranks of different nodes.
   */
  boolean isJoined() {
    return joined;
  }

  /**
   * Whether the ranks of this rank's node see each other's process ids; the same on all of them.
   */
  boolean seesProcesses() {
    return IntStream.range(0, size())
        .filter(rank -> nodeLeaders[rank] == nodeLeaders[self])
        .allMatch(rank -> kernels[rank].equals(kernels[self]) && !kernels[rank].ids().isEmpty());
  }

  /** Opens the node's file on each of its ranks, and locks this rank's place in it. */
  private void shareLives(Mpi mpi, long comm) {
    long nodeComm = splitByNode(mpi, comm);
    try {
      lives = shareLives(mpi, comm, nodeComm, self);
    } finally {
      mpi.freeComm(nodeComm);
    }
  }

  private static LifeFile shareLives(Mpi mpi, long comm, long nodeComm, int self) {
    LifeFile file = null;
    String failure = null;
    boolean maker = mpi.rank(nodeComm) == 0;
    try {
      file = maker ? LifeFile.create() : null;
    } catch (IOException e) {
      failure = e.toString();
    }
    String name = mpi.firstText(nodeComm, file == null ? "" : file.name().toString());
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
    if (rank != self && nodeLeaders[rank] == nodeLeaders[self] && !lives().isHeld(rank)) {
      lose(rank);
      return false;
    }
    return true;
  }

  private LifeFile lives() {
    return Objects.requireNonNull(lives);
  }

  /** Gives the file up, when nobody looks any more. */
  void close() {
    lives().close();
  }
}

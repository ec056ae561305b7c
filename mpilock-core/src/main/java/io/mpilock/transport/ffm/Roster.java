package io.mpilock.transport.ffm;

import io.mpilock.transport.Member;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Who the ranks of MPI_COMM_WORLD are, gathered once. A rank's record, in bytes:
 *
 * <pre>
 *   0        8         16         24        32      36
 *   | pid    | start   | id space | node    | length | host, UTF-8, to {@value #RECORD} |
 * </pre>
 */
final class Roster {
  private static final int RECORD = 36 + 256;

  private final int self;
  private final PeerWatch[] watches;
  private final long[] idSpaces;
  private final long[] nodeLeaders;
  private final String[] hosts;

  /** 1 for a rank that {@link #lose} told of. */
  private final AtomicIntegerArray lost;

  private Roster(int self, int size) {
    this.self = self;
    watches = new PeerWatch[size];
    idSpaces = new long[size];
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
    mpi.freeComm(nodeComm);

    long pid = ProcessHandle.current().pid();
    byte[] host = mpi.processorName().getBytes(StandardCharsets.UTF_8);
    int length = Math.min(host.length, RECORD - 36);
    ByteBuffer record = ByteBuffer.allocate(RECORD);
    record.putLong(pid).putLong(Processes.startTime(pid)).putLong(Processes.idSpace());
    record.putLong(leader).putInt(length).put(host, 0, length);

    ByteBuffer all = ByteBuffer.wrap(mpi.allgather(comm, record.array()));
    Roster roster = new Roster(self, all.capacity() / RECORD);
    for (int rank = 0; rank < roster.size(); rank++) {
      all.position(rank * RECORD);
      roster.watches[rank] = new PeerWatch(all.getLong(), all.getLong());
      roster.idSpaces[rank] = all.getLong();
      roster.nodeLeaders[rank] = all.getLong();
      int hostLength = all.getInt();
      roster.hosts[rank] =
          new String(all.array(), all.position(), hostLength, StandardCharsets.UTF_8);
    }
    return roster;
  }

  int size() {
    return watches.length;
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
    return new Member(rankThere, nodeThere, hosts[rank], watches[rank].pid());
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
    boolean visible = nodeLeaders[rank] == nodeLeaders[self] && idSpaces[rank] == idSpaces[self];
    return rank == self || !visible || watches[rank].isAlive();
  }

  /** Gives back what the watching took. */
  void close() {
    for (PeerWatch watch : watches) {
      watch.close();
    }
  }
}

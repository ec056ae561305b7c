/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.bench.BenchRanks;
import io.mpilock.transport.Communicator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A rank with a client of each peer. Where the servers are comes by system properties.
 *
 * @param world the ranks
 * @param controller mpilock's, over them; also brings them together
 * @param peers mpilock first
 */
record PeerRanks(Communicator world, WindowController controller, List<Peer> peers)
    implements AutoCloseable {
  static final String REDIS = "bench.redis";
  static final String ZOO_KEEPER = "bench.zookeeper";
  static final String HAZELCAST = "bench.hazelcast";
  static final String POSTGRES = "bench.postgres";
  static final String FILE = "bench.file";

  /** Words of the window that only the measured has; each on a line of its own. */
  static final long COUNTER_WORD = 32;

  private static final long LOCK_WORD = 64;

  /** Collective. */
  static PeerRanks open() throws Exception {
    Communicator world = BenchRanks.open();
    WindowController controller =
        BenchRanks.sync(
            world,
            ControllerOptions.defaults().withStallWarning(ControllerOptions.LONGEST_DURATION));
    List<Peer> peers = new ArrayList<>();
    peers.add(LocalPeers.mpilock(controller));
    peers.add(LocalPeers.compareAndSet(BenchRanks.lonelyWindow(), LOCK_WORD));
    peers.add(LocalPeers.reentrant(false));
    peers.add(LocalPeers.reentrant(true));
    peers.add(LocalPeers.stamped());
    peers.add(LocalPeers.file(Path.of(System.getProperty(FILE))));
    peers.add(ServerPeers.redisson(Integer.getInteger(REDIS)));
    peers.add(ServerPeers.hazelcast(Integer.getInteger(HAZELCAST)));
    peers.add(ServerPeers.advisory(System.getProperty(POSTGRES)));
    peers.add(ServerPeers.jdbcRegistry(System.getProperty(POSTGRES)));
    peers.add(ServerPeers.curator(Integer.getInteger(ZOO_KEEPER)));
    return new PeerRanks(world, controller, peers);
  }

  /** Waits for all ranks, those that wait quietly. Collective. */
  void meet() {
    controller.resource("meeting").singleWrite(() -> true);
  }

  @Override
  public void close() throws Exception {
    meet();
    for (Peer peer : peers) {
      peer.close();
    }
    controller.close();
    world.close();
  }
}

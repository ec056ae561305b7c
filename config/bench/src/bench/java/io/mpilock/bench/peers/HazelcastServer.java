/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;

/** A cluster of one member on the loopback address, which looks for no others and tells nobody. */
public final class HazelcastServer {
  static final String CLUSTER = "mpilock-bench";

  private HazelcastServer() {}

  /**
   * Runs until it is ended.
   *
   * @param args the port
   */
  public static void main(String[] args) {
    Config config = new Config();
    config.setClusterName(CLUSTER);
    config.setProperty("hazelcast.phone.home.enabled", "false");
    config.setProperty("hazelcast.socket.bind.any", "false");
    config.setProperty("hazelcast.logging.type", "slf4j");
    config.getNetworkConfig().setPort(Integer.parseInt(args[0])).setPortAutoIncrement(false);
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    JoinConfig join = config.getNetworkConfig().getJoin();
    join.getMulticastConfig().setEnabled(false);
    join.getAutoDetectionConfig().setEnabled(false);
    HazelcastInstance member = Hazelcast.newHazelcastInstance(config);
    System.out.println(member.getName() + " runs");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.HostNetworks;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An address of this host that the others can reach: the one that the host's own name stands for;
 * else the first of a network that is not inside this host; else, with a warning, one that is.
 *
 * @param network the name of its network interface
 * @param isInner whether only this host's containers or virtual machines are on that network
 * @param address the address
 */
record OutwardAddress(String network, boolean isInner, InetAddress address) {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  /**
   * Chooses one.
   *
   * @return empty if there is none but loopback
   * @throws SocketException if the system does not list them
   */
  static Optional<InetAddress> find() throws SocketException {
    Optional<OutwardAddress> chosen = choose(all(), ownNames());
    chosen
        .filter(OutwardAddress::isInner)
        .ifPresent(inner ->
            LOG.log(
                System.Logger.Level.WARNING,
                "Rank 0 waits for the other ranks at {0}, the address of {1}, which is a network"
                    + " of containers or virtual machines inside this host. It has no other"
                    + " address, and ranks on other hosts may not reach this one. If they do not"
                    + " join, set mpilock.mpj.rendezvous to HOST:PORT of an address that they"
                    + " reach, and mpilock.mpj.token.",
                inner.address.getHostAddress(),
                inner.network));
    return chosen.map(OutwardAddress::address);
  }

  /**
   * Chooses one of these.
   *
   * @param named what the host's name stands for, or null
   */
  static Optional<OutwardAddress> choose(List<OutwardAddress> all, @Nullable InetAddress named) {
    return all.stream()
        .filter(each -> !each.address.isLoopbackAddress())
        .filter(each -> !each.address.isLinkLocalAddress() || each.address.equals(named))
        .min(
            Comparator.comparing(OutwardAddress::isInner)
                .thenComparing(each -> !each.address.equals(named))
                .thenComparing(each -> !(each.address instanceof Inet4Address)));
  }

  private static List<OutwardAddress> all() throws SocketException {
    List<OutwardAddress> all = new ArrayList<>();
    for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
      if (isUp(network)) {
        boolean inner = HostNetworks.isInner(network);
        network
            .inetAddresses()
            .forEach(address -> all.add(new OutwardAddress(network.getName(), inner, address)));
      }
    }
    return all;
  }

  private static boolean isUp(NetworkInterface network) {
    try {
      return network.isUp();
    } catch (SocketException e) {
      return false;
    }
  }

  private static @Nullable InetAddress ownNames() {
    try {
      return InetAddress.getLocalHost();
    } catch (UnknownHostException e) {
      return null; // a name that only the launcher knows
    }
  }
}

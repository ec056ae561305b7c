/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.HostNetworks;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.UnknownHostException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where processes of other hosts may be reached: addresses of this host, and which of them another
 * host reaches. As bytes: how many, then for each the length of the address, the address, and a
 * port of two bytes.
 */
final class Places {
  private static final int MOST = 8;
  private static final int ANY_PORT = 9; // no datagram is ever sent there

  private Places() {}

  /** The addresses of this host that another one may know. */
  static List<InetSocketAddress> ofThisHost() throws IOException {
    List<InetSocketAddress> places = new ArrayList<>();
    for (InterfaceAddress address : interfaceAddresses()) {
      places.add(new InetSocketAddress(address.getAddress(), 0));
    }
    return places.subList(0, Math.min(MOST, places.size()));
  }

  private static List<InterfaceAddress> interfaceAddresses() throws IOException {
    List<InterfaceAddress> addresses = new ArrayList<>();
    List<NetworkInterface> networks =
        NetworkInterface.networkInterfaces()
            .sorted(Comparator.comparing(HostNetworks::isInner)) // which others rarely reach
            .toList();
    for (NetworkInterface network : networks) {
      if (network.isUp() && !network.isLoopback()) {
        for (InterfaceAddress address : network.getInterfaceAddresses()) {
          InetAddress bare = address.getAddress();
          if (!(bare instanceof Inet6Address && bare.isLinkLocalAddress())) { // known to one link
            addresses.add(address);
          }
        }
      }
    }
    return addresses;
  }

  /**
   * The addresses of this host by which it is on the way to another: first those on a network of
   * both. An address that both have, as that of a bridge for containers, leads back here.
   *
   * @param theirs where the other host is
   */
  static Set<InetAddress> towards(List<InetSocketAddress> theirs) throws IOException {
    List<InterfaceAddress> mine = interfaceAddresses();
    List<InetAddress> others = theirs.stream().map(InetSocketAddress::getAddress).toList();
    List<InetAddress> elsewhere =
        others.stream()
            .filter(other -> mine.stream().noneMatch(own -> own.getAddress().equals(other)))
            .toList();
    Set<InetAddress> near = new LinkedHashSet<>();
    Set<InetAddress> far = new LinkedHashSet<>();
    for (InetAddress other : elsewhere.isEmpty() ? others : elsewhere) {
      InetAddress own = onTheWayTo(other);
      if (own != null
          && own.isLoopbackAddress() == other.isLoopbackAddress()
          && !own.isAnyLocalAddress()) {
        boolean sameNetwork = mine.stream().anyMatch(address -> isNear(address, own, other));
        (sameNetwork ? near : far).add(own);
      }
    }
    near.addAll(far);
    return near;
  }

  /** What the kernel would send from; nothing is sent. */
  private static @Nullable InetAddress onTheWayTo(InetAddress other) {
    try (DatagramChannel channel = DatagramChannel.open()) {
      channel.connect(new InetSocketAddress(other, ANY_PORT));
      return channel.getLocalAddress() instanceof InetSocketAddress own ? own.getAddress() : null;
    } catch (IOException | RuntimeException e) {
      return null; // there is no way
    }
  }

  private static boolean isNear(InterfaceAddress address, InetAddress own, InetAddress other) {
    byte[] mine = own.getAddress();
    byte[] theirs = other.getAddress();
    if (!address.getAddress().equals(own) || mine.length != theirs.length) {
      return false;
    }
    for (int bit = 0; bit < Math.min(8 * mine.length, address.getNetworkPrefixLength()); bit++) {
      int mask = 0x80 >> bit % 8;
      if ((mine[bit / 8] & mask) != (theirs[bit / 8] & mask)) {
        return false;
      }
    }
    return true;
  }

  static void put(ByteBuffer target, Collection<InetSocketAddress> places) {
    target.put((byte) places.size());
    for (InetSocketAddress place : places) {
      byte[] address = place.getAddress().getAddress();
      target.put((byte) address.length).put(address).putShort((short) place.getPort());
    }
  }

  /**
   * Reads what {@link #put} wrote.
   *
   * @throws IllegalArgumentException if it is not that
   */
  static List<InetSocketAddress> get(ByteBuffer source) {
    try {
      int number = source.get();
      List<InetSocketAddress> places = new ArrayList<>();
      for (int i = 0; i < number && i < MOST; i++) {
        byte[] address = new byte[source.get() == 4 ? 4 : 16];
        source.get(address);
        places.add(
            new InetSocketAddress(
                InetAddress.getByAddress(address), Short.toUnsignedInt(source.getShort())));
      }
      return places;
    } catch (BufferUnderflowException | UnknownHostException e) {
      throw new IllegalArgumentException("no addresses", e);
    }
  }
}

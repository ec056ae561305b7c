/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.io.IOException;
import java.net.NetworkInterface;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which of this host's networks other hosts are on. For transports.
 *
 * <p>A bridge for containers or virtual machines (docker0, virbr0, cni0) has an address that no
 * other host reaches; often each host has one with the same address, which then leads to the host
 * itself. But where a bridge has a network card among its ports, the address of that card is the
 * bridge's, and other hosts reach it.
 *
 * @since 0.1.0
 */
public final class HostNetworks {
  private static final Path NETWORKS = Path.of("/sys/class/net");

  /**
   * Names that Docker, Podman, containerd, libvirt, LXC and networks of Kubernetes give. For what
   * is no bridge of the kernel's, and where /sys shows the networks of another namespace.
   */
  private static final Pattern INNER_NAME =
      Pattern.compile(
          "docker(\\d+|_gwbridge)|br-[0-9a-f]{12}|podman\\d+|cni(\\d+|-podman\\d+)|nerdctl\\d+"
              + "|virbr\\d+(-nic)?|vnet\\d+|vmnet\\d+|vboxnet\\d+|(lxc|lxd|incus)br\\d+|cbr\\d+"
              + "|kube-.*|veth.*|cali.*|flannel.*|cilium_.*");

  private HostNetworks() {}

  /**
   * Tells whether a network is inside this host: its ports are containers or virtual machines.
   *
   * @param network one of this host's
   * @return false if other hosts may be on it, as far as is known
   */
  public static boolean isInner(NetworkInterface network) {
    return isInner(NETWORKS, network.getName());
  }

  static boolean isInner(Path networks, String name) {
    Path network = networks.resolve(name);
    if (hasCard(network, new HashSet<>())) {
      return false;
    }
    return Files.isDirectory(network.resolve("bridge")) || INNER_NAME.matcher(name).matches();
  }

  /** Whether it is a device, or is over one: a bridge's ports, a bond's parts, a VLAN's network. */
  private static boolean hasCard(Path network, Set<Path> seen) {
    if (Files.exists(network.resolve("device"))) {
      return true;
    }
    try (DirectoryStream<Path> below = Files.newDirectoryStream(network, "lower_*")) {
      for (Path lower : below) {
        Path real = lower.toRealPath();
        if (seen.add(real) && hasCard(real, seen)) {
          return true;
        }
      }
      return false;
    } catch (IOException | RuntimeException e) { // also what reading a directory throws
      return false; // no such system
    }
  }
}

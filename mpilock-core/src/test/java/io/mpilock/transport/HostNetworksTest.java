/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which networks are inside a host, by what the kernel shows of them and by their names. */
class HostNetworksTest {
  @TempDir Path networks;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "docker0",
        "docker_gwbridge",
        "br-0123456789ab",
        "podman1",
        "cni0",
        "cni-podman0",
        "virbr0",
        "virbr0-nic",
        "vnet3",
        "lxcbr0",
        "lxdbr0",
        "veth12ab34",
        "cali0a1b2c3d4e5",
        "flannel.1",
        "kube-bridge"
      })
  void namesOfContainersAreInside(String name) {
    assertThat(HostNetworks.isInner(networks, name)).isTrue();
  }

  /** The last is that of OpenShift's nodes, which is no bridge of the kernel's. */
  @ParameterizedTest
  @ValueSource(
      strings = {"eth0", "enp3s0", "ib0", "bond0", "wlan0", "eth0.7", "hsn0", "vmbr0", "br-ex"})
  void othersAreNot(String name) {
    assertThat(HostNetworks.isInner(networks, name)).isFalse();
  }

  @Test
  void aBridgeIsInside() throws IOException {
    make("office/bridge");
    assertThat(HostNetworks.isInner(networks, "office")).isTrue();
    make("veth1");
    below("office", "veth1");
    assertThat(HostNetworks.isInner(networks, "office")).isTrue();
  }

  /** The host's own address is the bridge's then, and its card has none. */
  @Test
  void aBridgeWithACardIsNot() throws IOException {
    make("vmbr0/bridge");
    make("docker0/bridge");
    make("eth0/device");
    make("eth0.7");
    make("bond0");
    below("vmbr0", "eth0.7");
    below("eth0.7", "bond0");
    below("bond0", "eth0");
    assertThat(HostNetworks.isInner(networks, "vmbr0")).isFalse();
    assertThat(HostNetworks.isInner(networks, "docker0")).isTrue();
    make("veth7/device"); // a card, whatever its name
    assertThat(HostNetworks.isInner(networks, "veth7")).isFalse();
  }

  @Test
  void aCircleEnds() throws IOException {
    make("a/bridge");
    make("b");
    below("a", "b");
    below("b", "a");
    assertThat(HostNetworks.isInner(networks, "a")).isTrue();
  }

  private void make(String path) throws IOException {
    Files.createDirectories(networks.resolve(path));
  }

  private void below(String upper, String lower) throws IOException {
    Files.createSymbolicLink(
        networks.resolve(upper).resolve("lower_" + lower), networks.resolve(lower));
  }
}

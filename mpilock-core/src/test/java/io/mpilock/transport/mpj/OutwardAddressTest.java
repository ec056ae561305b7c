/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Jvm;
import io.mpilock.transport.MpjSettings;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rank 0 waits where others reach it, not at a network of its own host's containers. */
@Timeout(120)
class OutwardAddressTest {
  private static final OutwardAddress LOOPBACK = at("lo", false, "127.0.0.1");
  private static final OutwardAddress DOCKER = at("docker0", true, "172.17.0.1");
  private static final OutwardAddress ETHERNET_6 = at("eth0", false, "fd00::7");
  private static final OutwardAddress LINK = at("eth0", false, "fe80::7");
  private static final OutwardAddress ETHERNET = at("eth0", false, "10.0.0.7");
  private static final OutwardAddress FAST = at("ib0", false, "10.1.0.7");

  @Test
  void theFirstThatIsNotInsideThisHostIsTaken() {
    assertThat(choose(null, LOOPBACK, DOCKER, LINK, ETHERNET_6, ETHERNET, FAST))
        .isEqualTo(ETHERNET);
    assertThat(choose(null, DOCKER, LINK, ETHERNET_6)).isEqualTo(ETHERNET_6);
  }

  @Test
  void whatTheHostsNameStandsForGoesFirst() {
    assertThat(choose("10.1.0.7", DOCKER, ETHERNET, FAST)).isEqualTo(FAST);
    assertThat(choose("127.0.1.1", LOOPBACK, DOCKER, ETHERNET, FAST)).isEqualTo(ETHERNET);
    assertThat(choose("192.0.2.1", DOCKER, ETHERNET)).isEqualTo(ETHERNET); // not of this host
  }

  /** As nss-myhostname, for which the name stands for any of the host's addresses. */
  @Test
  void aNameThatStandsForABridgeDoesNot() {
    assertThat(choose("172.17.0.1", DOCKER, ETHERNET)).isEqualTo(ETHERNET);
  }

  @Test
  void ifOnlyBridgesAreLeftOneIsTaken() {
    OutwardAddress other = at("virbr0", true, "192.168.122.1");
    assertThat(choose(null, LOOPBACK, DOCKER, other)).isEqualTo(DOCKER);
    assertThat(choose("192.168.122.1", LOOPBACK, DOCKER, other)).isEqualTo(other);
    assertThat(OutwardAddress.choose(List.of(LOOPBACK, LINK), null)).isEmpty();
  }

  private static OutwardAddress choose(@Nullable String named, OutwardAddress... all) {
    return OutwardAddress.choose(List.of(all), named == null ? null : address(named)).orElseThrow();
  }

  private static OutwardAddress at(String network, boolean inner, String address) {
    return new OutwardAddress(network, inner, address(address));
  }

  private static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }

  /** Tells where rank 0 of a job on several hosts would wait. */
  static final class Chooses {
    public static void main(String[] args) {
      JobEnvironment job = new JobEnvironment(Map.of("PMIX_NAMESPACE", "job"));
      MpjSettings settings = new MpjSettings(null, null, null, args[0], Duration.ofSeconds(1));
      System.out.println("chose " + Rendezvous.of(settings, job, 2).ownAddress().getAddress());
    }
  }

  /** Java lists what was made last first. */
  private static final String BRIDGES =
      """
      ip link set lo up
      ip link add docker0 type bridge
      ip address add 172.17.0.1/16 dev docker0
      ip link add office type bridge
      ip address add 10.77.0.1/24 dev office
      ip link set docker0 up
      ip link set office up
      ip link add inside0 type veth peer name inside1
      ip link set inside0 master office up
      ip link set inside1 up
      """;

  private static final String CARD =
      """
      ip link add card0 type veth peer name card1
      ip address add 10.88.0.1/24 dev card0
      ip link set card0 up
      ip link set card1 up
      """;

  /** Else /sys shows the networks outside. */
  private static final String SHOWN = "mount -t sysfs none /sys\n";

  @Test
  void rankZeroOfAHostWithBridgesWaitsAtItsCard(@TempDir Path folder) throws Exception {
    assertThat(inNetworks(SHOWN + CARD + BRIDGES, folder))
        .contains("chose /10.88.0.1")
        .doesNotContain("WARNING");
  }

  @Test
  void alsoIfTheHostsNameStandsForABridge(@TempDir Path folder) throws Exception {
    String name = "echo 10.77.0.1 inside >HOSTS\nmount --bind HOSTS /etc/hosts\n";
    assertThat(inNetworks(SHOWN + CARD + BRIDGES + name.replace("HOSTS", folder + "/h"), folder))
        .contains("chose /10.88.0.1")
        .doesNotContain("WARNING");
  }

  @Test
  void aHostThatHasOnlyBridgesIsWarned(@TempDir Path folder) throws Exception {
    assertThat(inNetworks(SHOWN + BRIDGES, folder))
        .containsAnyOf("chose /10.77.0.1", "chose /172.17.0.1")
        .contains("WARNING", "inside this host", "mpilock.mpj.rendezvous");
  }

  /** In a namespace that has the /sys of another. */
  @Test
  void whereTheSystemDoesNotTellTheNameDoes(@TempDir Path folder) throws Exception {
    String networks =
        """
        ip link set lo up
        ip link add docker0 type bridge
        ip address add 172.17.0.1/16 dev docker0
        ip link set docker0 up
        """;
    assertThat(inNetworks(CARD + networks, folder)).contains("chose /10.88.0.1");
  }

  @Test
  void aHostWithoutANetworkIsRefused(@TempDir Path folder) throws Exception {
    assertThat(inNetworks(SHOWN + "ip link set lo up\n", folder))
        .contains("has no address that another host could reach");
  }

  /** In namespaces of its own, which end with it. As root. */
  private static String inNetworks(String made, Path folder) throws Exception {
    Path output = folder.resolve("output");
    List<String> command = new ArrayList<>(List.of("unshare", "--net", "--mount", "--uts"));
    command.addAll(List.of("sh", "-ec", "hostname inside\n" + made + "exec \"$@\"", "inside"));
    command.addAll(Jvm.command("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Chooses.class.getName(), folder.resolve("meet").toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return Files.readString(output);
  }
}

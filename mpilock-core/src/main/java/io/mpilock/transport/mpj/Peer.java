/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.Member;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/**
 * What a rank tells the others of itself when it joins.
 *
 * @param host the name of its host
 * @param boot tells one run of a machine from another; with the host's name it tells nodes apart
 * @param idSpace in which space its process id means something, and its descriptors can be found
 * @param pid its process id
 */
record Peer(String host, String boot, String idSpace, long pid) {

  static Peer self() {
    long pid = ProcessHandle.current().pid();
    return new Peer(
        hostName(), firstLine("/proc/sys/kernel/random/boot_id"), idSpaceOfSelf(pid), pid);
  }

  /** Whether both can map one file: hosts of one machine that have their own names count as two. */
  boolean isOnNodeOf(Peer other) {
    return host.equals(other.host) && boot.equals(other.boot);
  }

  Member member(int rank, int node) {
    return new Member(rank, node, host, pid);
  }

  byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeUTF(host);
      out.writeUTF(boot);
      out.writeUTF(idSpace);
      out.writeLong(pid);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  static Peer decode(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return new Peer(in.readUTF(), in.readUTF(), in.readUTF(), in.readLong());
    } catch (IOException e) {
      throw new UncheckedIOException("a rank sent something other than its identity", e);
    }
  }

  /** As the kernel says it, without asking a name server. */
  private static String hostName() {
    String name = firstLine("/proc/sys/kernel/hostname");
    if (!name.isEmpty()) {
      return name;
    }
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  /** Of no use, and so of this process alone, where /proc is that of another space. */
  private static String idSpaceOfSelf(long pid) {
    try {
      String self = Files.readSymbolicLink(Path.of("/proc/self")).toString();
      if (!self.equals(Long.toString(pid))) {
        return "foreign " + UUID.randomUUID();
      }
      return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
    } catch (IOException | UnsupportedOperationException e) {
      return "";
    }
  }

  private static String firstLine(String path) {
    try {
      return new String(Files.readAllBytes(Path.of(path)), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return "";
    }
  }
}

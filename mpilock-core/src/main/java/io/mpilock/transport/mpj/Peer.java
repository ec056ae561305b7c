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

/**
 * What a rank tells the others of itself when it joins.
 *
 * @param host the name of its host
 * @param boot tells one run of a machine from another; with the host's name it tells nodes apart
 * @param idSpace in which space its process id means something
 * @param pid its process id
 * @param started when its process started, see {@link ProcessStart}
 */
record Peer(String host, String boot, String idSpace, long pid, long started) {

  static Peer self() {
    long pid = ProcessHandle.current().pid();
    return new Peer(
        hostName(),
        firstLine("/proc/sys/kernel/random/boot_id"),
        idSpaceOfSelf(),
        pid,
        ProcessStart.of(pid));
  }

  /** Whether both can map one file: hosts of one machine that have their own names count as two. */
  boolean isOnNodeOf(Peer other) {
    return host.equals(other.host) && boot.equals(other.boot);
  }

  /** Whether its process lives; true if that cannot be seen from here. */
  boolean isAlive(Peer seenFrom) {
    boolean visible = isOnNodeOf(seenFrom) && idSpace.equals(seenFrom.idSpace);
    return !visible || ProcessStart.of(pid) == started;
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
      out.writeLong(started);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  static Peer decode(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return new Peer(in.readUTF(), in.readUTF(), in.readUTF(), in.readLong(), in.readLong());
    } catch (IOException e) {
      throw new UncheckedIOException("a rank sent something else than who it is", e);
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

  private static String idSpaceOfSelf() {
    try {
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

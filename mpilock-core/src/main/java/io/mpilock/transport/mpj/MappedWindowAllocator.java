/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.SharedMemory;
import io.mpilock.transport.WindowFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * Makes windows for the ranks of a group. The lowest rank of each node makes a file and tells the
 * way to it, all of the node map it, and then there is no way to it any more. All ranks of the
 * group hear of a failure on any of them.
 */
final class MappedWindowAllocator {
  private final MpjRuntime runtime;
  private final MpjGroup group;
  private final Duration stallWarning;

  MappedWindowAllocator(MpjRuntime runtime, MpjGroup group, Duration stallWarning) {
    this.runtime = runtime;
    this.group = group;
    this.stallWarning = stallWarning;
  }

  int rank() {
    return group.rank();
  }

  /** Who a rank of the group is, for people. */
  String name(int member) {
    return runtime.name(group.worldRank(member));
  }

  /** This rank's node, as members of the group. */
  List<Integer> node() {
    return runtime.nodes(group).stream()
        .filter(node -> node.contains(group.rank()))
        .findFirst()
        .orElseThrow();
  }

  /**
   * Makes a window. Collective.
   *
   * @param least the fewest words that each rank adds
   * @param most the most words that each rank adds; what the node has decides
   */
  MappedWindow allocate(long least, long most) {
    if (least < 1 || most < least) {
      throw new IllegalArgumentException(
          "a window needs words, not " + (least < 1 ? least : least + " to " + most));
    }
    List<Integer> node = node();
    long _ = Math.multiplyExact(most, (long) Long.BYTES * node.size());
    long bytes = least * Long.BYTES * node.size(); // as far as a failure tells
    Attempt<WindowFile> made =
        node.getFirst() == group.rank()
            ? Attempt.of(() -> create(least, most, node))
            : new Attempt<>(null, null);
    Attempt<MappedWindow> mapped = new Attempt<>(null, null);
    boolean shared = false;
    try {
      String[] files =
          tell("window", made.say(file -> file.bytes() + " " + file.path()), "allocate a window");
      throwIfFailed(files, bytes);
      String[] file = files[node.getFirst()].substring(1).split(" ", 2);
      long words = Long.parseLong(file[0]) / Long.BYTES;
      mapped = Attempt.of(() -> new MappedWindow(file[1], words));
      throwIfFailed(tell("map", mapped.say(window -> ""), "map a window"), bytes);
      shared = true;
      return Objects.requireNonNull(mapped.result());
    } finally {
      if (made.result() != null) {
        made.result().close();
      }
      if (mapped.result() != null && !shared) {
        mapped.result().free();
      }
    }
  }

  private WindowFile create(long least, long most, List<Integer> node) throws IOException {
    long perRank = least == most ? least : SharedMemory.wordsPerRank(node.size(), least, most);
    long bytes = perRank * Long.BYTES * node.size();
    checkRoom(bytes);
    Peer self = runtime.peer(runtime.self());
    boolean seesAll =
        node.stream()
            .map(member -> runtime.peer(group.worldRank(member)))
            .allMatch(peer -> peer.idSpace().equals(self.idSpace()));
    return WindowFile.create(bytes, seesAll);
  }

  /** Tells all ranks of the group something, and hears what each says. Collective. */
  String[] tell(String call, String said, String what) {
    byte[][] all =
        runtime
            .lifeline()
            .meet(
                group.nextCall(call),
                group.worldRanks(),
                said.getBytes(StandardCharsets.UTF_8),
                what,
                runtime::name,
                stallWarning);
    String[] texts = new String[all.length];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = new String(all[i], StandardCharsets.UTF_8);
    }
    return texts;
  }

  private void throwIfFailed(String[] said, long bytes) {
    for (int member = 0; member < said.length; member++) {
      if (Attempt.isFailure(said[member])) {
        throw new StartupException(
            Problem.NO_WINDOW,
            "A shared window of %d KiB could not be created on %s: %s."
                .formatted(bytes >> 10, name(member), said[member].substring(1)),
            "Set a smaller mpilock.window-size, or make "
                + SharedMemory.directory()
                + " larger (for a container: --shm-size). Ranks of one host name must see the same"
                + " files.");
      }
    }
  }

  /** In words, and before a part of it is taken. */
  private static void checkRoom(long bytes) throws IOException {
    long room = SharedMemory.free();
    if (room < bytes) {
      throw new IOException(
          SharedMemory.directory() + " lacks " + ((bytes - room) >> 10) + " KiB of free space");
    }
  }
}

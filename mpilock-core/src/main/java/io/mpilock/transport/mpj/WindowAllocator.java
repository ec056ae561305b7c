package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes windows for the ranks of a group. The lowest rank of each node makes a file and tells its
 * path; the others of the node map it; then it is deleted. All ranks of the group hear of a failure
 * on any of them.
 */
final class WindowAllocator {
  private static final char MADE = '+';
  private static final char FAILED = '-';

  private final MpjRuntime runtime;
  private final Group group;
  private final Duration stallWarning;

  WindowAllocator(MpjRuntime runtime, Group group, Duration stallWarning) {
    this.runtime = runtime;
    this.group = group;
    this.stallWarning = stallWarning;
  }

  int rank() {
    return group.rank();
  }

  /** This rank's node, as members of the group. */
  List<Integer> node() {
    return runtime.nodes(group).stream()
        .filter(node -> node.contains(group.rank()))
        .findFirst()
        .orElseThrow();
  }

  /** Makes a window. Collective. */
  MappedWindow allocate(long wordsPerRank) {
    if (wordsPerRank < 1) {
      throw new IllegalArgumentException("a window needs words, not " + wordsPerRank);
    }
    List<Integer> node = node();
    long words = Math.multiplyExact(wordsPerRank, (long) node.size());
    long bytes = Math.multiplyExact(words, (long) Long.BYTES);
    boolean leads = node.getFirst() == group.rank();
    @Nullable Path made = null;
    @Nullable MappedWindow window = null;
    boolean shared = false;
    try {
      String said = "";
      if (leads) {
        try {
          checkRoom(bytes);
          made = WindowFile.create(bytes);
          said = MADE + made.toString();
        } catch (IOException e) {
          said = FAILED + e.toString();
        }
      }
      String[] all = tell("window", said, "allocate a window");
      throwIfFailed(all, bytes);
      String result = String.valueOf(MADE);
      try {
        window = new MappedWindow(Path.of(all[node.getFirst()].substring(1)), words);
      } catch (IOException e) {
        result = FAILED + e.toString();
      }
      throwIfFailed(tell("map", result, "map a window"), bytes);
      shared = true;
      return Objects.requireNonNull(window);
    } finally {
      if (made != null) {
        WindowFile.delete(made);
      }
      if (window != null && !shared) {
        window.free();
      }
    }
  }

  private String[] tell(String call, String said, String what) {
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
      if (!said[member].isEmpty() && said[member].charAt(0) == FAILED) {
        throw new StartupException(
            Problem.NO_WINDOW,
            "A shared window of %d KiB could not be made on %s: %s."
                .formatted(
                    bytes >> 10, runtime.name(group.worldRank(member)), said[member].substring(1)),
            "Set a smaller mpilock.window-size, or make "
                + WindowFile.directory()
                + " larger (for a container: --shm-size). Ranks of one host name must see the same"
                + " files.");
      }
    }
  }

  /** A file is sparse: without the room, using it later would be a fault. */
  private static void checkRoom(long bytes) throws IOException {
    long room = Files.getFileStore(WindowFile.directory()).getUsableSpace();
    if (room < bytes) {
      throw new IOException(
          WindowFile.directory() + " lacks " + ((bytes - room) >> 10) + " KiB of free space");
    }
  }
}

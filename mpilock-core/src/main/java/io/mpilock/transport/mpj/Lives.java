/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.LifeFile;
import io.mpilock.transport.SharedMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Which processes of this node live, by their {@link LifeFile}: known also when rank 0, which tells
 * of deaths, has gone. A rank's place in it is its place on the node.
 */
final class Lives {
  private final List<Integer> node;
  private final LifeFile file;

  /** Collective. */
  Lives(MappedWindowAllocator ranks) {
    node = ranks.node();
    int place = node.indexOf(ranks.rank());
    Attempt<LifeFile> made = place == 0 ? Attempt.of(LifeFile::create) : new Attempt<>(null, null);
    Attempt<LifeFile> held = new Attempt<>(null, null);
    boolean shared = false;
    try {
      String[] names = ranks.tell("lives", made.say(LifeFile::name), "see each other");
      throwIfFailed(ranks, names);
      Path name = Path.of(names[node.getFirst()].substring(1));
      held = Attempt.of(() -> hold(made, name, place));
      throwIfFailed(ranks, ranks.tell("held", held.say(file -> ""), "see each other"));
      file = Objects.requireNonNull(held.result());
      shared = true;
    } finally {
      if (made.result() != null) {
        deleteName(made.result());
      }
      if (!shared) {
        close(made);
        close(held);
      }
    }
  }

  private static LifeFile hold(Attempt<LifeFile> made, Path name, int place) throws IOException {
    LifeFile file = made.result() != null ? made.result() : LifeFile.open(name);
    try {
      file.hold(place);
      return file;
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  private static void throwIfFailed(MappedWindowAllocator ranks, String[] said) {
    for (int member = 0; member < said.length; member++) {
      if (Attempt.isFailure(said[member])) {
        throw new StartupException(
            Problem.NO_WINDOW,
            ("The ranks of a node have no file in common in %s, by which each could"
                    + " check whether the others are alive: %s says %s.")
                .formatted(SharedMemory.directory(), ranks.name(member), said[member].substring(1)),
            "Give the ranks of a host the same /dev/shm, or where there is none the same directory"
                + " for temporary files (java.io.tmpdir).");
      }
    }
  }

  private static void deleteName(LifeFile file) {
    try {
      file.deleteName();
    } catch (IOException e) {
      System.getLogger("io.mpilock")
          .log(System.Logger.Level.WARNING, "A file could not be deleted", e);
    }
  }

  private static void close(Attempt<LifeFile> attempt) {
    if (attempt.result() != null) {
      attempt.result().close();
    }
  }

  /** Tells of a rank of the world; one of another node counts as alive. */
  boolean isAlive(int worldRank) {
    int place = node.indexOf(worldRank);
    return place < 0 || file.isHeld(place);
  }

  void end() {
    file.close();
  }
}

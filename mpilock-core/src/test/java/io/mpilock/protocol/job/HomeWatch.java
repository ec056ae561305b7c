package io.mpilock.protocol.job;

import static io.mpilock.protocol.job.Permission.EXCLUSIVE;
import static io.mpilock.protocol.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Keeps its own record of who asked a home, and checks the order of the grants. */
final class HomeWatch {
  private final boolean phaseFair;
  private final List<Integer> writers = new ArrayList<>();
  private final List<Integer> readers = new ArrayList<>();
  private final Set<Integer> batch = new HashSet<>();

  HomeWatch(boolean phaseFair) {
    this.phaseFair = phaseFair;
  }

  /** A request that the home is about to see. */
  void requests(int node, Permission wanted, Permission onRecord) {
    List<Integer> queue = wanted == EXCLUSIVE ? writers : readers;
    if (!onRecord.isBelow(wanted)) {
      leaves(node);
    } else if (!queue.contains(node)) {
      leaves(node);
      queue.add(node);
    }
  }

  /** A node that does not wait any more. */
  void leaves(int node) {
    writers.removeIf(other -> other == node);
    readers.removeIf(other -> other == node);
    batch.remove(node);
  }

  /** A yield that the home is about to see. */
  void yields(Permission kept, Permission onRecord) {
    if (phaseFair && onRecord == EXCLUSIVE && kept.isBelow(EXCLUSIVE)) {
      batch.addAll(readers);
    }
  }

  void poisoned() {
    writers.clear();
    readers.clear();
    batch.clear();
  }

  /** A grant that the home sends. */
  void grants(int node, Permission permission) {
    if (permission == SHARED) {
      assertThat(readers).as("nodes that wait to read").contains(node);
      assertThat(writers.isEmpty() || batch.contains(node))
          .as("node %d reads before the writers of nodes %s", node, writers)
          .isTrue();
    } else {
      assertThat(writers).as("nodes that wait to write").startsWith(node);
      assertThat(batch).as("readers that go before the writer").isEmpty();
    }
    leaves(node);
  }

  /** Nobody waits, and the home knows. */
  boolean isIdle() {
    return writers.isEmpty() && readers.isEmpty();
  }
}

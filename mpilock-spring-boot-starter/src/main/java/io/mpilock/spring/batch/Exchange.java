package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/** Gives each rank what all ranks say. */
final class Exchange {
  private Exchange() {}

  /**
   * Exchanges. Collective: as many single writes as there are ranks, in each of which one rank
   * shares its word. Without locks each rank hears only itself.
   *
   * @param mine this rank's word
   * @return the words of all ranks, by rank
   */
  static <T extends Serializable> List<T> of(LockTemplate locks, T mine) {
    return IntStream.range(0, locks.size())
        .mapToObj(rank ->
            Objects.requireNonNull(locks.<T, RuntimeException>singleWrite(rank, () -> mine)))
        .toList();
  }
}

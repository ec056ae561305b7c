/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.LockedAction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps names of files, all of them if they are short enough, else the first and the last with the
 * number and the hash code of all. Spring Batch keeps the whole context of a step in one column, of
 * 65,535 bytes on MySQL, with what the readers keep and in Base64.
 */
record KeptNames(LockedAction<List<String>, IOException> list) implements KeptPart {
  private static final int MOST_BYTES = 30_000;

  /** No name is empty. */
  private static final String SHORTENED = "";

  @Override
  public List<String> keep(List<String> names) {
    int bytes =
        names.stream().mapToInt(name -> name.getBytes(StandardCharsets.UTF_8).length + 1).sum();
    return bytes <= MOST_BYTES
        ? names
        : List.of(SHORTENED, names.getFirst(), names.getLast(), summaryOf(names));
  }

  @Override
  public @Nullable List<String> restore(List<String> kept) throws IOException {
    if (kept.isEmpty() || !kept.getFirst().equals(SHORTENED)) {
      return kept;
    }
    List<String> names =
        list.run().stream()
            .filter(name -> name.compareTo(kept.get(1)) >= 0 && name.compareTo(kept.get(2)) <= 0)
            .toList();
    return summaryOf(names).equals(kept.get(3)) ? names : null;
  }

  private static String summaryOf(List<String> names) {
    return "%d %08x".formatted(names.size(), names.hashCode());
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.InvalidObjectException;
import java.util.Arrays;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Bounds the time that hash codes take. A set in two sets, both in two sets, and so on, is few
 * bytes and takes for ever: each hash code asks for those of all elements. So each collection of
 * the JDK, and each record, is weighed when it has been read, before it can become an element: by
 * itself and its elements. Without sharing the sum of all weights is at most the number of objects
 * times the depth.
 */
final class HashWork {
  private static final long FREE = 500_000;
  private static final int EACH_BYTE = 100;

  private final ReceivedBytes bytes;
  private final Records records;
  private final IdentityHashMap<Object, Long> weights = new IdentityHashMap<>();
  private long sum;

  HashWork(ReceivedBytes bytes, Records records) {
    this.bytes = bytes;
    this.records = records;
  }

  void read(Object object) throws InvalidObjectException {
    long most = FREE + EACH_BYTE * bytes.received();
    long weight =
        switch (object) {
          // One element, however often; its hash code knows that.
          case Collection<?> copies
              when copies.getClass().getName().equals("java.util.Collections$CopiesList") ->
              1;
          case Collection<?> elements when isOfTheJdk(elements) -> of(elements, most);
          case Map<?, ?> map when isOfTheJdk(map) ->
              of(map.keySet(), most) + of(map.values(), most);
          case Map.Entry<?, ?> entry when isOfTheJdk(entry) ->
              of(Arrays.asList(entry.getKey(), entry.getValue()), most);
          case Optional<?> optional -> of(Arrays.asList(optional.orElse(null)), most);
          case Record record -> of(record);
          default -> 1;
        };
    if (weight > 1) {
      weights.put(object, weight);
      sum += weight;
      if (sum > most) {
        throw new InvalidObjectException(
            "collections that contain the same collections again and again: their hash"
                + " codes would take longer than this rank allows");
      }
    }
  }

  /** An application's collection is its own business: its iterator could be anything. */
  private static boolean isOfTheJdk(Object object) {
    return object.getClass().getName().startsWith("java.util.");
  }

  /** One, and more only for what else of these it has: most records hold values. */
  private long of(Record record) {
    long weight = 1;
    for (Object value : records.valuesOrNone(record)) {
      Long known = value == null ? null : weights.get(value);
      weight += known != null ? known : value instanceof Record ? 1 : 0;
    }
    return weight;
  }

  private long of(Collection<?> elements, long most) {
    if (weights.isEmpty()) {
      return 1L + elements.size();
    }
    long weight = 1;
    for (Object element : elements) {
      Long known = element == null ? null : weights.get(element);
      weight += known == null ? 1 : known;
      if (weight > most) {
        break;
      }
    }
    return weight;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.observation;

import io.micrometer.common.KeyValue;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationConvention;
import java.util.ArrayList;
import java.util.List;

/**
 * What an observed request for a lock is called, and what is told of it. A bean of this type takes
 * the place of the default, which is:
 *
 * <table>
 * <caption>Key values of {@code mpilock.lock.request}</caption>
 * <tr><th>key</th><th>cardinality</th><th>what</th></tr>
 * <tr><td>{@code resource}</td><td>low</td><td>its name; {@code (other)} after the first 100
 * resources, since some handlers make meters of it, and names may have no end</td></tr>
 * <tr><td>{@code mpilock.resource}</td><td>high</td><td>its name, where {@code resource} does not
 * tell it</td></tr>
 * <tr><td>{@code mode}</td><td>low</td><td>read, write, single-write,
 * barrier, all-gather, gather, in-order</td></tr>
 * <tr><td>{@code outcome}</td><td>low</td><td>granted, timeout, interrupted, failed</td></tr>
 * <tr><td>{@code mpilock.rank}</td><td>high</td><td>who asks</td></tr>
 * <tr><td>{@code mpilock.writer}</td><td>high</td><td>who writes, in a single write</td></tr>
 * <tr><td>{@code mpilock.lock}</td><td>high</td><td>who held it, and who waited, on this node when
 * the request began</td></tr>
 * <tr><td>{@code mpilock.token}</td><td>high</td><td>the fencing token, if it was granted</td></tr>
 * </table>
 *
 * @since 0.1.0
 */
public interface LockObservationConvention extends ObservationConvention<LockObservationContext> {

  @Override
  default boolean supportsContext(Observation.Context context) {
    return context instanceof LockObservationContext;
  }

  @Override
  default String getName() {
    return "mpilock.lock.request";
  }

  @Override
  default String getContextualName(LockObservationContext context) {
    return context.mode() + " " + context.resource();
  }

  @Override
  default KeyValues getLowCardinalityKeyValues(LockObservationContext context) {
    return KeyValues.of(
        KeyValue.of("resource", context.group()),
        KeyValue.of("mode", context.mode().toString()),
        KeyValue.of("outcome", context.outcome().toString()));
  }

  @Override
  default KeyValues getHighCardinalityKeyValues(LockObservationContext context) {
    List<KeyValue> values = new ArrayList<>(); // together: KeyValues.and sorts all of them again
    values.add(KeyValue.of("mpilock.rank", Integer.toString(context.rank())));
    values.add(KeyValue.of("mpilock.lock", context.lock()));
    if (!context.group().equals(context.resource())) {
      values.add(KeyValue.of("mpilock.resource", context.resource()));
    }
    if (context.writer() >= 0) {
      values.add(KeyValue.of("mpilock.writer", Integer.toString(context.writer())));
    }
    if (context.token() >= 0) {
      values.add(KeyValue.of("mpilock.token", Long.toString(context.token())));
    }
    return KeyValues.of(values);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.mpilock.spring.progress.SharedWork;
import io.mpilock.spring.progress.WorkListener;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Meters of the work that this rank takes part in: {@code mpilock.work.done} counts the units that
 * this rank has done, so their sum over the ranks is how far all are; {@code mpilock.work.units} is
 * how many there are. Tag {@code work}. They stay until the next work of that name, or until this
 * is closed, so that they can be read at the end. A scrape asks no other rank.
 *
 * @since 0.1.0
 */
public final class WorkMeters implements WorkListener, AutoCloseable {
  private final MeterRegistry registry;
  private final Tags tags;
  private final Map<String, List<Meter>> meters = new ConcurrentHashMap<>();

  /**
   * Meters without work yet.
   *
   * @param registry where they are
   * @param tags what each has beside {@code work}, such as {@link MpilockMetrics#tags}
   */
  public WorkMeters(MeterRegistry registry, Tags tags) {
    this.registry = registry;
    this.tags = tags;
  }

  @Override
  public void begins(SharedWork work) {
    remove(work.name());
    meters.put(
        work.name(),
        List.of(
            FunctionCounter.builder("mpilock.work.done", work, SharedWork::doneHere)
                .description("Units that this rank has done of a work that ranks share")
                .tags(tags)
                .tag("work", work.name())
                .register(registry),
            Gauge.builder("mpilock.work.units", work, SharedWork::units)
                .description("Units of a work that ranks share")
                .tags(tags)
                .tag("work", work.name())
                .strongReference(true) // the counter has a weak one
                .register(registry)));
  }

  @Override
  public void ended(SharedWork work) {
    // its meters stay
  }

  private void remove(String name) {
    List<Meter> last = meters.remove(name);
    if (last != null) {
      last.forEach(meter -> {
        registry.remove(meter);
        meter.close();
      });
    }
  }

  /** Removes the meters from the registry. Idempotent. */
  @Override
  public void close() {
    List.copyOf(meters.keySet()).forEach(this::remove);
  }
}

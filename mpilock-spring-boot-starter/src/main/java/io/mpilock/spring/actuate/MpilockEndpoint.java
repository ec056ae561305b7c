package io.mpilock.spring.actuate;

import io.mpilock.WindowController;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;

/**
 * {@code /actuator/mpilock}: who is there, and who holds and waits for what, over all ranks; any
 * rank tells it. It takes no lock, so it also answers while one is stuck, and waits at most a
 * second for nodes that do not answer. See {@link WindowController#status(Duration)}.
 */
@Endpoint(id = "mpilock")
public final class MpilockEndpoint {
  static final Duration TIMEOUT = Duration.ofSeconds(1);

  private final WindowController controller;
  private final Clock clock;

  /**
   * The endpoint of a controller.
   *
   * @param controller whose job is told
   * @param clock tells since when something is held or waited for
   */
  public MpilockEndpoint(WindowController controller, Clock clock) {
    this.controller = controller;
    this.clock = clock;
  }

  /**
   * Tells all.
   *
   * @return the job
   */
  @ReadOperation
  public JobDescriptor job() {
    Instant now = clock.instant();
    return JobDescriptor.of(controller.status(TIMEOUT), now);
  }

  /**
   * Tells of one resource: {@code /actuator/mpilock/orders}.
   *
   * @param resource its name, in parts between slashes
   * @return the resource, or null if it is not known; see {@link WindowController#status(String,
   *     Duration)}
   */
  @ReadOperation
  public @Nullable ResourceDescriptor resource(
      @Selector(match = Selector.Match.ALL_REMAINING) String... resource) {
    String name = String.join("/", resource);
    Instant now = clock.instant();
    return controller
        .status(name, TIMEOUT)
        .map(found -> ResourceDescriptor.of(found, now))
        .orElse(null);
  }
}

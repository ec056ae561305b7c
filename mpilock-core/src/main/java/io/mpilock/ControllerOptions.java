/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.Values;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How a controller behaves. Every rank must use equal options, apart from {@code stallWarning} and
 * {@code shareAllow}; {@code sync} checks it. No duration may be longer than {@link
 * #LONGEST_DURATION}.
 *
 * @param master the rank that single writes go to by default
 * @param expectedRanks how many ranks the controller must have, or 0 for any number: {@code sync}
 *     refuses any other, as when a launcher's variables did not reach its ranks
 * @param fairness who goes first, readers or writers
 * @param fairnessOf the same for single resources, by their names
 * @param handoverLimit how often threads of one rank may pass a write among themselves while
 *     another rank waits; 0 for strict order
 * @param stallWarning after how long a wait is reported, and again after each such time; positive
 * @param shutdownTimeout the longest time that close waits, for the leases of other threads of this
 *     rank and for the other ranks to close together; not negative
 * @param heartbeatTimeout how long a node may be silent, where the ranks are on several, before the
 *     others consider it dead; longer than the longest pause of a rank's JVM, such as a full
 *     collection; positive. A process that ends is known within seconds where its connection tells
 * @param onHolderDeath what becomes of a resource whose writer died
 * @param onDeadlock what becomes of threads that wait for each other's locks in a cycle; each
 *     rank's own goes for its threads
 * @param windowBytes what each rank adds to its node's shared memory, in bytes, taken at once and
 *     used as resources come (for each 128 bytes of the ranks, 128 more and the name); 1 MiB to 1
 *     TiB; or null for 32 MiB, or less on a node with little room: half of what is free there,
 *     divided by its ranks, but at least 1 MiB
 * @param shareAllow patterns of classes, beside those of {@code java.base}, that may be shared:
 *     {@code com.acme.Order}, {@code com.acme.*} for a package, {@code com.acme.**} for it and
 *     those below
 * @param shareCodec what encodes shared objects, or null for Java serialisation behind the
 *     allow-list
 * @since 0.1.0
 */
public record ControllerOptions(
    int master,
    int expectedRanks,
    Fairness fairness,
    Map<String, Fairness> fairnessOf,
    int handoverLimit,
    Duration stallWarning,
    Duration shutdownTimeout,
    Duration heartbeatTimeout,
    OnHolderDeath onHolderDeath,
    OnDeadlock onDeadlock,
    @Nullable Long windowBytes,
    List<String> shareAllow,
    @Nullable ShareCodec shareCodec) {

  /**
   * The longest time that an option may be: what is meant to be for ever. A nanosecond clock of 64
   * bits counts for 292 years.
   */
  public static final Duration LONGEST_DURATION = Duration.ofDays(36_500);

  private static final long MEBIBYTE = 1L << 20;

  private static final long LARGEST_WINDOW_BYTES = 1L << 40;

  /** Nothing else that {@link java.io.ObjectInputFilter} would understand: no limits, no lists. */
  private static final Pattern CLASS_PATTERN =
      Pattern.compile("[\\p{javaJavaIdentifierPart}.]+\\*{0,2}");

  /** Checks the options; the master is checked against the communicator's size by {@code sync}. */
  public ControllerOptions {
    if (expectedRanks < 0) {
      throw new IllegalArgumentException(
          "expectedRanks must not be negative, but is " + expectedRanks);
    }
    Objects.requireNonNull(fairness, "fairness");
    fairnessOf = Map.copyOf(fairnessOf);
    Objects.requireNonNull(onHolderDeath, "onHolderDeath");
    if (handoverLimit < 0) {
      throw new IllegalArgumentException(
          "handoverLimit must not be negative, but is " + handoverLimit);
    }
    if (!stallWarning.isPositive()) {
      throw new IllegalArgumentException("stallWarning must be positive, but is " + stallWarning);
    }
    if (shutdownTimeout.isNegative()) {
      throw new IllegalArgumentException(
          "shutdownTimeout must not be negative, but is " + shutdownTimeout);
    }
    if (!heartbeatTimeout.isPositive()) {
      throw new IllegalArgumentException(
          "heartbeatTimeout must be positive, but is " + heartbeatTimeout);
    }
    checkLongest("stallWarning", stallWarning);
    checkLongest("shutdownTimeout", shutdownTimeout);
    checkLongest("heartbeatTimeout", heartbeatTimeout);
    if (windowBytes != null && windowBytes < MEBIBYTE) {
      throw new IllegalArgumentException(
          "windowBytes must be at least 1 MiB, but is " + windowBytes);
    }
    if (windowBytes != null && windowBytes > LARGEST_WINDOW_BYTES) {
      throw new IllegalArgumentException(
          "windowBytes must be at most 1 TiB, but is " + windowBytes);
    }
    shareAllow = List.copyOf(shareAllow);
    for (String pattern : shareAllow) {
      if (!CLASS_PATTERN.matcher(pattern).matches()) {
        throw new IllegalArgumentException(
            "shareAllow has '%s': write a class, or a package and .* or .**"
                .formatted(Values.shown(pattern)));
      }
    }
  }

  private static void checkLongest(String name, Duration duration) {
    if (duration.compareTo(LONGEST_DURATION) > 0) {
      throw new IllegalArgumentException(
          "%s must be at most %d days, but is %s"
              .formatted(name, LONGEST_DURATION.toDays(), duration));
    }
  }

  /**
   * The options that suit most jobs: master 0, any number of ranks, writers first, strict order, a
   * stall warning after 30 s, a shutdown time-out of 30 s, a heartbeat time-out of 60 s, poison, 32
   * MiB of address space a rank.
   *
   * @return the defaults
   */
  public static ControllerOptions defaults() {
    return new ControllerOptions(
        0,
        0,
        Fairness.WRITER_FIRST,
        Map.of(),
        0,
        Duration.ofSeconds(30),
        Duration.ofSeconds(30),
        Duration.ofSeconds(60),
        OnHolderDeath.POISON,
        OnDeadlock.FAIL,
        null,
        List.of(),
        null);
  }

  /**
   * Changes one option.
   *
   * @param master see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withMaster(int master) {
    return with(draft -> draft.master = master);
  }

  /**
   * Changes one option.
   *
   * @param expectedRanks see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withExpectedRanks(int expectedRanks) {
    return with(draft -> draft.expectedRanks = expectedRanks);
  }

  /**
   * Changes one option.
   *
   * @param fairness see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withFairness(Fairness fairness) {
    return with(draft -> draft.fairness = fairness);
  }

  /**
   * Changes who goes first for one resource.
   *
   * @param resource its name
   * @param fairness who goes first, readers or writers
   * @return options that are otherwise these
   */
  public ControllerOptions withFairness(String resource, Fairness fairness) {
    Map<String, Fairness> more = new HashMap<>(fairnessOf);
    more.put(resource, fairness);
    return with(draft -> draft.fairnessOf = more);
  }

  /**
   * Changes one option.
   *
   * @param handoverLimit see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withHandoverLimit(int handoverLimit) {
    return with(draft -> draft.handoverLimit = handoverLimit);
  }

  /**
   * Changes one option.
   *
   * @param stallWarning see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withStallWarning(Duration stallWarning) {
    return with(draft -> draft.stallWarning = stallWarning);
  }

  /**
   * Changes one option.
   *
   * @param shutdownTimeout see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withShutdownTimeout(Duration shutdownTimeout) {
    return with(draft -> draft.shutdownTimeout = shutdownTimeout);
  }

  /**
   * Changes one option.
   *
   * @param heartbeatTimeout see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withHeartbeatTimeout(Duration heartbeatTimeout) {
    return with(draft -> draft.heartbeatTimeout = heartbeatTimeout);
  }

  /**
   * Changes one option.
   *
   * @param onHolderDeath see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withOnHolderDeath(OnHolderDeath onHolderDeath) {
    return with(draft -> draft.onHolderDeath = onHolderDeath);
  }

  /**
   * Changes one option.
   *
   * @param onDeadlock see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withOnDeadlock(OnDeadlock onDeadlock) {
    return with(draft -> draft.onDeadlock = onDeadlock);
  }

  /**
   * Changes one option.
   *
   * @param windowBytes see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withWindowBytes(long windowBytes) {
    return with(draft -> draft.windowBytes = windowBytes);
  }

  /**
   * Changes one option.
   *
   * @param shareAllow see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withShareAllow(List<String> shareAllow) {
    return with(draft -> draft.shareAllow = shareAllow);
  }

  /**
   * Changes one option.
   *
   * @param shareCodec see the record's component
   * @return options that are otherwise these
   */
  public ControllerOptions withShareCodec(ShareCodec shareCodec) {
    return with(draft -> draft.shareCodec = shareCodec);
  }

  /** The resources whose fairness is not that of all. */
  Set<String> otherwiseFair() {
    return fairnessOf.entrySet().stream()
        .filter(each -> each.getValue() != fairness)
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
  }

  private ControllerOptions with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.options();
  }

  /** The components while one of them is changed: records have no such thing of their own. */
  private static final class Draft {
    private int master;
    private int expectedRanks;
    private Fairness fairness;
    private Map<String, Fairness> fairnessOf;
    private int handoverLimit;
    private Duration stallWarning;
    private Duration shutdownTimeout;
    private Duration heartbeatTimeout;
    private OnHolderDeath onHolderDeath;
    private OnDeadlock onDeadlock;
    private @Nullable Long windowBytes;
    private List<String> shareAllow;
    private @Nullable ShareCodec shareCodec;

    Draft(ControllerOptions options) {
      master = options.master;
      expectedRanks = options.expectedRanks;
      fairness = options.fairness;
      fairnessOf = options.fairnessOf;
      handoverLimit = options.handoverLimit;
      stallWarning = options.stallWarning;
      shutdownTimeout = options.shutdownTimeout;
      heartbeatTimeout = options.heartbeatTimeout;
      onHolderDeath = options.onHolderDeath;
      onDeadlock = options.onDeadlock;
      windowBytes = options.windowBytes;
      shareAllow = options.shareAllow;
      shareCodec = options.shareCodec;
    }

    ControllerOptions options() {
      return new ControllerOptions(
          master,
          expectedRanks,
          fairness,
          fairnessOf,
          handoverLimit,
          stallWarning,
          shutdownTimeout,
          heartbeatTimeout,
          onHolderDeath,
          onDeadlock,
          windowBytes,
          shareAllow,
          shareCodec);
    }
  }
}

package io.mpilock.demo.timing;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.LockMode;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LockTimesTest {
  @Test
  void waitsAndHoldsBecomeSpansOnTheWallClock() {
    AtomicLong nanos = new AtomicLong(5_000_000_000L);
    LockTimes times =
        new LockTimes("file", InstantSource.fixed(Instant.ofEpochSecond(10)), nanos::get);

    nanos.addAndGet(3_000_000);
    times.granted("file", LockMode.WRITE, 2_000_000, true);
    times.granted("other", LockMode.WRITE, 2_000_000, true);
    nanos.addAndGet(4_000_000);
    times.released("file", LockMode.WRITE, 4_000_000);
    nanos.addAndGet(1_000_000);
    times.released("file", LockMode.READ, 1_000_000);

    RankTimes found = times.of(7);
    assertThat(found.rank()).isEqualTo(7);
    assertThat(found.spans())
        .containsExactly(
            new Span(Span.Kind.WAITED, 10_001_000, 10_003_000),
            new Span(Span.Kind.WROTE, 10_003_000, 10_007_000),
            new Span(Span.Kind.READ, 10_007_000, 10_008_000));
    assertThat(found.seconds(Span.Kind.WROTE)).isEqualTo(0.004);
    assertThat(found.longest(Span.Kind.WAITED)).isEqualTo(0.002);
  }
}

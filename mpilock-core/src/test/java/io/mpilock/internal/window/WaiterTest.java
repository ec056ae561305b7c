/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.local.LocalCluster;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a wait goes on and ends, by a clock that only a sleep moves. */
@Timeout(10)
class WaiterTest {
  private static final int SPINS = 3;
  private static final long YIELD_NANOS = 1_000;
  private static final long START = 5_000_000_000L;
  private static final long SLICE = 20_000_000;

  private final List<Long> slept = new ArrayList<>();
  private final List<String> checked = new ArrayList<>();
  private final List<String> stalls = new ArrayList<>();
  private long now = START;
  private final RankContext node = node();
  private final Bell bell = new Bell(node.window(), 2);

  private RankContext node() {
    NodeWindow window =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (proxy, method, arguments) ->
                    switch (method.getName()) {
                      case "get", "getAndAdd" -> 0L;
                      case "sleepWhile" -> {
                        slept.add((Long) arguments[2]);
                        now += (Long) arguments[2];
                        yield null;
                      }
                      default -> throw new UnsupportedOperationException(method.getName());
                    });
    CoreSettings settings =
        new CoreSettings(
            0,
            false,
            Set.of(),
            0,
            false,
            true,
            Duration.ofSeconds(1),
            Duration.ofSeconds(30),
            Duration.ofSeconds(4),
            1,
            (value, out) -> {},
            in -> null,
            (resource, report) -> stalls.add(resource + ": " + report));
    return new RankContext(
        new LocalCluster(1).world(0),
        window,
        settings,
        new RankContext.Pace(SPINS, YIELD_NANOS, () -> now));
  }

  private Waiter waiter(long timeoutNanos) {
    return new Waiter(
        node,
        "r",
        START,
        timeoutNanos,
        new Waiter.Watch() {
          @Override
          public void check() {
            checked.add((now - START) / 1_000_000 + " ms");
          }

          @Override
          public String describe(long waitedNanos) {
            return "waits " + waitedNanos / 1_000_000 + " ms";
          }
        });
  }

  private static boolean never() {
    return false;
  }

  private void spin(Waiter waiter) {
    for (int i = 0; i < SPINS; i++) {
      assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    }
  }

  @AfterEach
  void nobodyIsLeftInterrupted() {
    Thread.interrupted();
  }

  @Test
  void itSpinsThenYieldsThenSleepsInSlices() {
    Waiter waiter = waiter(Waiter.FOREVER);
    spin(waiter);
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    now += YIELD_NANOS - 1;
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    assertThat(slept).isEmpty();
    now++;
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    assertThat(slept).containsExactly(SLICE, SLICE);
  }

  @Test
  void afterTheSpinningASkipGoesStraightOn() {
    Waiter waiter = waiter(0);
    waiter.skipSpinning();
    assertThat(waiter.pause(bell, WaiterTest::never)).isFalse();
  }

  @Test
  void itGivesUpOnTheDotAndSleepsNoLonger() {
    Waiter waiter = waiter(SLICE + 7);
    spin(waiter);
    now += YIELD_NANOS;
    assertThat(waiter.remainingNanos()).isEqualTo(SLICE + 7 - YIELD_NANOS);
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    assertThat(slept).containsExactly(SLICE + 7 - YIELD_NANOS);
    assertThat(waiter.remainingNanos()).isZero();
    assertThat(waiter.pause(bell, WaiterTest::never)).isFalse();
    assertThat(waiter.wasInterrupted()).isFalse();
    now += 1;
    assertThat(waiter.remainingNanos()).isZero();
  }

  @Test
  void aWaitWithoutEndHasAllTimeLeft() {
    Waiter waiter = waiter(Waiter.FOREVER);
    now += 1_000_000;
    assertThat(waiter.remainingNanos()).isEqualTo(Waiter.FOREVER);
  }

  @Test
  void whatIsDoneInTheLastMomentIsNotSleptOver() {
    Waiter waiter = waiter(Waiter.FOREVER);
    spin(waiter);
    now += YIELD_NANOS;
    assertThat(waiter.pause(bell, () -> true)).isTrue();
    assertThat(slept).isEmpty();
  }

  @Test
  void itLooksForDeathsFourTimesASecond() {
    Waiter waiter = waiter(Waiter.FOREVER);
    spin(waiter);
    now += 10_000_000; // so that no slice ends on a check
    while (now - START < 1_000_000_000) {
      assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    }
    assertThat(checked).containsExactly("250 ms", "510 ms", "770 ms");
  }

  @Test
  void aStallIsToldAfterTheWarningTimeAndAgainAfterAsLong() {
    Waiter waiter = waiter(Waiter.FOREVER);
    spin(waiter);
    now += SLICE;
    while (now - START < 2_500_000_000L) {
      assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    }
    assertThat(stalls).containsExactly("r: waits 1000 ms", "r: waits 2000 ms");
  }

  @Test
  void anInterruptEndsItAndStays() {
    Waiter waiter = waiter(Waiter.FOREVER);
    spin(waiter);
    Thread.currentThread().interrupt();
    assertThat(waiter.pause(bell, WaiterTest::never)).isFalse();
    assertThat(waiter.wasInterrupted()).isTrue();
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    assertThat(slept).isEmpty();
  }

  @Test
  void theCloseOfTheControllerEndsItUnlessItIsPartOfTheClose() {
    Waiter waiter = waiter(Waiter.FOREVER);
    node.markClosed();
    spin(waiter); // what is at hand is still taken
    assertThat(waiter.pause(bell, WaiterTest::never)).isFalse();
    assertThat(waiter.wasInterrupted()).isFalse();
    now += YIELD_NANOS;
    assertThat(waiter.pauseInClose(bell, WaiterTest::never)).isTrue();
    assertThat(slept).hasSize(1);
  }

  @Test
  void aTryEndsWhenItIsRefused() {
    boolean[] refused = {false};
    Waiter waiter = waiter(Waiter.FOREVER).untilRefused(() -> refused[0]);
    assertThat(waiter.isTry()).isTrue();
    assertThat(waiter(Waiter.FOREVER).isTry()).isFalse();
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    refused[0] = true;
    assertThat(waiter.pause(bell, WaiterTest::never)).isFalse();
    assertThat(waiter.wasInterrupted()).isFalse();
  }

  @Test
  void aTryThatIsRefusedOnItsWayToSleepDoesNotSleep() {
    boolean[] refused = {false};
    int[] looks = {0};
    Waiter waiter =
        waiter(Waiter.FOREVER)
            .untilRefused(() -> {
              looks[0]++;
              return refused[0];
            });
    waiter.skipSpinning();
    now += YIELD_NANOS;
    assertThat(waiter.pause(bell, WaiterTest::never)).isTrue();
    assertThat(slept).hasSize(1);
    assertThat(waiter.pause(bell, () -> true)).isTrue();
    assertThat(slept).hasSize(1);
    BooleanSupplier refuses =
        () -> {
          refused[0] = true; // the last moment before it sleeps
          return false;
        };
    assertThat(waiter.pause(bell, refuses)).isTrue();
    assertThat(slept).hasSize(1);
    assertThat(waiter.pause(bell, WaiterTest::never)).isFalse();
    assertThat(looks[0]).isGreaterThanOrEqualTo(4);
  }

  @Test
  void whatOthersRelyOnIsWaitedForThroughInterruptsAndClose() {
    node.markClosed();
    Thread.currentThread().interrupt();
    int[] looks = {0};
    Waiter waiter = waiter(Waiter.FOREVER);
    now += YIELD_NANOS;
    waiter.awaitUninterruptibly(
        bell,
        () -> {
          looks[0]++;
          return slept.size() == 2;
        });
    assertThat(slept).containsExactly(SLICE, SLICE);
    assertThat(Thread.interrupted()).as("the interrupt is told afterwards").isTrue();
    waiter.awaitUninterruptibly(bell, () -> true);
    waiter.awaitUninterruptibly(bell, () -> slept.size() == 3);
    assertThat(Thread.interrupted()).as("nobody interrupted").isFalse();
  }
}

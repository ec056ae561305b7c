/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import io.mpilock.JobCounter;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class UnlockedLockTemplateTests {
  private final LockTemplate locks =
      LockTemplate.withoutLocks(2, 4, ControllerOptions.defaults().withMaster(1));

  @Test
  void everyRankRunsEveryBodyAndGetsItsOwnResult() {
    assertThat(locks.read(() -> 1)).isEqualTo(1);
    assertThat(locks.write(() -> 2)).isEqualTo(2);
    assertThat(locks.singleWrite(() -> 3)).isEqualTo(3);
    assertThat(locks.singleWrite(0, () -> 4)).isEqualTo(4);
    assertThat(locks.on("x").withTimeout(Duration.ZERO).read(() -> 5)).isEqualTo(5);
    String shared =
        locks.<String, RuntimeException>singleWriteFenced(fence -> {
          fence.guard();
          fence.share("mine");
        });
    assertThat(shared).isEqualTo("mine");
  }

  @Test
  void theOtherFormsRunToo() throws Exception {
    Duration day = Duration.ofDays(1);
    assertThat(locks.tryRead(() -> 1)).contains(1);
    assertThat(locks.tryWrite(day, () -> 2)).contains(2);
    assertThat(locks.tryReadWithoutResult(day, () -> {})).isTrue();
    assertThat(locks.tryWriteWithoutResult(() -> {})).isTrue();
    int read =
        locks.readWithLease(lease -> {
          assertThat(lease.token()).isZero();
          return lease.upgrade(write -> {
            assertThat(write.intervened()).isFalse();
            write.downgrade();
            return 3;
          });
        });
    assertThat(read).isEqualTo(3);
    assertThat(locks.<Long, RuntimeException>writeWithLease(LeasedWrite::token)).isZero();
    assertThat(locks.<Integer, RuntimeException>optimisticRead(() -> 4)).isEqualTo(4);
    LockGroup group = locks.group().read("a").write("b");
    assertThat(group.<Integer, RuntimeException>run(() -> 5)).isEqualTo(5);
    assertThat(group.tryRun(day, () -> 6)).contains(6);
    assertThat(group.tryRunWithoutResult(() -> {})).isTrue();
    String shared =
        locks.<String, RuntimeException>singleWriteFenced(
            3,
            fence -> {
              fence.guard();
              fence.share("mine");
            });
    assertThat(shared).isEqualTo("mine");
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(
            () -> locks.<String, RuntimeException>singleWriteFenced(4, fence -> fence.guard()));
  }

  @Test
  void everyRankCountsAlone() {
    JobCounter rows = locks.counter("rows");
    assertThat(locks.on("another").counter("rows")).isSameAs(rows);
    assertThat(rows.name()).isEqualTo("rows");
    assertThat(rows.add(3)).isEqualTo(3);
    assertThat(rows.next(2)).isEqualTo(3);
    assertThat(rows.next()).isEqualTo(5);
    assertThat(rows.get()).isEqualTo(6);
    assertThat(locks.counter("others").get()).isZero();
    rows.reset(JobCounter.MOST);
    assertThatThrownBy(() -> rows.add(1))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("'rows' stands at " + JobCounter.MOST);
    assertThat(rows.get()).isEqualTo(JobCounter.MOST);
    assertThatThrownBy(() -> rows.next(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rows.reset(JobCounter.LEAST - 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatMustBeHeldCountsAsHeld() {
    assertThat(locks.isHeldByCurrentThread()).isTrue();
    assertThat(locks.isWriteHeldByCurrentThread()).isTrue();
    locks.requireHeld();
    locks.requireWriteHeld();
  }

  @Test
  void eachRankHearsOnlyItself() {
    assertThat(locks.allGather("mine")).containsExactly("mine", "mine", "mine", "mine");
    locks.barrier();
  }

  @Test
  void nothingIsLocked() {
    int result = locks.read(() -> locks.write(() -> 1)); // a lock would refuse it
    assertThat(result).isEqualTo(1);
  }

  @Test
  void whatACallbackThrowsReachesTheCallerAsThrown() {
    IOException failure = new IOException();
    LockedRunnable<IOException> failing =
        () -> {
          throw failure;
        };
    assertThatThrownBy(() -> locks.readWithoutResult(failing)).isSameAs(failure);
    assertThatThrownBy(() -> locks.writeWithoutResult(failing)).isSameAs(failure);
    assertThatThrownBy(() ->
            locks.<String, IOException>singleWriteFenced(fence -> {
              throw failure;
            }))
        .isSameAs(failure);
  }

  @Test
  void tellsWhereTheLauncherPutIt() {
    assertThat(locks.rank()).isEqualTo(2);
    assertThat(locks.size()).isEqualTo(4);
    assertThat(locks.master()).isEqualTo(1);
    assertThat(locks.isMaster()).isFalse();
  }

  @Test
  void refusesARankThatIsNotThere() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> locks.singleWrite(4, () -> 0))
        .withMessageContaining("numbered 0 to 3");
  }
}

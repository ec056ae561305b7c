/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.MpilockException;
import io.mpilock.internal.ControllerCore;
import io.mpilock.internal.PlayedNodes;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.testing.Silent;
import io.mpilock.transport.local.LocalCluster;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two ranks of one node, with room for few names, and the real garbage collector. */
@Timeout(180)
@ExtendWith(Silent.class)
class LockTableTest {
  private static final int ROOM = 3000;

  private static final CoreSettings SETTINGS =
      new CoreSettings(
          0,
          false,
          Set.of(),
          0,
          false,
          true,
          Duration.ofHours(1),
          Duration.ofSeconds(30),
          Duration.ofHours(1),
          (Layout.directory(2, 2) + ROOM * Layout.entryWords(8, 2)) / 2,
          (value, out) -> {},
          in -> "",
          (resource, report) -> {});

  private final List<ControllerCore> cores = new ArrayList<>();

  @BeforeEach
  void open() throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    List<CompletableFuture<ControllerCore>> opening = new ArrayList<>();
    for (int rank = 0; rank < 2; rank++) {
      int mine = rank;
      opening.add(PlayedNodes.start(() -> ControllerCore.open(cluster.world(mine), SETTINGS)));
    }
    for (CompletableFuture<ControllerCore> each : opening) {
      cores.add(PlayedNodes.get(each));
    }
  }

  @AfterEach
  void close() throws Exception {
    List<CompletableFuture<Boolean>> closing = new ArrayList<>();
    for (ControllerCore core : cores) {
      closing.add(PlayedNodes.start(core::close));
    }
    for (CompletableFuture<Boolean> each : closing) {
      assertThat(PlayedNodes.get(each)).isTrue();
    }
  }

  private static void write(RankLock lock) {
    ThreadHold hold = lock.hold();
    assertThat(hold.acquireWrite(lock, 0)).isTrue();
    hold.releaseWrite(lock);
  }

  @Test
  void moreNamesThanThereIsRoomForComeAndGoWhileOneIsKept() {
    RankLock kept = cores.get(0).resource("kept");
    assertThat(kept.hold().acquireWrite(kept, 0)).isTrue();
    for (int i = 0; i < 20 * ROOM; i++) {
      write(cores.get(i & 1).resource("r" + i));
    }
    RankLock theirs = cores.get(1).resource("kept");
    assertThat(theirs.lockLine()).isEqualTo(kept.lockLine());
    assertThat(theirs.hold().acquireWrite(theirs, 0)).isFalse();
    kept.hold().releaseWrite(kept);
    write(theirs);
    DirectoryUse use = cores.get(1).names();
    assertThat(use.names()).isBetween(1L, (long) ROOM);
    assertThat(use.reclaimed()).isGreaterThanOrEqualTo(20L * ROOM - use.names());
    assertThat(use.usedWords()).isBetween(1L, use.words());
  }

  /** Each as the only thing that the thread keeps of the lock. */
  @Test
  void whatAThreadHoldsThatHasLetGoOfEveryObjectIsItsOwnStill() throws Exception {
    ControllerCore core = cores.get(0);
    RankLock early = core.resource("early");
    names(core, 2 * ROOM);
    assertThat(early.hold().acquireWrite(early, 0))
        .isTrue(); // after it was looked at the last time
    WeakReference<RankLock> gone = new WeakReference<>(early);
    early = null;
    assertThat(core.resource("late").hold().acquireRead(core.resource("late"), 0)).isTrue();
    names(core, 2 * ROOM);
    System.gc();
    names(core, ROOM);
    assertThat(gone.refersTo(null)).isTrue();
    RankLock theirs = cores.get(1).resource("early");
    assertThat(theirs.hold().acquireRead(theirs, 0)).isFalse();
    RankLock mine = core.resource("early");
    assertThat(mine.hold().isWriting()).isTrue();
    assertThat(mine.hold().acquireWrite(mine, 0)).as("once more").isTrue();
    mine.hold().releaseWrite(mine);
    mine.hold().releaseWrite(mine);
    write(theirs);
    RankLock late = core.resource("late");
    assertThat(late.hold().isReading()).isTrue();
    late.hold().releaseRead(late);
  }

  private static void names(ControllerCore core, int count) {
    for (int i = 0; i < count; i++) {
      write(core.resource("r" + i));
    }
  }

  @Test
  void aFewLocksAreKept() {
    WeakReference<RankLock> one = new WeakReference<>(cores.get(0).resource("one"));
    System.gc();
    assertThat(one.get()).isSameAs(cores.get(0).resource("one"));
  }

  /** By nobody who could ask for it again. */
  @Test
  void whatACounterStandsAtIsNotForgotten() {
    new RankCounter(cores.get(0).counter("kept")).add(5);
    new RankCounter(cores.get(0).counter("left")).add(7);
    new RankCounter(cores.get(0).counter("unused")).add(0);
    for (int i = 0; i < 4 * ROOM; i++) {
      write(cores.get(i & 1).resource("r" + i));
    }
    assertThat(new RankCounter(cores.get(1).counter("kept")).get()).isEqualTo(5);
    cores.remove(0).abandon(); // then no rank has the others
    long before = cores.get(0).names().reclaimed();
    for (int i = 0; i < 4 * ROOM; i++) {
      write(cores.get(0).resource("s" + i));
    }
    assertThat(cores.get(0).names().reclaimed()).isGreaterThan(before + ROOM);
    assertThat(new RankCounter(cores.get(0).counter("left")).get()).isEqualTo(7);
    assertThat(new RankCounter(cores.get(0).counter("unused")).get()).isZero();
    assertThat(new RankCounter(cores.get(0).counter("kept")).get()).isEqualTo(5);
  }

  @Test
  void aNameThatReturnsBeginsAboveWhatItHad() {
    long before = 0;
    for (int round = 0; round < 20; round++) {
      RankLock lock = cores.get(0).resource("returns");
      ThreadHold hold = lock.hold();
      assertThat(hold.acquireWrite(lock, 0)).isTrue();
      assertThat(hold.token()).isGreaterThan(before);
      before = hold.token();
      hold.releaseWrite(lock);
      for (int i = 0; i < ROOM; i++) {
        write(cores.get(0).resource(round + "-" + i));
      }
    }
    assertThat(cores.get(0).names().reclaimed()).isGreaterThan(ROOM);
  }

  @Test
  void aRankThatAsksForNoMoreGivesBackWhatItHad() {
    for (int i = 0; i < ROOM - 10; i++) {
      write(cores.get(0).resource("a" + i));
    }
    for (int i = 0; i < ROOM; i++) {
      write(cores.get(1).resource("b" + i));
    }
    assertThat(cores.get(1).names().names()).isLessThanOrEqualTo(ROOM);
  }

  @Test
  void whoNeedsThemAllIsToldThatThereIsNoRoom() {
    List<RankLock> kept = new ArrayList<>();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i <= ROOM; i++) {
                kept.add(cores.get(0).resource("r" + i));
              }
            })
        .isInstanceOf(MpilockException.class)
        .hasMessageContaining("There is no room for resource");
    kept.forEach(LockTableTest::write);
    int had = kept.size();
    assertThat(had).isGreaterThan(ROOM - 10);
    kept.subList(1, had).clear();
    for (int i = 0; i < ROOM / 2; i++) {
      write(cores.get(1).resource("b" + i));
    }
    write(kept.getFirst());
  }
}

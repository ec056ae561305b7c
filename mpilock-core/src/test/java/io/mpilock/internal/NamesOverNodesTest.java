/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.rank.DirectoryUse;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.testing.Silent;
import io.mpilock.transport.local.LocalCluster;
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

/** Two nodes of one rank, with room for few names, and the real garbage collector. */
@Timeout(180)
@ExtendWith(Silent.class)
class NamesOverNodesTest {
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
          Layout.directory(2, 2) + ROOM * Layout.entryWords(8, 2),
          (value, out) -> {},
          in -> "",
          (resource, report) -> {});

  private final List<ControllerCore> cores = new ArrayList<>();

  @BeforeEach
  void open() throws Exception {
    LocalCluster cluster = new LocalCluster(1, 1);
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
  void moreNamesThanThereIsRoomForComeAndGoOnBothNodesWhileOneIsKept() {
    RankLock kept = cores.get(0).resource("kept");
    assertThat(kept.hold().acquireWrite(kept, 0)).isTrue();
    long token = 0;
    for (int i = 0; i < 5 * ROOM; i++) {
      ControllerCore core = cores.get(i & 1);
      write(core.resource("r" + i));
      if (i % 100 == 0) {
        RankLock returns = core.resource("returns");
        assertThat(returns.hold().acquireWrite(returns, Long.MAX_VALUE)).isTrue();
        assertThat(returns.hold().token()).isGreaterThan(token);
        token = returns.hold().token();
        returns.hold().releaseWrite(returns);
      }
    }
    RankLock theirs = cores.get(1).resource("kept");
    assertThat(theirs.hold().acquireWrite(theirs, 0)).isFalse();
    kept.hold().releaseWrite(kept);
    write(theirs);
    for (ControllerCore core : cores) {
      DirectoryUse use = core.names();
      assertThat(use.names()).isBetween(1L, (long) ROOM);
      assertThat(use.reclaimed()).isGreaterThan(ROOM);
    }
  }
}

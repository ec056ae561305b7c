/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static io.mpilock.internal.SequentialLock.check;

import io.mpilock.Leases;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.internal.InterleavedRanks.Player;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import java.util.ArrayList;
import java.util.List;

/**
 * A rank closes its controller while threads of it, and one of another rank, hold the lock and wait
 * for it; run under Lincheck. A waiting thread sees a close when a slice of its sleep ends, so here
 * slices end once the close has begun, and for the closing rank only.
 *
 * @param reads whether the threads of the closing rank read
 * @param other what the other rank does
 * @param blind the fault that waiting threads do not see the close
 */
record InterleavedClose(boolean reads, Other other, boolean blind) implements Runnable {

  /** What the other rank does. */
  enum Other {
    /** It has left, so that the close waits for nobody else. */
    LEFT,
    /** It writes, and then leaves. */
    WRITES,
    /** It holds the write until all is over, so that only the close ends the others' waits. */
    HOLDS
  }

  private static final int USERS = 2;
  private static final int RANKS = 2;
  private static final long WORDS =
      Layout.directory(RANKS + 1, RANKS) + Layout.LINE + 2 * Layout.entryWords(1, RANKS);

  /** Uses the lock until its controller is closed, or once. */
  private static class User extends Player {
    private final ResourceLock lock;
    private final SequentialLock specification;
    private final boolean reads;

    User(String name, ResourceLock lock, SequentialLock specification, boolean reads) {
      super(name);
      this.lock = lock;
      this.specification = specification;
      this.reads = reads;
    }

    @Override
    void play() {
      if (reads) {
        try (var lease = lock.read()) {
          specification.beginRead(lease.token());
          specification.endRead();
        }
      } else {
        try (WriteLease lease = lock.write()) {
          specification.beginWrite(lease.token());
          specification.endWrite();
        }
      }
    }
  }

  /** Uses the lock of the closing rank. */
  private static final class Local extends User {
    private boolean refused;

    Local(String name, ResourceLock lock, SequentialLock specification, boolean reads) {
      super(name, lock, specification, reads);
    }

    @Override
    void play() {
      try {
        super.play();
      } catch (ControllerClosedException e) {
        refused = true;
      }
    }
  }

  private static final class Closer extends Player {
    private final ControllerCore core;
    private final List<? extends InterleavedThread> locals;

    Closer(ControllerCore core, List<? extends InterleavedThread> locals) {
      super("closer");
      this.core = core;
      this.locals = locals;
    }

    @Override
    void play() {
      check(core.close(), "the close is the first");
    }
  }

  /** The close waits: time passes for the threads of its rank. */
  private static void rest(long nanos) {
    if (Thread.currentThread() instanceof Closer closer) {
      closer.locals.forEach(InterleavedThread::endSlices);
    }
  }

  @Override
  public void run() {
    CoreSettings settings = Simulation.settings(false, 0, false);
    RankContext.Pace pace =
        new RankContext.Pace(
            0, 0, InterleavedThread::now, InterleavedClose::rest, new InterleavedThread.Parking());
    InterleavedWindow words = new InterleavedWindow(WORDS);
    RankContext neighbour = new RankContext(new OneNode(1, RANKS, words), words, settings, pace);
    words.set(Layout.READY, 1);
    neighbour.life(
        switch (other) {
          case LEFT -> RankContext.LEFT;
          case WRITES -> RankContext.OPEN;
          case HOLDS -> RankContext.CLOSING;
        });
    words.set(Layout.slot(1) + Layout.SETTINGS, fingerprint(settings, pace));
    ControllerCore core =
        ControllerCore.open(
            new OneNode(0, RANKS, words), settings, pace, Agent.onThread(), Agent.ARITY);
    RankLock mine = core.resource("r");
    ResourceLock lock = Leases.over(mine, core.collectives());
    RankLock others = new RankLock("r", new RankThreads(neighbour), mine.lockLine());
    SequentialLock specification = new SequentialLock();
    List<Local> locals = new ArrayList<>();
    for (int i = 0; i < USERS; i++) {
      locals.add(new Local("user " + i, lock, specification, reads));
    }
    ResourceLock otherLock = Leases.over(others, new CollectiveCalls(neighbour, index -> "r"));
    List<Player> players = new ArrayList<>(locals);
    players.add(new Closer(core, blind ? List.of() : locals));
    if (other == Other.WRITES) {
      players.add(
          new User("other rank", otherLock, specification, false) {
            @Override
            void play() {
              super.play();
              neighbour.life(RankContext.LEFT);
              neighbour.ringCollective();
            }
          });
    }
    WriteLease held = other == Other.HOLDS ? otherLock.write() : null;
    InterleavedRanks.play(players);
    if (held != null) {
      for (Local local : locals) {
        check(local.refused, "who waits is told of the close");
      }
      held.close();
    }
    check(core.isClosed(), "closed");
    try {
      lock.read().close();
      throw new AssertionError("a read after the close was granted");
    } catch (ControllerClosedException e) {
      // as it must be
    }
    others.words().recover(); // a request that the close overtook may be left
    InterleavedRanks.checkNothingIsLeft(words, mine.lockLine(), RANKS);
  }

  /** What a rank with these settings writes into its slot. */
  private static long fingerprint(CoreSettings settings, RankContext.Pace pace) {
    InterleavedWindow words = new InterleavedWindow(WORDS);
    ControllerCore.open(new OneNode(0, 1, words), settings, pace, Agent.onThread(), Agent.ARITY);
    return words.get(Layout.slot(0) + Layout.SETTINGS);
  }
}

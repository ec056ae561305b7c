/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import org.jspecify.annotations.Nullable;

/**
 * One rank's opening of a controller: how far it has come, and who is told if it is cut short. The
 * others wait for this rank, first in the transport's collective calls, then at the words of the
 * window, then in the agents of the other nodes; and where they are through already, they count on
 * it.
 */
public final class Opening {
  private final Communicator communicator;
  private @Nullable NodeWindow window;
  private @Nullable RankContext node;
  private @Nullable Messenger messenger;
  private @Nullable ControllerCore core;

  /** Whether this rank has made all collective calls of the transport that others may wait in. */
  private boolean inStep;

  private boolean isCutShort;

  /**
   * Begins.
   *
   * @param communicator the ranks; private to the controller
   */
  public Opening(Communicator communicator) {
    this.communicator = communicator;
  }

  Communicator communicator() {
    return communicator;
  }

  NodeWindow has(NodeWindow opened, boolean allOnThisNode) {
    window = opened;
    inStep = allOnThisNode; // else the messenger is to come
    return opened;
  }

  RankContext has(RankContext made) {
    node = made;
    return made;
  }

  void has(@Nullable Messenger opened) {
    messenger = opened;
    inStep = true;
  }

  ControllerCore has(ControllerCore made) {
    core = made;
    return made;
  }

  /**
   * Sets a controller up. Collective.
   *
   * @param settings how it behaves
   * @return this rank's part
   * @throws StartupException if there is no memory, or the ranks disagree: on all ranks alike
   * @throws RankFailedException if another rank died, or its opening was cut short
   */
  public ControllerCore open(CoreSettings settings) {
    int here =
        RankContext.ranksOf(communicator, communicator.member(communicator.rank()).node()).length;
    return ControllerCore.open(
        this, settings, RankContext.Pace.of(here), Agent.onThread(), Agent.ARITY);
  }

  /**
   * Ends it, and tells whoever waits for this rank, or counts on it. Nothing if that was done.
   * Never throws, and waits for nobody.
   *
   * @param failure why; a {@link StartupException} is thrown on all ranks alike
   */
  public void cutShort(Throwable failure) {
    if (isCutShort) {
      return;
    }
    isCutShort = true;
    boolean alike = failure instanceof StartupException;
    if (!alike && !inStep) {
      tell(communicator, failure);
    }
    NodeWindow opened = window;
    if (opened == null) {
      return;
    }
    if (!alike) {
      attempt(() -> RankContext.tellCutShort(communicator, opened, failure));
      attempt(this::goDead);
    }
    attempt(this::endAgent);
    attempt(opened::free);
  }

  /**
   * Tells those who wait in a collective call on a communicator.
   *
   * @param communicator the ranks
   * @param failure why this rank does not come
   */
  public static void tell(Communicator communicator, Throwable failure) {
    if (!(failure instanceof StartupException)) {
      attempt(() -> communicator.cutShort(failure));
    }
  }

  /** For those who are through: they would wait for this rank as long as its process lives. */
  private void goDead() {
    if (node != null) {
      node.go(RankContext.DEAD);
      node.ringCollective();
    }
  }

  private void endAgent() {
    if (core != null) {
      core.endAgent();
    } else if (messenger != null) {
      try {
        if (node != null && node.me() == 0) { // the agent would have
          Agent.sayBroken(node, messenger);
        }
      } finally {
        messenger.close();
      }
    }
  }

  private static void attempt(Runnable step) {
    try {
      step.run();
    } catch (Throwable untold) {
      // The next step may do; the caller gets the first failure.
    }
  }
}

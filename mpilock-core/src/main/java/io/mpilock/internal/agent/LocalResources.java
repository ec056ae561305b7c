/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.PermissionHolder;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The resources that ranks of this node use: for each a gate and a {@link PermissionHolder}. Used
 * by the agent's thread only.
 */
final class LocalResources {
  private final RankContext node;
  private final NodeWindow window;
  private final Directory directory;
  private final ObjIntConsumer<Message> outbox;
  private final Map<Long, LocalResource> resources = new LinkedHashMap<>();

  /** How many holders were to retire, and are not known to have. */
  private int retiring;

  /** All have: what they held permissions for can be freed. */
  private boolean sweeps;

  /** A resource on this node. */
  private record LocalResource(NodeGate gate, PermissionHolder holder) {
    void look() {
      holder.look();
      int freed = gate.takeClear();
      if (freed >= 0) {
        holder.clear(freed);
      }
    }
  }

  /**
   * None yet.
   *
   * @param outbox takes a message to a node
   */
  LocalResources(RankContext node, Directory directory, ObjIntConsumer<Message> outbox) {
    this.node = node;
    this.window = node.window();
    this.directory = directory;
    this.outbox = outbox;
  }

  /** Looks at what a resource's ranks want, and at what its home wants back. */
  void look(long lockLine) {
    LocalResource local = local(lockLine);
    if (local != null) {
      local.look();
    }
  }

  /**
   * The holder of the resource that a message is about.
   *
   * @throws IllegalArgumentException if no rank of this node has named it
   */
  PermissionHolder holder(Message.OfLock message) {
    Long lockLine = directory.known(message.resource());
    LocalResource local = lockLine == null ? null : local(lockLine);
    if (local == null) {
      throw new IllegalArgumentException("nobody here knows '" + message.resource() + "'");
    }
    return local.holder();
  }

  private @Nullable LocalResource local(long lockLine) {
    LocalResource known = resources.get(lockLine);
    if (known == null) {
      String resource = directory.name(lockLine);
      if (resource != null) {
        NodeGate gate = new NodeGate(node, lockLine, resource);
        int home = node.homeOf(resource);
        known =
            new LocalResource(
                gate,
                new PermissionHolder(
                    gate,
                    PermissionHolder.Outbox.sending(
                        resource, message -> outbox.accept(message, home))));
        resources.put(lockLine, known);
      }
    }
    return known;
  }

  /**
   * Looks at those that a dead rank, or a wait of a whole tick, may have left to be looked at.
   *
   * @param death whether a rank of this node has died: then at all, since it may have been about to
   *     tell of any
   */
  void lookAfterTick(boolean death) {
    if (death) {
      directory.lockLines().forEach(this::local);
    }
    for (LocalResource local : resources.values()) {
      if (death || local.holder().isRecalled() || local.gate().isUnsettled()) {
        local.gate().noteToken();
        local.gate().recover();
        local.look();
      }
    }
  }

  /** Wakes all who wait for any. */
  void ringAll() {
    resources.values().forEach(local -> local.gate().ringAll());
  }

  // Names that no rank of this node has any more.

  /** A home has taken note that this node has given a permission back. */
  void retired(Message.Retired message) {
    holder(message).retired();
    retiring--;
    sweeps |= retiring == 0;
  }

  /**
   * Frees those whose permission is given back, and gives back that of the others; tells whether it
   * has looked.
   */
  boolean sweep() {
    if (!sweeps && window.get(Layout.SWEEP) == 0) {
      return false;
    }
    window.set(Layout.SWEEP, 0); // before the look: who finds no room after it tells again
    retiring = 0;
    sweeps = !directory.tryFree(new Retirement()); // else again in the next turn, or with the tick
    return !sweeps;
  }

  private final class Retirement implements Directory.Retirement {
    @Override
    public boolean isRetired(long lockLine) {
      LocalResource local = local(lockLine);
      if (local == null) {
        return false;
      }
      local.holder().retire();
      if (!local.holder().isRetired()) {
        retiring++;
        return false;
      }
      return true;
    }

    @Override
    public void freed(long lockLine) {
      resources.remove(lockLine);
    }
  }
}

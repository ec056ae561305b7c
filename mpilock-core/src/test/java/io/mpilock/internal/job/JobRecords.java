/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What of one resource is where: on record at its home, with its nodes, and in the messages between
 * them. Sees each message when it is sent and when it arrives.
 *
 * <p>For each node let <i>record</i> be the home's, <i>held</i> the holder's permission, <i>g1 …
 * gk</i> those in grants that are on the way to the node, and <i>y1 … yl</i> what is kept by yields
 * that are on the way from it, each in the order in which they were sent; a node that retires
 * yields if it had what is on record, and nothing else. Then, after every step:
 *
 * <ol>
 *   <li>At most one node has record EXCLUSIVE, and if one has, all others have record NONE.
 *   <li>k = 0 or l = 0: a grant and a yield never cross.
 *   <li>held &lt; g1 &lt; … &lt; gk = record, if k &gt; 0; record &gt; y1 &gt; … &gt; yl = held, if
 *       l &gt; 0; and record = held if both are 0. So no permission is lost, and none is twice.
 *   <li>The node's gate lets in for held at most.
 *   <li>If no request, cancel or grant is on the way between the two, the node asks if and only if
 *       it is in one of the home's queues.
 *   <li>If the home's next is a writer, each other node with a record is recalled, or a recall is
 *       on the way to it, or a yield from it: nobody waits for a node that does not know.
 *   <li>At most one node could be let in to write: gates open for EXCLUSIVE are alone.
 *   <li>A request is sent only while no recall is unanswered.
 * </ol>
 *
 * <p>When a writer died and the home knows, 2, 3, 5 and 6 end; instead no record is left, and each
 * node that still has something has word of it on the way. When it is given free they begin anew, 5
 * once the node has heard of that. Between the home and a node that is lost messages disappear, so
 * of 2, 3, 5 and 6 only held &lt;= record is left, which keeps exclusion.
 */
final class JobRecords {
  private final IntFunction<Permission> onRecord;
  private final HomeWatch watch;
  private final List<PermissionHolder> holders = new ArrayList<>();
  private final List<SimulatedGate> gates = new ArrayList<>();
  private final List<Deque<Message.OfLock>> toHome = new ArrayList<>();
  private final List<Deque<Message.OfLock>> toNode = new ArrayList<>();
  private final boolean[] cut;
  private boolean poisoned;

  JobRecords(IntFunction<Permission> onRecord, HomeWatch watch, int nodes) {
    this.onRecord = onRecord;
    this.watch = watch;
    this.cut = new boolean[nodes];
    for (int node = 0; node < nodes; node++) {
      toHome.add(new ArrayDeque<>());
      toNode.add(new ArrayDeque<>());
    }
  }

  /** The next node. */
  void seat(PermissionHolder holder, SimulatedGate gate) {
    holders.add(holder);
    gates.add(gate);
  }

  /** A node has dropped what it had of the resource, and begins anew. */
  void seat(int node, PermissionHolder holder, SimulatedGate gate) {
    if (!toNode.get(node).isEmpty()) {
      throw new AssertionError("dropped, and owed " + toNode.get(node));
    }
    holders.set(node, holder);
    gates.set(node, gate);
  }

  void sent(int node, Message.OfLock message) {
    if (message instanceof Message.Request && holders.get(node).isRecalled()) {
      throw new AssertionError("node " + node + " asks before it has answered a recall");
    }
    queue(node, message).add(message);
  }

  /** It is about to be handled, or was lost. */
  void arrived(Message.OfLock message, int node) {
    queue(node, message).remove();
  }

  private Deque<Message.OfLock> queue(int node, Message.OfLock message) {
    return switch (message) {
      case Message.Request _,
          Message.Plead _,
          Message.Cancel _,
          Message.Yield _,
          Message.Settled _,
          Message.Clear _,
          Message.Retire _ ->
          toHome.get(node);
      default -> toNode.get(node);
    };
  }

  void poisoned() {
    poisoned = true;
  }

  /** The resource was given free. What the nodes know of that is on the way to them. */
  void cleared() {
    poisoned = false;
  }

  /** Whether all nodes know whether the resource is poisoned. */
  boolean isPoisonKnown() {
    for (Deque<Message.OfLock> queue : toNode) {
      if (isPoisonOnItsWay(queue)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPoisonOnItsWay(Deque<Message.OfLock> queue) {
    return has(queue, Message.Poison.class) || has(queue, Message.Cleared.class);
  }

  /** A node is lost; if it is the home's, all others are cut off from the home. */
  void lost(int node, boolean ofHome) {
    for (int other = 0; other < cut.length; other++) {
      cut[other] |= ofHome || other == node;
    }
  }

  private static boolean has(Deque<Message.OfLock> queue, Class<?> type) {
    for (Message.OfLock message : queue) {
      if (type.isInstance(message)) {
        return true;
      }
    }
    return false;
  }

  /** What is wrong, or null. */
  @Nullable String check() {
    int recorded = 0;
    int owners = 0;
    int open = 0;
    int openToWrite = 0;
    for (int node = 0; node < cut.length; node++) {
      Permission record = onRecord.apply(node);
      recorded += record == NONE ? 0 : 1;
      owners += record == EXCLUSIVE ? 1 : 0;
      Permission level = gates.get(node).level();
      if (!gates.get(node).isPoisoned()) {
        open += level == NONE ? 0 : 1;
        openToWrite += level == EXCLUSIVE ? 1 : 0;
        if (holders.get(node).held().isBelow(level)) {
          return "the gate of node " + node + " is open for more than the node has";
        }
      }
      String wrong = check(node, record);
      if (wrong != null) {
        return wrong
            + " (node "
            + node
            + ", on the way there "
            + toNode.get(node)
            + " and from there "
            + toHome.get(node)
            + ")";
      }
    }
    if (owners > 0 && recorded > 1) {
      return "a node has EXCLUSIVE on record, and is not alone";
    }
    if (openToWrite > 0 && open > 1) {
      return "a gate is open to write, and is not alone";
    }
    return null;
  }

  private @Nullable String check(int node, Permission record) {
    Permission held = holders.get(node).held();
    if (poisoned) {
      return record != NONE
          ? "on record after a writer's death"
          : held != NONE && !cut[node] && !has(toNode.get(node), Message.Poison.class)
              ? "not told of a writer's death"
              : null;
    }
    if (record.isBelow(held)) {
      return "it has more than is on record";
    }
    if (cut[node]) {
      return null;
    }
    Permission at = held;
    boolean granted = false;
    boolean asked = false;
    boolean recalled = holders.get(node).isRecalled();
    for (Message.OfLock message : toNode.get(node)) {
      recalled |= message instanceof Message.Recall;
      if (message instanceof Message.Grant grant) {
        if (!at.isBelow(grant.permission())) {
          return "a grant gives nothing";
        }
        at = grant.permission();
        granted = true;
      }
    }
    Permission last = record;
    boolean yields = false;
    for (Message.OfLock message : toHome.get(node)) {
      asked |= message instanceof Message.Request || message instanceof Message.Cancel;
      if (message instanceof Message.Yield yield) {
        if (!yield.kept().isBelow(last)) {
          return "a yield gives nothing";
        }
        last = yield.kept();
        yields = true;
      }
      if (message instanceof Message.Retire retire
          && retire.held() == last
          && last != NONE) { // else a grant is on its way, and the home takes nothing back
        last = NONE;
        yields = true;
      }
    }
    if (granted && yields) {
      return "a grant and a yield cross";
    }
    if (granted ? at != record : last != held) {
      return "what is on record is nowhere";
    }
    if (!granted
        && !asked
        && !isPoisonOnItsWay(toNode.get(node))
        && holders.get(node).isAsking() != watch.isQueued(node)) {
      return watch.isQueued(node) ? "queued, and does not ask" : "asks, and is not queued";
    }
    if (record != NONE && !recalled && !yields && watch.isInTheWay(node)) {
      return "in the way of a writer, and not told";
    }
    return null;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ObjIntConsumer;

/**
 * One resource at its home node: which node has which permission, and who waits for one.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>If a node is on record with EXCLUSIVE, no other node is on record at all.
 *   <li>A node has at most what is on record: a grant is put on record before it is sent, a
 *       permission is taken off when its yield has arrived.
 *   <li>A grant and a yield never cross: a node that was told a limit below what is on record for
 *       it is granted nothing before its yield has arrived, even if the limit was taken back since,
 *       for it may have yielded before it heard of that.
 *   <li>A node that waits is in one queue once, and wants more than it has.
 *   <li>While somebody waits that cannot be granted, each node on record that is in the way has
 *       been told a limit that it is above. A node that may be yielding is in the way of its own
 *       request to write.
 *   <li>A try is refused only because of a node that holds, or waits for, what is in its way, and
 *       that has said so in answer to a question that was sent after the try had come here and
 *       after that node was last granted or recalled anything. Since messages keep their order,
 *       whatever that node had given up before is known here then.
 *   <li>While a try waits here, each node that is in its way is asked. So a try waits for answers,
 *       and for nobody's hold: those who are before it are granted what they wait for at most once.
 *   <li>A node that retires gives back what it had when it said so, or nothing: more is on record
 *       only if a grant is on its way to it. Either way it is answered, after all that was sent to
 *       it before; and from then on it is sent nothing, unless it asks or that grant has come.
 *   <li>When nothing is on record, and the value is 0, a new home with at least this token does as
 *       well.
 *   <li>The value of a counter is that of the node that is on record with EXCLUSIVE, and as long as
 *       none is, what stands here: the last such node has told it when it gave that up.
 * </ol>
 *
 * <p>Writers go first, in the order of their requests; with {@code phaseFair} the readers that wait
 * when a write permission comes back go before the next writer.
 *
 * <p>Source: distributed lock managers with tokens that stay until they are recalled, as in Schmuck
 * and Haskin, "GPFS: A Shared-Disk File System for Large Computing Clusters" (FAST 2002), section
 * 3.
 *
 * <p>Long, since the invariants are about all of it: a part alone could not be checked.
 */
public final class PermissionServer {

  /** Where a home's messages go. The home's own node is reached the same way. */
  public interface Outbox {

    /**
     * Sends each as the message of its name.
     *
     * @param resource the resource
     * @param send takes a message to a node
     * @return the outbox
     */
    static Outbox sending(String resource, ObjIntConsumer<? super Message.OfLock> send) {
      return new Outbox() {
        @Override
        public void grant(int node, Permission permission, long token, long value) {
          send.accept(new Message.Grant(resource, permission, token, value), node);
        }

        @Override
        public void recall(int node, Permission limit) {
          send.accept(new Message.Recall(resource, limit), node);
        }

        @Override
        public void settle(int node) {
          send.accept(new Message.Settle(resource), node);
        }

        @Override
        public void refuse(int node, long tries) {
          send.accept(new Message.Refuse(resource, tries), node);
        }

        @Override
        public void poison(int node, int rank) {
          send.accept(new Message.Poison(resource, rank), node);
        }

        @Override
        public void confirm(int node, int rank) {
          send.accept(new Message.Confirm(resource, rank), node);
        }

        @Override
        public void cleared(int node) {
          send.accept(new Message.Cleared(resource), node);
        }

        @Override
        public void retired(int node) {
          send.accept(new Message.Retired(resource), node);
        }
      };
    }

    /**
     * Gives a node a permission.
     *
     * @param node the node
     * @param permission what it has from now on
     * @param token the token of the last write
     * @param value what a counter stands at; 0 of all else
     */
    void grant(int node, Permission permission, long token, long value);

    /**
     * Tells a node what it may keep.
     *
     * @param node the node
     * @param limit what it may keep; EXCLUSIVE takes an earlier recall back
     */
    void recall(int node, Permission limit);

    /**
     * Asks a node to say that it has looked at its ranks, and has sent what follows from that.
     *
     * @param node the node
     */
    void settle(int node);

    /**
     * Tells a node that somebody holds, or waits for, what its ranks try to get.
     *
     * @param node the node
     * @param tries what the node has called these tries
     */
    void refuse(int node, long tries);

    /**
     * Tells a node that a writer died.
     *
     * @param node the node
     * @param rank the writer
     */
    void poison(int node, int rank);

    /**
     * Asks the dead writer's node whether its process has ended: then that node is to have the
     * resource given free itself.
     *
     * @param node the node
     * @param rank the writer
     */
    void confirm(int node, int rank);

    /**
     * Tells a node that knows of the poison that it has ended.
     *
     * @param node the node
     */
    void cleared(int node);

    /**
     * Tells a node that nothing is to come that was sent before it gave its permission back.
     *
     * @param node the node
     */
    void retired(int node);
  }

  private static final class Holding {
    private Permission permission = NONE;
    private Permission limit = EXCLUSIVE;

    /** The lowest limit that was told, since taken back or not. */
    private Permission lowest = EXCLUSIVE;

    boolean mayBeYielding() {
      return lowest.isBelow(permission);
    }
  }

  private static final int NOT_POISONED = -1;
  private static final long WAITS = 0;

  private final Outbox outbox;
  private final boolean phaseFair;

  /** Who has a permission. Ordered, so that a run can be repeated. */
  private final Map<Integer, Holding> holders = new TreeMap<>();

  /** Who waits, first come first, and what it calls its tries if somebody there only tries. */
  private final Map<Integer, Long> writers = new LinkedHashMap<>();

  private final Map<Integer, Long> readers = new LinkedHashMap<>();

  /** Nodes of which somebody tries to read, whom only a recall keeps out. */
  private final Map<Integer, Long> pleas = new TreeMap<>();

  /**
   * Who was asked to settle and has not said so, and for whose tries the answer counts: it was
   * asked after they had begun, and after it was told or granted anything.
   */
  private final Map<Integer, Set<Integer>> settling = new TreeMap<>();

  private long token;
  private long value;
  private int poisonedBy = NOT_POISONED;

  /** A node has retired, and none has asked since. */
  private boolean retired;

  /** The dead writer's node. */
  private int poisonedAt;

  /** Who knows of the poison. */
  private final Set<Integer> told = new TreeSet<>();

  /**
   * Makes the home of a resource of which nothing is on record.
   *
   * @param outbox where its messages go
   * @param phaseFair whether waiting readers go before the next writer
   * @param token no less than that of its last write, if there was any
   */
  public PermissionServer(Outbox outbox, boolean phaseFair, long token) {
    this.outbox = outbox;
    this.phaseFair = phaseFair;
    this.token = token;
  }

  /**
   * A node asks, or asks for something else than before.
   *
   * @param node the node
   * @param wanted SHARED or EXCLUSIVE
   * @param tries what the node calls those of its ranks that would rather be refused than wait for
   *     somebody's hold; 0 if there are none
   */
  public void request(int node, Permission wanted, long tries) {
    retired = false;
    if (poisonedBy != NOT_POISONED) {
      told.add(node);
      outbox.poison(node, poisonedBy);
      return;
    }
    pleas.remove(node);
    forgetTries(node);
    if (!permission(node).isBelow(wanted)) {
      cancel(node); // of what it asked for before; the grant that is on its way is enough
      return;
    }
    Map<Integer, Long> queue = wanted == EXCLUSIVE ? writers : readers;
    if (!queue.containsKey(node)) {
      leave(node);
    }
    queue.put(node, tries); // keeps its place
    serve();
  }

  /**
   * Somebody of a node tries to read, and only the recall that its node has not answered keeps it
   * out: the node has the permission, and others read there.
   *
   * @param node the node
   * @param tries what it calls its tries, all there are
   */
  public void plead(int node, long tries) {
    Holding holding = holders.get(node);
    if (holding == null || !holding.limit.isBelow(holding.permission)) {
      return; // that the recall is taken back is on its way
    }
    writers.replace(node, WAITS);
    readers.replace(node, WAITS);
    forgetTries(node);
    pleas.put(node, tries);
    settleTries();
  }

  /**
   * A node does not wait any more.
   *
   * @param node the node
   */
  public void cancel(int node) {
    leave(node);
    serve();
  }

  /**
   * A node has looked at its ranks, and what follows from that has come before this.
   *
   * @param node the node
   */
  public void settled(int node) {
    Set<Integer> asked = settling.remove(node);
    if (asked == null) {
      return;
    }
    for (int tries : asked) {
      if (isInTheWay(node, tries)) {
        refuse(tries);
      }
    }
    settleTries();
  }

  /**
   * A node has given up a permission.
   *
   * @param node the node
   * @param kept what it still has
   * @param lastToken the token of the last write that it knows of
   * @param lastValue what a counter stands at there
   * @param deadWriter a rank that died in its write, or -1
   */
  public void yielded(int node, Permission kept, long lastToken, long lastValue, int deadWriter) {
    token = Math.max(token, lastToken);
    Holding holding = holders.get(node);
    if (holding == null || holding.permission.isBelow(kept)) {
      return; // nothing that it could give up
    }
    boolean wrote = holding.permission == EXCLUSIVE && kept.isBelow(EXCLUSIVE);
    if (wrote) {
      value = lastValue;
    }
    holding.permission = kept;
    if (pleas.remove(node) != null) { // it asks anew
      forgetTries(node);
    }
    if (kept == NONE) {
      holders.remove(node);
    }
    if (deadWriter != NOT_POISONED) {
      poison(node, deadWriter);
      return;
    }
    if (phaseFair && wrote) {
      List.copyOf(readers.keySet()).forEach(this::grantToReader); // nobody has EXCLUSIVE now
    }
    serve();
  }

  /**
   * A node gives back what it has, since none of its ranks has the name any more.
   *
   * @param node the node
   * @param held what it had
   * @param lastToken the token of the last write that it knows of
   * @param lastValue what a counter stands at there
   */
  public void retire(int node, Permission held, long lastToken, long lastValue) {
    retired = true;
    if (held != NONE && permission(node) == held) {
      yielded(node, NONE, lastToken, lastValue, NOT_POISONED);
    }
    outbox.retired(node);
  }

  /**
   * Whether nothing is on record, so that this home is not needed. Who waits, waits for one on
   * record; and who owes an answer must not be taken for one who has given it.
   *
   * @return false while a node has or waits for anything, is asked, or is to hear that a poison has
   *     ended
   */
  public boolean isIdle() {
    return holders.isEmpty()
        && writers.isEmpty()
        && readers.isEmpty()
        && pleas.isEmpty()
        && settling.isEmpty()
        && told.isEmpty()
        && poisonedBy == NOT_POISONED;
  }

  /**
   * Whether this home is to be dropped: nothing is on record, and the last node that said anything
   * of its own has the name no more. Else the name is in use, and its tokens are to go on by one. A
   * counter that stands at anything but 0 is kept: nobody else may know what it stands at.
   *
   * @return whether it is idle, and nobody has asked since a node retired
   */
  public boolean isRetired() {
    return retired && value == 0 && isIdle();
  }

  /** The token of the last write that is known here. */
  long token() {
    return token;
  }

  // Tries.

  /**
   * Whether a node keeps out the tries of another, as far as is known here. It may have given up
   * since.
   */
  private boolean isInTheWay(int node, int tries) {
    if (node == tries) {
      return false; // its ranks see that by themselves
    }
    if (pleas.containsKey(tries)) {
      return writers.containsKey(node);
    }
    Permission permission = permission(node);
    if (writers.getOrDefault(tries, WAITS) != WAITS) {
      return permission != NONE || isBefore(node, tries);
    }
    // As long as somebody waits to write, who has EXCLUSIVE is told to give up all: that it cannot
    // may be for a reader.
    return readers.getOrDefault(tries, WAITS) != WAITS
        && (writers.isEmpty() ? permission == EXCLUSIVE : writers.containsKey(node));
  }

  private boolean isBefore(int node, int other) {
    for (int writer : writers.keySet()) {
      if (writer == node || writer == other) {
        return writer == node;
      }
    }
    return false;
  }

  /** Has all those settle that are in the way of tries, unless that is under way. */
  private void settleTries() {
    if (pleas.isEmpty() && !hasTries(writers) && !hasTries(readers)) {
      return; // as nearly always
    }
    Set<Integer> trying = new TreeSet<>(pleas.keySet());
    for (Map<Integer, Long> queue : List.of(writers, readers)) {
      queue.forEach((node, tries) -> {
        if (tries != WAITS) {
          trying.add(node);
        }
      });
    }
    Set<Integer> others = new TreeSet<>(holders.keySet());
    others.addAll(writers.keySet());
    for (int other : others) {
      if (!settling.containsKey(other)) {
        Set<Integer> kept = new TreeSet<>();
        for (int tries : trying) {
          if (isInTheWay(other, tries)) {
            kept.add(tries);
          }
        }
        if (!kept.isEmpty()) {
          settling.put(other, kept);
          outbox.settle(other);
        }
      }
    }
  }

  private static boolean hasTries(Map<Integer, Long> queue) {
    for (long tries : queue.values()) {
      if (tries != WAITS) {
        return true;
      }
    }
    return false;
  }

  /** Tells those that try; their node still waits on record, until it cancels. */
  private void refuse(int node) {
    Long tries = pleas.remove(node);
    for (Map<Integer, Long> queue : List.of(writers, readers)) {
      Long number = queue.replace(node, WAITS);
      tries = tries == null ? number : tries;
    }
    forgetTries(node);
    if (tries != null && tries != WAITS) {
      outbox.refuse(node, tries);
    }
  }

  /** No answer counts for tries of a node that are not these any more. */
  private void forgetTries(int node) {
    settling.values().forEach(asked -> asked.remove(node));
  }

  /** What a node answers counts for nobody, since it does not know yet. */
  private void forgetAnswer(int node) {
    Set<Integer> asked = settling.get(node);
    if (asked != null) {
      asked.clear();
    }
  }

  private void leave(int node) {
    writers.remove(node);
    readers.remove(node);
    if (!pleas.containsKey(node)) {
      forgetTries(node);
    }
  }

  private boolean readersGo() {
    return !readers.isEmpty() && writers.isEmpty();
  }

  /** Grants what can be granted, then recalls what is in the way of the next. */
  private void serve() {
    while (grantNext()) {
      // as long as it goes
    }
    holders.forEach(this::tellLimit);
    settleTries();
  }

  private boolean grantNext() {
    if (readersGo()) {
      if (holders.values().stream().anyMatch(holding -> holding.permission == EXCLUSIVE)) {
        return false;
      }
      grantToReader(readers.keySet().iterator().next());
      return true;
    }
    if (writers.isEmpty()) {
      return false;
    }
    int writer = writers.keySet().iterator().next();
    for (Map.Entry<Integer, Holding> entry : holders.entrySet()) {
      if (entry.getKey() != writer || entry.getValue().mayBeYielding()) {
        return false;
      }
    }
    writers.remove(writer);
    grant(writer, EXCLUSIVE);
    return true;
  }

  private void grantToReader(int node) {
    readers.remove(node);
    grant(node, SHARED);
  }

  private void grant(int node, Permission permission) {
    Holding holding = holders.computeIfAbsent(node, key -> new Holding());
    holding.permission = permission;
    holding.limit = EXCLUSIVE;
    holding.lowest = EXCLUSIVE;
    forgetAnswer(node);
    outbox.grant(node, permission, token, value);
  }

  private void tellLimit(int node, Holding holding) {
    Permission limit;
    if (readersGo()) {
      limit = holding.permission == EXCLUSIVE ? SHARED : EXCLUSIVE;
    } else if (writers.isEmpty()) {
      limit = EXCLUSIVE;
    } else {
      int writer = writers.keySet().iterator().next();
      limit = writer == node && !holding.mayBeYielding() ? EXCLUSIVE : NONE;
    }
    boolean recalls = limit.isBelow(holding.permission);
    boolean recalled = holding.limit.isBelow(holding.permission);
    if ((recalls || recalled) && limit != holding.limit) {
      if (recalls) {
        forgetAnswer(node);
      }
      holding.limit = limit;
      holding.lowest = limit.isBelow(holding.lowest) ? limit : holding.lowest;
      outbox.recall(node, limit);
      if (!recalls && pleas.remove(node) != null) {
        forgetTries(node); // it lets them in
      }
    }
  }

  private void poison(int source, int rank) {
    poisonedBy = rank;
    poisonedAt = source;
    told.add(source);
    told.addAll(holders.keySet());
    told.addAll(writers.keySet());
    told.addAll(readers.keySet());
    holders.clear();
    writers.clear();
    readers.clear();
    pleas.clear();
    settling.values().forEach(Set::clear); // the answers still come, and count for nobody
    for (int node : told) {
      if (node != source) { // which has said so itself
        outbox.poison(node, rank);
      }
    }
  }

  /**
   * Somebody has looked at what the dead writer left, and gives the resource free. Nobody has a
   * permission then, and who knew of the poison is told.
   *
   * <p>A request that a node had sent before it was told of the poison may still arrive: the node
   * takes it back when it has heard of this, or asks anew. A yield it was not: the dead writer's
   * node was on record with EXCLUSIVE, so no other was.
   *
   * <p>Only the writer's node knows whether its process has ended. One that has given itself up,
   * and runs, may write still.
   *
   * @param node who says so; unless it is the writer's, that one is asked first
   * @param rank the dead writer; if it is not because of that one, nothing happens
   */
  public void clear(int node, int rank) {
    if (poisonedBy != rank || rank == NOT_POISONED) {
      return;
    }
    if (node != poisonedAt) {
      outbox.confirm(poisonedAt, rank);
    } else {
      poisonedBy = NOT_POISONED;
      List<Integer> nodes = List.copyOf(told);
      told.clear();
      nodes.forEach(outbox::cleared);
    }
  }

  /**
   * What is on record for a node.
   *
   * @param node the node
   * @return its permission; it may not have arrived there, or its yield not here
   */
  public Permission permission(int node) {
    Holding holding = holders.get(node);
    return holding == null ? NONE : holding.permission;
  }

  /**
   * The nodes on record, and those that wait.
   *
   * @return for people
   */
  public String describe() {
    Map<Integer, Permission> held = new TreeMap<>();
    holders.forEach((node, holding) -> held.put(node, holding.permission));
    return "permissions "
        + held
        + ", nodes that wait to write "
        + writers.keySet()
        + " and to read "
        + readers.keySet();
  }
}

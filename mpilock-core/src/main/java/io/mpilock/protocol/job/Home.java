package io.mpilock.protocol.job;

import static io.mpilock.protocol.job.Permission.EXCLUSIVE;
import static io.mpilock.protocol.job.Permission.NONE;
import static io.mpilock.protocol.job.Permission.SHARED;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
 * </ol>
 *
 * <p>Writers go first, in the order of their requests; with {@code phaseFair} the readers that wait
 * when a write permission comes back go before the next writer.
 *
 * <p>Source: distributed lock managers with tokens that stay until they are recalled, as in Schmuck
 * and Haskin, "GPFS: A Shared-Disk File System for Large Computing Clusters" (FAST 2002), section
 * 3.
 */
public final class Home {

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
        public void grant(int node, Permission permission, long token) {
          send.accept(new Message.Grant(resource, permission, token), node);
        }

        @Override
        public void recall(int node, Permission limit, boolean tried) {
          send.accept(new Message.Recall(resource, limit, tried), node);
        }

        @Override
        public void refuse(int node) {
          send.accept(new Message.Refuse(resource), node);
        }

        @Override
        public void poison(int node, int rank) {
          send.accept(new Message.Poison(resource, rank), node);
        }
      };
    }

    /**
     * Gives a node a permission.
     *
     * @param node the node
     * @param permission what it has from now on
     * @param token the token of the last write
     */
    void grant(int node, Permission permission, long token);

    /**
     * Tells a node what it may keep.
     *
     * @param node the node
     * @param limit what it may keep; EXCLUSIVE takes an earlier recall back
     * @param tried whether the node should say so if somebody holds what it is to give up
     */
    void recall(int node, Permission limit, boolean tried);

    /**
     * Tells a node that somebody holds what its ranks try to get.
     *
     * @param node the node
     */
    void refuse(int node);

    /**
     * Tells a node that a writer died.
     *
     * @param node the node
     * @param rank the writer
     */
    void poison(int node, int rank);
  }

  private static final class Tenancy {
    private Permission permission = NONE;
    private Permission limit = EXCLUSIVE;

    /** The lowest limit that was told, since taken back or not. */
    private Permission lowest = EXCLUSIVE;

    /** The limit of a tried recall that was answered neither busy nor with a yield. */
    private Permission tried = EXCLUSIVE;

    /** Whether the answer to it comes too late for those for whom it was asked. */
    private boolean late;

    boolean mayBeYielding() {
      return lowest.isBelow(permission);
    }

    void answered() {
      tried = EXCLUSIVE;
      late = false;
    }
  }

  private static final int NOT_POISONED = -1;

  private final Outbox outbox;
  private final boolean phaseFair;

  /** Who has a permission. Ordered, so that a run can be repeated. */
  private final Map<Integer, Tenancy> tenants = new TreeMap<>();

  /** Who waits, first come first, and whether only to try. */
  private final Map<Integer, Boolean> writers = new LinkedHashMap<>();

  private final Map<Integer, Boolean> readers = new LinkedHashMap<>();

  private long token;
  private int poisonedBy = NOT_POISONED;

  /**
   * Makes the home of a resource that nobody has used.
   *
   * @param outbox where its messages go
   * @param phaseFair whether waiting readers go before the next writer
   */
  public Home(Outbox outbox, boolean phaseFair) {
    this.outbox = outbox;
    this.phaseFair = phaseFair;
  }

  /**
   * A node asks, or asks for something else than before.
   *
   * @param node the node
   * @param wanted SHARED or EXCLUSIVE
   * @param tried whether to refuse rather than wait for somebody's hold
   */
  public void request(int node, Permission wanted, boolean tried) {
    if (poisonedBy != NOT_POISONED) {
      outbox.poison(node, poisonedBy);
      return;
    }
    if (!permission(node).isBelow(wanted)) {
      cancel(node); // of what it asked for before; the grant that is on its way is enough
      return;
    }
    Map<Integer, Boolean> queue = wanted == EXCLUSIVE ? writers : readers;
    if (!queue.containsKey(node)) {
      leave(node);
    }
    queue.put(node, tried); // keeps its place
    serve();
    refuseLaterTries();
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
   * A node has given up a permission.
   *
   * @param node the node
   * @param kept what it still has
   * @param lastToken the token of the last write that it knows of
   * @param deadWriter a rank that died in its write, or -1
   */
  public void yielded(int node, Permission kept, long lastToken, int deadWriter) {
    token = Math.max(token, lastToken);
    Tenancy tenancy = tenants.get(node);
    if (tenancy == null || tenancy.permission.isBelow(kept)) {
      return; // nothing that it could give up
    }
    boolean wrote = tenancy.permission == EXCLUSIVE && kept.isBelow(EXCLUSIVE);
    tenancy.permission = kept;
    if (!tenancy.tried.isBelow(kept)) {
      tenancy.answered();
    }
    if (kept == NONE) {
      tenants.remove(node);
    }
    if (deadWriter != NOT_POISONED) {
      poison(deadWriter);
      return;
    }
    if (phaseFair && wrote) {
      List.copyOf(readers.keySet()).forEach(this::grantToReader); // nobody has EXCLUSIVE now
    }
    serve();
  }

  /**
   * A node cannot give up at once what it was asked for with {@code tried}.
   *
   * @param node the node
   */
  public void busy(int node) {
    Tenancy tenancy = tenants.get(node);
    if (tenancy == null) {
      return;
    }
    boolean late = tenancy.late;
    tenancy.answered();
    if (late) {
      tellLimit(node, tenancy); // for those that try now
      return;
    }
    // Who is refused still waits on record, until its node cancels.
    if (readersGo()) {
      refuse(readers);
    } else if (!writers.isEmpty()) {
      int first = writers.keySet().iterator().next();
      refuse(Map.of(first, writers.getOrDefault(first, false)));
    }
  }

  /** Tells those that only try; each once. */
  private void refuse(Map<Integer, Boolean> queue) {
    List<Integer> tries = new ArrayList<>();
    queue.forEach((node, tried) -> {
      if (tried) {
        tries.add(node);
      }
    });
    for (int node : tries) {
      writers.replace(node, false);
      readers.replace(node, false);
      outbox.refuse(node);
    }
  }

  /** Those that are not the next to go wait for others in any case. */
  private void refuseLaterTries() {
    if (readersGo()) {
      refuse(writers);
    } else {
      Map<Integer, Boolean> later = new LinkedHashMap<>(writers);
      later.keySet().stream().findFirst().ifPresent(later::remove);
      refuse(later);
      refuse(readers);
    }
  }

  private void leave(int node) {
    writers.remove(node);
    readers.remove(node);
  }

  private boolean readersGo() {
    return !readers.isEmpty() && writers.isEmpty();
  }

  /** Grants what can be granted, then recalls what is in the way of the next. */
  private void serve() {
    while (grantNext()) {
      // as long as it goes
    }
    tenants.forEach(this::tellLimit);
  }

  private boolean grantNext() {
    if (readersGo()) {
      if (tenants.values().stream().anyMatch(tenancy -> tenancy.permission == EXCLUSIVE)) {
        return false;
      }
      grantToReader(readers.keySet().iterator().next());
      return true;
    }
    if (writers.isEmpty()) {
      return false;
    }
    int writer = writers.keySet().iterator().next();
    for (Map.Entry<Integer, Tenancy> entry : tenants.entrySet()) {
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
    Tenancy tenancy = tenants.computeIfAbsent(node, key -> new Tenancy());
    tenancy.permission = permission;
    tenancy.limit = EXCLUSIVE;
    tenancy.lowest = EXCLUSIVE;
    tenancy.answered();
    outbox.grant(node, permission, token);
  }

  private void tellLimit(int node, Tenancy tenancy) {
    Permission limit;
    boolean tried = false;
    if (readersGo()) {
      limit = tenancy.permission == EXCLUSIVE ? SHARED : EXCLUSIVE;
      tried = readers.containsValue(true);
    } else if (writers.isEmpty()) {
      limit = EXCLUSIVE;
    } else {
      int writer = writers.keySet().iterator().next();
      limit = writer == node && !tenancy.mayBeYielding() ? EXCLUSIVE : NONE;
      tried = writers.getOrDefault(writer, false);
    }
    boolean recalls = limit.isBelow(tenancy.permission);
    boolean recalled = tenancy.limit.isBelow(tenancy.permission);
    boolean asks = recalls && tried && tenancy.tried == EXCLUSIVE; // one answer at a time
    if ((recalls || recalled) && (asks || limit != tenancy.limit)) {
      tenancy.limit = limit;
      tenancy.lowest = limit.isBelow(tenancy.lowest) ? limit : tenancy.lowest;
      if (asks) {
        tenancy.tried = limit;
      } else {
        tenancy.late = tenancy.tried != EXCLUSIVE;
      }
      outbox.recall(node, limit, asks);
    }
  }

  private void poison(int rank) {
    poisonedBy = rank;
    List<Integer> told = new ArrayList<>(tenants.keySet());
    for (Map<Integer, Boolean> queue : List.of(writers, readers)) {
      queue.keySet().stream().filter(node -> !told.contains(node)).forEach(told::add);
    }
    tenants.clear();
    writers.clear();
    readers.clear();
    told.forEach(node -> outbox.poison(node, rank));
  }

  /**
   * What is on record for a node.
   *
   * @param node the node
   * @return its permission; it may not have arrived there, or its yield not here
   */
  public Permission permission(int node) {
    Tenancy tenancy = tenants.get(node);
    return tenancy == null ? NONE : tenancy.permission;
  }

  /**
   * The nodes on record, and those that wait.
   *
   * @return for people
   */
  public String describe() {
    Map<Integer, Permission> held = new TreeMap<>();
    tenants.forEach((node, tenancy) -> held.put(node, tenancy.permission));
    return "permissions "
        + held
        + ", nodes that wait to write "
        + writers.keySet()
        + " and to read "
        + readers.keySet();
  }
}

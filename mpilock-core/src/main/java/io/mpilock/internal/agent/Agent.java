/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.job.CallBranch;
import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.PermissionServer;
import io.mpilock.internal.job.PermissionServers;
import io.mpilock.internal.job.Tree;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Speaks for its node in a job of several: one thread in the process of the node's first rank. It
 * carries messages between the other nodes' agents, the state machines of the job level, and the
 * words of the window, through which the ranks of the node speak to it.
 *
 * <p>It never waits for anything but news: neither for another node, nor for a rank. Everything
 * here belongs to its thread, but for {@link #stop}.
 */
public final class Agent implements Runnable {
  // How an agent with nothing to do looks for frames that the transport does not tell of: all the
  // time at first, since one message brings another; then with short sleeps, while a rank may still
  // be at it; then with longer and longer ones.
  private static final long YIELD_NANOS = 200_000;
  private static final long FIRST_SLEEP_NANOS = 50_000;
  private static final long SHORT_SLEEPS_NANOS = 20_000_000;
  private static final long LONGEST_TICK_NANOS = 250_000_000;
  private static final long CLOSE_TICK_NANOS = 20_000_000;

  private static final long FLUSH_NANOS = 1_000_000_000;

  /**
   * How many children a node has in the tree of the collective calls: few enough to handle at once,
   * and so many that 73 nodes are two steps from the root, and 585 three. docs/decisions.md has the
   * figures.
   */
  public static final int ARITY = 8;

  /** What an agent runs on, beside its node's ranks: a thread, unless time is simulated. */
  public interface Carrier {
    /**
     * Begins to run it.
     *
     * @param agent returns when the agent has ended
     */
    void start(Runnable agent);

    /**
     * Waits for its end; at once if it was not started.
     *
     * @param nanos how long at most
     * @throws InterruptedException if the caller is interrupted
     */
    void awaitEnd(long nanos) throws InterruptedException;
  }

  private static final class ThreadCarrier implements Carrier {
    private volatile @Nullable Thread thread;

    @Override
    public void start(Runnable agent) {
      Thread started = new Thread(null, agent, "mpilock-agent", 0, false);
      started.setDaemon(true);
      thread = started;
      started.start();
    }

    @Override
    public void awaitEnd(long nanos) throws InterruptedException {
      Thread started = thread;
      if (started != null) {
        started.join(TimeUnit.NANOSECONDS.toMillis(nanos));
      }
    }
  }

  private final RankContext node;
  private final NodeWindow window;
  private final Messenger messenger;
  private final Directory directory;
  private final Bell bell;
  private final int me;
  private final int nodes;
  private final int rootNode;
  private final long fingerprint;
  private final long heartbeatNanos;

  private final PermissionServers servers = new PermissionServers(this::newServer);
  private final LocalResources resources;
  private final NodeWatch watch;
  private final CallBranch branch;
  private final NodeCalls calls;
  private final StreamRelay relay;
  private final StatusQueryServer desk;
  private final WaitExchange waits;

  /** Messages to this node itself. */
  private final Deque<Message> loopback = new ArrayDeque<>();

  private final ByteBuffer out = StreamRelay.newBuffer();
  private ByteBuffer in = StreamRelay.newBuffer();

  private final boolean[] gone;
  private final boolean[] closed;
  private int closedNodes;
  private boolean newsBeforeSleep;
  private boolean failing;
  private volatile boolean settingsDiffer;
  private long nextTick;
  private long messages;
  private long beats;
  private boolean toldBroken;

  private final Carrier carrier;
  private volatile boolean started;
  private volatile boolean stopped;
  private volatile boolean alone;

  /** All ranks of all nodes have closed this controller: nobody needs this agent any more. */
  private volatile boolean allClosed;

  /**
   * An agent that is yet to be started.
   *
   * @param node with a window of its own, which the agent frees at its end
   * @param messenger closed at its end
   * @param fingerprint of the settings
   * @param carrier what it runs on
   * @param arity how many children a node has in the tree of the collective calls
   */
  public Agent(
      RankContext node, Messenger messenger, long fingerprint, Carrier carrier, int arity) {
    this.carrier = carrier;
    this.node = node;
    this.window = node.window();
    this.messenger = messenger;
    this.directory = new Directory(node);
    CollectiveCalls collectives = new CollectiveCalls(node, directory::nameAt);
    this.bell = new Bell(window, Layout.AGENT_BELL);
    this.me = node.myNode();
    this.nodes = node.nodes();
    this.rootNode = node.nodeOf(node.settings().master());
    this.fingerprint = fingerprint;
    this.heartbeatNanos = node.settings().heartbeatTimeout().toNanos();
    this.branch = new CallBranch(new Tree(nodes, rootNode, arity), me, new ToOthers());
    this.calls = new NodeCalls(node, collectives, directory, branch::report, this::begin);
    this.relay = new StreamRelay(node, messenger, this::send);
    this.desk =
        new StatusQueryServer(node, directory, this::record, (message, to) -> send(to, message));
    this.waits = new WaitExchange(node, directory, this::sendToOthers);
    this.resources = new LocalResources(node, directory, (message, to) -> send(to, message));
    this.watch = new NodeWatch(node, messenger, (message, to) -> send(to, message));
    this.gone = new boolean[node.ranks()];
    this.closed = new boolean[nodes];
  }

  /** A daemon thread of its own. */
  public static Carrier onThread() {
    return new ThreadCarrier();
  }

  /**
   * Begins.
   *
   * @param differ whether the settings of the node's own ranks differ
   */
  public void start(boolean differ) {
    settingsDiffer = differ;
    carrier.start(this); // which may throw: then nobody else ends what this one has
    started = true;
  }

  /**
   * Lets the agent go on by itself, though this rank has closed: until all ranks have closed this
   * controller, or the job is broken. That all are in some close is not enough: one that closes
   * another controller may use this one afterwards.
   */
  public void outliveController() {
    alone = true;
    try {
      bell.ring();
    } catch (IllegalStateException refused) {
      node.requireFreed(refused); // it has seen that meanwhile, ended, and freed its window
    }
  }

  /** Whether all ranks of the job have closed this controller, as far as this agent knows. */
  public boolean haveAllClosed() {
    return allClosed;
  }

  private boolean isDone() {
    return stopped || (alone && (allClosed || window.get(Layout.BROKEN) != 0));
  }

  /** Ends the agent, after it has sent what it had to; waits for that, but not for long. */
  public void stop() {
    stopped = true;
    if (!started) { // sync failed before that
      try {
        sayBroken(node, messenger);
      } finally {
        messenger.close();
        window.free();
      }
      return;
    }
    try {
      bell.ring();
      carrier.awaitEnd(2 * FLUSH_NANOS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IllegalStateException e) {
      node.requireFreed(e);
      // The window is gone, and so is the agent.
    }
  }

  @Override
  public void run() {
    try {
      node.life(node.agent(), RankContext.OPEN);
      watch.begin(node.nanoTime());
      for (int other = 0; other < nodes; other++) {
        if (other != me) {
          send(other, new Message.Hello(settingsDiffer ? ~fingerprint : fingerprint));
        }
      }
      loop();
      sayGoodbye();
    } catch (RuntimeException | Error e) {
      if (e instanceof IllegalStateException && node.isWindowFreed()) {
        // The window went: with the rank's close, with MPI, or with the rank.
        node.log(System.Logger.Level.DEBUG, "The agent of node " + me + " ends: " + e.getMessage());
      } else {
        System.getLogger("io.mpilock")
            .log(System.Logger.Level.ERROR, "The agent of " + node.who(node.me()) + " failed", e);
        failing = true;
        try {
          sayGoodbye();
        } catch (Throwable untold) {
          // Then the other nodes hear of it by silence.
        }
        markBroken(node.myJobRank(), true);
        throw e;
      }
    } finally {
      try {
        messenger.close();
      } finally {
        window.free();
      }
    }
  }

  private void loop() {
    long idleSince = node.nanoTime();
    long sleep = FIRST_SLEEP_NANOS;
    while (!isDone()) {
      boolean news = turn();
      long now = node.nanoTime();
      if (now - nextTick >= 0 || (news && calls.isClosing())) { // nobody is to wait for the tick
        tick(now);
      }
      if (news) {
        idleSince = now;
        sleep = FIRST_SLEEP_NANOS;
      } else if (now - idleSince < YIELD_NANOS) {
        rest();
      } else {
        long longest = Math.max(1, Math.min(messenger.pollNanos(), nextTick - now));
        newsBeforeSleep = false;
        bell.sleep(() -> isDone() || lookOnceMore(), Math.min(sleep, longest));
        if (newsBeforeSleep) {
          idleSince = now;
          sleep = FIRST_SLEEP_NANOS;
        } else if (messenger.pollNanos() == Long.MAX_VALUE) {
          sleep = Long.MAX_VALUE;
        } else if (now - idleSince > SHORT_SLEEPS_NANOS) {
          sleep = Math.min(messenger.pollNanos(), sleep + sleep / 2);
        }
      }
    }
  }

  /** After this thread counts as asleep: who brings news later rings. */
  private boolean lookOnceMore() {
    newsBeforeSleep = turn();
    return newsBeforeSleep;
  }

  @SuppressWarnings("ThreadPriorityCheck") // a hint only
  private static void rest() {
    Thread.yield();
  }

  /** Does what there is to do now; tells whether there was anything. */
  private boolean turn() {
    boolean news = false;
    int from;
    for (int i = 0; i < 64 && (from = messenger.receive(in)) >= 0; i++) {
      news |= receive(node.nodeOf(from));
      handleLoopback();
    }
    news |= lookAtInbox();
    news |= calls.look();
    news |= desk.look();
    news |= resources.sweep();
    handleLoopback();
    boolean moved = relay.turn();
    return news || moved;
  }

  private boolean lookAtInbox() {
    boolean news = emptyInbox(window, resources::look);
    handleLoopback();
    return news;
  }

  /** Takes all resources out of the inbox and looks at each; tells whether there was one. */
  static boolean emptyInbox(NodeWindow window, LongConsumer look) {
    long first;
    do {
      first = window.get(Layout.INBOX);
    } while (first != 0 && !window.compareAndSet(Layout.INBOX, first, 0));
    for (long lockLine = first; lockLine != 0; ) {
      long next = window.get(lockLine + Layout.NEXT); // before it may be put into the inbox again
      window.set(
          lockLine + Layout.ATTENTION, 0); // before the look: what changes after is told again
      look.accept(lockLine);
      lockLine = next;
    }
    return first != 0;
  }

  // Messages.

  /** Handles a frame; false if it is no reason to stay awake for what may follow. */
  private boolean receive(int from) {
    watch.heard(from);
    try {
      if (in.hasRemaining() && in.get(in.position()) == Message.STREAM) {
        in = relay.receive(from, in);
      } else {
        Message message = Message.decode(in);
        handle(from, message);
        return !(message instanceof Message.Heartbeat);
      }
    } catch (Message.MalformedException | IllegalArgumentException e) {
      node.log(
          System.Logger.Level.WARNING,
          "A frame from %s is dropped: %s"
              .formatted(node.whoInJob(node.leader(from)), e.getMessage()));
    }
    return true;
  }

  private void handleLoopback() {
    Message message;
    while ((message = loopback.poll()) != null) {
      handle(me, message);
    }
  }

  private void handle(int from, Message message) {
    switch (message) {
      case Message.Request m -> toHome(m, server -> server.request(from, m.wanted(), m.tries()));
      case Message.Plead m -> toHome(m, server -> server.plead(from, m.tries()));
      case Message.Cancel m -> toHome(m, server -> server.cancel(from));
      case Message.Yield m -> {
        int deadWriter = m.deadWriter() < 0 ? -1 : node.checkRank(m.deadWriter());
        toHome(m, server -> server.yielded(from, m.kept(), m.token(), m.value(), deadWriter));
      }
      case Message.Settled m -> toHome(m, server -> server.settled(from));
      case Message.Grant m -> resources.holder(m).granted(m.permission(), m.token(), m.value());
      case Message.Recall m -> resources.holder(m).recalled(m.limit());
      case Message.Settle m -> resources.holder(m).settle();
      case Message.Refuse m -> resources.holder(m).refused(m.tries());
      case Message.Poison m -> resources.holder(m).poisoned(node.checkRank(m.rank()));
      case Message.Clear m -> {
        int rank = node.checkRank(m.rank());
        toHome(m, server -> server.clear(from, rank));
      }
      case Message.Confirm m -> resources.holder(m).clear(node.checkRank(m.rank()));
      case Message.Cleared m -> resources.holder(m).cleared();
      case Message.Retire m ->
          toHome(m, server -> server.retire(from, m.held(), m.token(), m.value()));
      case Message.Retired m -> resources.retired(m);
      case Message.Hello m -> greet(from, m.settings());
      case Message.Heartbeat m -> watch.heartbeat(from, m);
      case Message.Broken m -> markBroken(node.checkRank(m.rank()), isReady());
      case Message.Died m -> markLost(node.checkRank(m.rank()));
      case Message.OfCall m -> {
        checkRank(from, m);
        branch.receive(from, m);
      }
      case Message.Closed _ -> closed(from);
      case Message.Credit m -> relay.credit(from, m);
      case Message.Query m -> desk.answer(from, m);
      case Message.Answer m -> desk.collect(from, m);
      case Message.Waits m -> waits.hear(from, m);
    }
  }

  private void send(int to, Message message) {
    if (to == me) {
      loopback.add(message);
      return;
    }
    if (message instanceof Message.OfLock) {
      window.setRelease(Layout.MESSAGES, ++messages);
    }
    message.encode(out);
    if (message instanceof Message.Heartbeat) {
      messenger.sendQuietly(node.leader(to), out);
    } else {
      messenger.send(node.leader(to), out);
    }
    watch.sent(to);
  }

  private void sendToOthers(Message message) {
    for (int other = 0; other < nodes; other++) {
      if (other != me) {
        try {
          send(other, message);
        } catch (RuntimeException | Error e) {
          if (!failing) {
            throw e;
          } // else this node hears of it by silence, and the next ones may be within reach
        }
      }
    }
  }

  // Locks.

  private void toHome(Message.OfLock message, Consumer<? super PermissionServer> handling) {
    if (node.homeOf(message.resource()) != me) {
      throw new IllegalArgumentException("'" + message.resource() + "' has its home elsewhere");
    }
    servers.tell(message.resource(), handling);
  }

  private PermissionServer newServer(String resource, long token) {
    Directory.checkEntry(resource);
    return new PermissionServer(
        PermissionServer.Outbox.sending(resource, (message, to) -> send(to, message)),
        node.settings().phaseFair(resource),
        token);
  }

  /** What is on record at a resource's home, if that is here and anybody has asked. */
  private String record(String resource) {
    PermissionServer known = servers.known(resource);
    return known == null ? "" : known.describe();
  }

  // Collective calls.

  /**
   * Looks at the rank that a message names; now, since a decision is obeyed later, when nobody
   * could drop it any more. The writer of an arrival need not be looked at: it counts only if the
   * ranks here name the same.
   */
  private void checkRank(int from, Message.OfCall message) {
    switch (message) {
      case Message.Fail m -> {
        int _ = node.checkRank(m.rank());
      }
      case Message.Decide m -> {
        int _ = node.checkRank(m.rank());
      }
      case Message.Closing m -> {
        int itsNode = node.nodeOf(node.checkRank(m.rank()));
        if (me == rootNode && from != me && itsNode != from) {
          throw new IllegalArgumentException("rank " + m.rank() + " is on node " + itsNode);
        }
      }
      default -> {} // names none
    }
  }

  private void obey(Message.ToAll message) {
    switch (message) {
      case Message.Ask m -> calls.ask(m.call());
      case Message.Decide m -> calls.decide(m);
      case Message.Closing m -> calls.closing(m);
      case Message.AllThrough _ -> calls.allThrough();
    }
  }

  private void begin(long call, long kind, int writer) {
    relay.begin(call, kind, writer);
  }

  // Who is there, and who is not any more.

  private void greet(int from, long settings) {
    if (watch.isNew(from)) {
      settingsDiffer |= settings != fingerprint;
      if (watch.haveAllGreeted()) {
        window.set(Layout.JOB_READY, settingsDiffer ? 2 : 1);
        node.ringCollective();
      }
    }
  }

  private void tick(long now) {
    window.setRelease(Layout.AGENT_BEAT, ++beats);
    if (!toldBroken && window.get(Layout.BROKEN) == node.myJobRank() + 1L) {
      toldBroken = true; // a rank here took this agent for lost, while it stood still
      sendToOthers(new Message.Broken(node.myJobRank()));
    }
    int open = openRanks();
    if (open == 0 && !closed[me]) {
      sendToOthers(new Message.Closed());
      closed(me);
    }
    calls.lookForClose();
    handleLoopback();
    relay.lookForDeath();
    desk.lookForDeath();
    waits.tell();
    lookForDeadRanks();
    watch.look(
        now,
        !allClosed,
        leader -> {
          sendToOthers(new Message.Broken(leader));
          markBroken(leader, true);
        });
    nextTick =
        now
            + Math.min(
                heartbeatNanos / 8,
                open < node.ranks() || desk.isOpen() ? CLOSE_TICK_NANOS : LONGEST_TICK_NANOS);
  }

  /** How many ranks of this node have not begun to close this controller, and live. */
  private int openRanks() {
    int open = 0;
    for (int member = 0; member < node.ranks(); member++) {
      open += node.life(member) == RankContext.OPEN ? 1 : 0;
    }
    return open;
  }

  private void closed(int from) {
    if (!closed[from]) {
      closed[from] = true;
      closedNodes++;
      if (closedNodes == nodes) {
        calls.allThrough();
        allClosed = true;
      }
    }
  }

  private void lookForDeadRanks() {
    boolean news = false;
    for (int member = 0; member < node.ranks(); member++) {
      if (!gone[member] && node.isGone(member)) {
        gone[member] = true;
        news = true;
        // While the controller opens, one whose process lives has cut the opening short only.
        if (node.isDead(member)
            && (isReady() || !node.communicator().isAlive(node.jobRank(member)))) {
          sendToOthers(new Message.Died(node.jobRank(member)));
        }
        node.ringCollective();
      }
    }
    resources.lookAfterTick(news);
    handleLoopback();
  }

  private void markLost(int rank) {
    if (rank == node.leader(node.nodeOf(rank))) {
      markBroken(rank, true); // who would say so is its own agent, which ends
    } else if (node.nodeOf(rank) != me && !node.isLost(rank)) {
      node.log(System.Logger.Level.WARNING, node.whoInJob(rank) + " has died");
      node.markLost(rank);
      node.communicator().lost(rank);
      node.ringCollective();
    }
  }

  private boolean isReady() {
    return window.get(Layout.JOB_READY) == 1;
  }

  /**
   * Nothing goes across nodes any more without this rank.
   *
   * @param gone whether its node's processes are no good to other controllers either; not if they
   *     say so themselves while this one opens: then an opening was cut short, and they live
   */
  private void markBroken(int rank, boolean gone) {
    if (allClosed) {
      return;
    }
    if (window.compareAndSet(Layout.BROKEN, 0, rank + 1L)) {
      node.log(
          System.Logger.Level.ERROR,
          "The locks go no further than node " + me + ": " + node.broken(rank).getMessage());
    }
    if (gone && node.nodeOf(rank) != me) {
      for (int other : RankContext.ranksOf(node.communicator(), node.nodeOf(rank))) {
        node.markLost(other);
        node.communicator().lost(other);
      }
    }
    resources.ringAll();
    node.ringCollective();
  }

  /**
   * Tells the other nodes, which wait for this one's first word, that it will not come, since the
   * opening of a rank here was cut short. In place of an agent that was not started.
   */
  public static void sayBroken(RankContext node, Messenger messenger) {
    ByteBuffer frame = StreamRelay.newBuffer();
    for (int other = 0; other < node.nodes(); other++) {
      if (other != node.myNode()) {
        broken(node).encode(frame);
        messenger.send(node.leader(other), frame);
      }
    }
    flush(node, messenger);
  }

  /** That nothing goes any further: for the rank that cut the opening short, or this one. */
  private static Message.Broken broken(RankContext node) {
    int cutShortBy = node.cutShortBy();
    return new Message.Broken(
        cutShortBy >= 0 && cutShortBy < node.jobSize() ? cutShortBy : node.myJobRank());
  }

  private static void flush(RankContext node, Messenger messenger) {
    long start = node.nanoTime();
    while (!messenger.isFlushed() && node.nanoTime() - start < FLUSH_NANOS) {
      rest();
    }
  }

  private void sayGoodbye() {
    boolean differ = window.get(Layout.JOB_READY) == 2; // which all nodes know
    if (!differ && !allClosed && window.get(Layout.BROKEN) == 0) {
      sendToOthers(broken(node));
    }
    node.life(node.agent(), RankContext.LEFT);
    node.ringCollective();
    flush(node, messenger);
  }

  /** What the collective calls need of this agent. */
  private final class ToOthers implements CallBranch.Outbox {
    @Override
    public void send(int to, Message.OfCall message) {
      Agent.this.send(to, message);
    }

    @Override
    public void obey(Message.ToAll message) {
      Agent.this.obey(message);
    }
  }
}

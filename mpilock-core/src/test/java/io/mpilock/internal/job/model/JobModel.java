/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;
import static io.mpilock.internal.job.model.State.DEAD;
import static io.mpilock.internal.job.model.State.IDLE;
import static io.mpilock.internal.job.model.State.MET;
import static io.mpilock.internal.job.model.State.OWNS;
import static io.mpilock.internal.job.model.State.RANKS;
import static io.mpilock.internal.job.model.State.READS;
import static io.mpilock.internal.job.model.State.REFUSED;
import static io.mpilock.internal.job.model.State.THROUGH;
import static io.mpilock.internal.job.model.State.TOLD;
import static io.mpilock.internal.job.model.State.TRIES;
import static io.mpilock.internal.job.model.State.WAITS_TO_READ;
import static io.mpilock.internal.job.model.State.WAITS_TO_WRITE;
import static io.mpilock.internal.job.model.State.WRITES;

import io.mpilock.internal.job.Permission;
import io.mpilock.internal.job.PermissionHolder;
import io.mpilock.internal.job.PermissionServer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A job with one resource, whose home is on node 0: one real {@link PermissionServer}, a real
 * {@link PermissionHolder} on each node, and all that may happen between them. {@link #expand}
 * tells every state that may come after a given one.
 *
 * <p>What the agent does with one message, or with one look at its node, is one step, together with
 * what it says to itself: so it is in the agent, which is one thread. Ranks may act in the middle,
 * wherever the agent looks at the node's words, as often as the {@link Setup} says.
 */
final class JobModel implements NodeModel.Events {
  // The kinds of step. First what nobody has to do,
  private static final int ASK = 0;
  private static final int GIVE_UP = 1;
  private static final int DIE = 2;
  private static final int VANISH = 3;
  private static final int CLEAR = 4;
  private static final int RETIRE = 5;
  private static final int DROP = 6;
  // then what who is in does in time,
  private static final int LEAVE = 7;
  // then what just happens.
  private static final int ENTER = 8;
  private static final int STOP = 9;
  private static final int MEND = 10;
  private static final int LOOK = 11;
  private static final int TICK = 12;
  private static final int BREAK = 13;
  private static final int DELIVER = 14;

  /** More messages than that of a node to itself in one step do not come to an end. */
  private static final int MOST_TO_ITSELF = 1000;

  final Setup setup;
  private final State state;
  private final int nodes;
  private final PermissionServer home;
  private final Snapshots snapshots;
  private final PermissionHolder[] holders;
  private final NodeModel[] parts;
  private final byte[] initial;
  private final Deque<Integer> loopback = new ArrayDeque<>();
  private byte[] from = new byte[0];
  private int[] enabled = new int[64];
  private int enabledCount;

  /** What was chosen where ranks might act in the middle of a step: the way to the next outcome. */
  private final List<int[]> choices = new ArrayList<>();

  private int choice;
  private int meanwhile;
  private boolean inAgent;

  /** The nodes that are to read before the next writer, one bit for each: phase-fair only. */
  private int batch;

  /** What has happened in the step, if somebody wants to know. */
  private @Nullable List<String> trace;

  JobModel(Setup setup) {
    this.setup = setup;
    nodes = setup.nodes();
    state =
        new State(
            nodes,
            8 + 4 * setup.ranks().stream().mapToInt(Integer::intValue).sum() * setup.rounds());
    home = new PermissionServer(new FromHome(), setup.phaseFair(), 0);
    snapshots = new Snapshots(home, nodes);
    holders = new PermissionHolder[nodes];
    parts = new NodeModel[nodes];
    for (int node = 0; node < nodes; node++) {
      parts[node] = new NodeModel(state, node, setup, this);
      holders[node] = new PermissionHolder(parts[node], new FromTenant(node));
    }
    initial = begin();
  }

  private byte[] begin() {
    for (int node = 0; node < nodes; node++) {
      state.gate(node, State.CLOSED);
      Snapshots.save(state, node, holders[node]);
      for (int rank = 0; rank < RANKS; rank++) {
        boolean there = rank < setup.ranks().get(node);
        state.set(State.rank(node, rank), there ? IDLE : THROUGH);
        state.set(State.rank(node, rank) + 1, there ? setup.rounds() - 1 : 0);
      }
    }
    snapshots.saveHome(state);
    return state.canonical();
  }

  byte[] initial() {
    return initial;
  }

  /** A state that can follow. */
  interface Sink {
    void next(byte[] state, int step);
  }

  /**
   * Tells each state that may follow.
   *
   * @throws Violation if a property does not hold in the state or in a step from it
   */
  void expand(byte[] before, Sink sink) {
    from = before;
    load();
    enabledCount = 0;
    listAll();
    checkRest();
    int count = enabledCount;
    int[] steps = Arrays.copyOf(enabled, count);
    for (int step : steps) {
      choices.clear();
      do {
        load();
        loopback.clear();
        batch = 0;
        choice = 0;
        meanwhile = 0;
        inAgent = false;
        if (trace != null) {
          trace.clear();
        }
        perform(step);
        check();
        sink.next(state.canonical(), step);
      } while (chooseNext());
    }
  }

  private void load() {
    System.arraycopy(from, 0, state.bytes, 0, from.length);
  }

  /** To go on with a state's steps, after something else was looked at. */
  void reload(byte[] before) {
    from = before;
  }

  void traceTo(List<String> lines) {
    trace = lines;
  }

  @Override
  public void trace(String what) {
    if (trace != null) {
      trace.add(what);
    }
  }

  // What may happen.

  private static int step(int kind, int node, int rank, int how) {
    return kind | (node << 4) | (rank << 8) | (how << 12);
  }

  private void list(int step) {
    if (enabledCount == enabled.length) {
      enabled = Arrays.copyOf(enabled, 2 * enabledCount);
    }
    enabled[enabledCount++] = step;
  }

  private void listAll() {
    boolean mayCrash = setup.crash() != Setup.Crash.NOTHING && !remembers(State.CRASHED);
    for (int node = 0; node < nodes; node++) {
      if (state.is(node, State.DOWN)) {
        continue;
      }
      for (int rank = 0; rank < RANKS; rank++) {
        listRank(node, rank);
        int kind = state.kind(node, rank);
        if (mayCrash && setup.ranksDie() && kind != IDLE && kind != THROUGH) {
          list(step(DIE, node, rank, 0));
        }
      }
      if (state.is(node, TOLD)) {
        list(step(LOOK, node, 0, 0));
      }
      if (setup.crash() == Setup.Crash.RANK_CLEARED
          && parts[node].isPoisoned()
          && !state.is(node, State.FREED)) {
        list(step(CLEAR, node, 0, 0));
      }
      if (isUnused(node)) {
        if (Snapshots.isRetired(state, node, holders[node])) {
          list(step(DROP, node, 0, 0));
        } else if (!Snapshots.isRetiring(state, node)) {
          list(step(RETIRE, node, 0, 0));
        }
      }
      if (node > 0) {
        listDelivery(node, true);
        listDelivery(node, false);
      }
      if (setup.crash() != Setup.Crash.NOTHING) {
        listFailure(node, mayCrash);
      }
    }
    if (state.is(0, State.DOWN)) {
      return;
    }
    for (int node = 1; node < nodes; node++) {
      if (state.is(node, State.DOWN)) {
        listDelivery(node, true); // what was on its way
      }
    }
  }

  /** As the directory sees it: no rank has the name, or has left anything in its words. */
  private boolean isUnused(int node) {
    if (!setup.retires() || !state.is(node, State.USED)) {
      return false;
    }
    for (int rank = 0; rank < RANKS; rank++) {
      int kind = state.kind(node, rank);
      if (kind != IDLE && kind != THROUGH) {
        return false;
      }
    }
    return !state.is(node, TOLD) && !parts[node].isPoisoned();
  }

  private void listDelivery(int node, boolean toHome) {
    if (state.get(state.channel(node, toHome)) > 0) {
      list(step(DELIVER, node, toHome ? 1 : 0, 0));
    }
  }

  private void listFailure(int node, boolean mayCrash) {
    NodeModel part = parts[node];
    if (setup.crash() == Setup.Crash.NODE) {
      if (remembers(State.CRASHED) && !state.is(node, State.BROKEN)) {
        list(step(BREAK, node, 0, 0));
      } else if (mayCrash) {
        listVanishing(node);
      }
      return;
    }
    boolean waiterMends = false;
    boolean anyDead = false;
    for (int rank = 0; rank < RANKS; rank++) {
      int kind = part.kind(rank);
      boolean dead = part.is(rank, DEAD);
      anyDead |= dead;
      waiterMends |= !dead && (kind == WAITS_TO_READ || kind == WAITS_TO_WRITE || kind == OWNS);
    }
    if (waiterMends && part.isToBeMended(false)) {
      list(step(MEND, node, 0, 0));
    }
    if (anyDead
        && (!state.is(node, State.NOTICED)
            || (Snapshots.isRecalled(state, node) && part.isToBeMended(true)))) {
      list(step(TICK, node, 0, 0));
    }
  }

  /** What it has sent arrives up to any message, and no further. */
  private void listVanishing(int node) {
    if (node > 0) {
      for (int kept = state.get(state.channel(node, true)); kept >= 0; kept--) {
        list(step(VANISH, node, 0, kept));
      }
      return;
    }
    int combinations = 1;
    for (int other = 1; other < nodes; other++) {
      combinations *= state.get(state.channel(other, false)) + 1;
    }
    for (int how = 0; how < combinations; how++) {
      list(step(VANISH, node, 0, how));
    }
  }

  private void listRank(int node, int rank) {
    NodeModel part = parts[node];
    if (part.is(rank, DEAD)) {
      return;
    }
    int kind = part.kind(rank);
    boolean tries = part.is(rank, TRIES);
    boolean fails = part.isPoisoned() || (state.is(node, State.BROKEN) && part.isAgentInvolved());
    switch (kind) {
      case IDLE -> {
        for (int how = 0; how < (setup.tries() ? 4 : 2); how++) {
          list(step(ASK, node, rank, how));
        }
        return;
      }
      case WAITS_TO_READ -> {
        if (!part.isPending()) {
          list(step(ENTER, node, rank, 0));
        }
        if (fails || (tries && (part.is(rank, REFUSED) || part.isRefusedHere(rank)))) {
          list(step(STOP, node, rank, 0));
        }
      }
      case WAITS_TO_WRITE -> {
        if (fails || (tries && (part.is(rank, REFUSED) || part.isRefusedHere(rank)))) {
          list(step(STOP, node, rank, 0));
        }
      }
      case OWNS -> {
        if (part.isUnread()) {
          list(step(ENTER, node, rank, 0));
        }
        if ((fails && state.gate(node) == State.ASKING) || (tries && !part.isUnread())) {
          list(step(STOP, node, rank, 0));
        }
      }
      case READS, WRITES -> {
        list(step(LEAVE, node, rank, 0));
        return;
      }
      default -> {
        return;
      }
    }
    if (setup.giveUps()) {
      list(step(GIVE_UP, node, rank, 0));
    }
  }

  // What happens then.

  private void perform(int step) {
    int kind = step & 15;
    int node = (step >> 4) & 15;
    int rank = (step >> 8) & 15;
    int how = step >> 12;
    if (trace != null) {
      trace(describe(kind, node, rank, how));
    }
    NodeModel part = parts[node];
    switch (kind) {
      case LOOK -> {
        state.set(node, TOLD, false); // before the look: what changes after it is told again
        look(node);
        answerItself();
      }
      case DELIVER -> {
        int message = state.pop(state.channel(node, rank == 1));
        if (rank == 1) {
          handleAtHome(node, message);
        } else {
          handleAtTenant(node, message);
        }
        answerItself();
      }
      case TICK -> {
        state.set(node, State.NOTICED, true);
        part.recover(true);
        look(node);
        answerItself();
      }
      case CLEAR -> {
        state.set(node, State.FREED, true);
        Snapshots.load(state, node, holders[node]);
        inAgent = true;
        holders[node].clear(0);
        inAgent = false;
        Snapshots.save(state, node, holders[node]);
        answerItself();
      }
      case MEND -> part.recover(false);
      case RETIRE -> {
        Snapshots.load(state, node, holders[node]);
        inAgent = true; // though a rank cannot have the name again before that is over
        holders[node].retire();
        inAgent = false;
        Snapshots.save(state, node, holders[node]);
        answerItself();
      }
      case DROP -> {
        if (Snapshots.onRecord(state, node) != NONE
            || (node > 0 && state.get(state.channel(node, false)) > 0)) {
          throw new Violation(Violation.RECORD, "node " + node + " is dropped, and owed something");
        }
        Snapshots.drop(state, node);
        state.set(node, State.USED, false);
        if (state.gate(node) != State.CLOSED) {
          throw new Violation(Violation.RECORD, "node " + node + " is dropped, and open");
        }
      }
      case DIE -> {
        remember(State.CRASHED);
        if (part.kind(rank) == WRITES && setup.crash() != Setup.Crash.RANK_RELEASED) {
          remember(State.WRITER_DIED);
        }
        part.die(rank);
      }
      case BREAK -> state.set(node, State.BROKEN, true);
      case VANISH -> vanish(node, how);
      default -> act(step);
    }
    noteMeetings();
  }

  /** A step of a rank, by itself or in the middle of one of the agent. */
  private void act(int step) {
    int kind = step & 15;
    int node = (step >> 4) & 15;
    int rank = (step >> 8) & 15;
    int how = step >> 12;
    NodeModel part = parts[node];
    switch (kind) {
      case ASK -> {
        state.set(node, State.USED, true);
        int tries = how >= 2 ? TRIES : 0;
        if (tries != 0 && meets(node, rank, how % 2 == 1)) {
          int index = State.rank(node, rank);
          state.set(index, state.get(index) | MET);
        }
        if (how % 2 == 0) {
          part.askToRead(rank, tries);
        } else {
          part.askToWrite(rank, tries);
        }
      }
      case ENTER -> {
        if (part.kind(rank) == OWNS) {
          part.write(rank);
        } else {
          part.enterToRead(rank);
        }
      }
      case LEAVE -> {
        if (part.kind(rank) == WRITES) {
          part.release(rank);
        } else {
          part.endRead(rank);
        }
      }
      case STOP, GIVE_UP -> {
        boolean met = part.is(rank, MET) || kind == GIVE_UP || remembers(State.CRASHED);
        if (part.kind(rank) == OWNS) {
          part.release(rank);
        } else if (kind == STOP && part.is(rank, TRIES) && !part.isPoisoned()) {
          part.endTry(rank);
        } else {
          part.stopWaiting(rank);
        }
        int now = part.kind(rank);
        if (!met && (now == THROUGH || now == IDLE)) {
          throw new Violation(Violation.FREE, "rank " + rank + " of node " + node);
        }
      }
      default -> throw new AssertionError(kind);
    }
  }

  private void look(int node) {
    PermissionHolder holder = holders[node];
    Snapshots.load(state, node, holder);
    inAgent = true;
    holder.look();
    inAgent = false;
    Snapshots.save(state, node, holder);
  }

  /** The messages of node 0 to itself: the agent handles them before it does anything else. */
  private void answerItself() {
    for (int handled = 0; !loopback.isEmpty(); handled++) {
      if (handled == MOST_TO_ITSELF) {
        throw new Violation(Violation.ENDS, "node 0 goes on answering itself");
      }
      int message = loopback.remove();
      switch (Wire.kind(message)) {
        case Wire.REQUEST,
            Wire.PLEAD,
            Wire.CANCEL,
            Wire.YIELD,
            Wire.SETTLED,
            Wire.CLEAR,
            Wire.RETIRE ->
            handleAtHome(0, message);
        default -> handleAtTenant(0, message);
      }
    }
  }

  private void handleAtHome(int from, int message) {
    if (trace != null) {
      trace("the home handles " + Wire.message(message) + " of node " + from);
    }
    snapshots.loadHome(state);
    switch (Wire.kind(message)) {
      case Wire.REQUEST -> {
        Permission wanted = Wire.permission(message);
        noteRequest(from, wanted);
        home.request(from, wanted, Wire.token(message));
      }
      case Wire.CANCEL -> {
        forget(from);
        home.cancel(from);
      }
      case Wire.YIELD -> {
        Permission kept = Wire.permission(message);
        if (setup.phaseFair()
            && Snapshots.onRecord(state, from) == EXCLUSIVE
            && kept != EXCLUSIVE
            && !Wire.flag(message)) {
          batch = Snapshots.readers(state);
        }
        home.yielded(
            from, kept, Wire.token(message), Wire.token(message), Wire.deadWriter(message));
        if (batch != 0) {
          throw new Violation(Violation.ORDER, "the readers that waited are not all let in");
        }
      }
      case Wire.PLEAD -> home.plead(from, Wire.token(message));
      case Wire.SETTLED -> home.settled(from);
      case Wire.CLEAR -> home.clear(from, 0);
      case Wire.RETIRE -> retireAtHome(from, Wire.permission(message), Wire.token(message));
      default -> throw new AssertionError(message);
    }
    if (setup.retires() && home.isIdle()) {
      snapshots.dropHome();
    }
    snapshots.saveHome(state);
    if (trace != null) {
      trace("after which " + home.describe());
    }
  }

  private void retireAtHome(int from, Permission held, int token) {
    boolean wrote = setup.phaseFair() && held == EXCLUSIVE;
    if (wrote && Snapshots.onRecord(state, from) == EXCLUSIVE) {
      batch = Snapshots.readers(state);
    }
    home.retire(from, held, token, token);
    if (batch != 0) {
      throw new Violation(Violation.ORDER, "the readers that waited are not all let in");
    }
  }

  private void handleAtTenant(int node, int message) {
    if (trace != null) {
      trace("node " + node + " handles " + Wire.message(message));
    }
    PermissionHolder holder = holders[node];
    Snapshots.load(state, node, holder);
    inAgent = true;
    switch (Wire.kind(message)) {
      case Wire.GRANT ->
          holder.granted(Wire.permission(message), Wire.token(message), Wire.token(message));
      case Wire.RECALL -> holder.recalled(Wire.permission(message));
      case Wire.SETTLE -> holder.settle();
      case Wire.REFUSE -> holder.refused(Wire.token(message));
      case Wire.POISON -> holder.poisoned(0);
      case Wire.CONFIRM -> holder.clear(0);
      case Wire.CLEARED -> holder.cleared();
      case Wire.RETIRED -> holder.retired();
      default -> throw new AssertionError(message);
    }
    inAgent = false;
    Snapshots.save(state, node, holder);
  }

  private void send(int node, boolean toHome, int message) {
    if (trace != null) {
      trace(
          (toHome ? "node " + node + " sends " : "the home sends to node " + node + ": ")
              + Wire.message(message));
    }
    if (node == 0) {
      loopback.add(message);
    } else if (!state.is(toHome ? 0 : node, State.DOWN)
        && !state.push(state.channel(node, toHome), message)) {
      throw new Violation(Violation.ENDS, "a channel of node " + node + " is full");
    }
  }

  private void vanish(int node, int how) {
    remember(State.CRASHED);
    state.set(node, State.DOWN, true);
    int rest = how;
    for (int other = 1; other < nodes; other++) {
      if (node == 0) {
        int length = state.get(state.channel(other, false));
        state.cut(state.channel(other, true), 0);
        state.cut(state.channel(other, false), rest % (length + 1));
        rest /= length + 1;
      } else if (node == other) {
        state.cut(state.channel(other, true), how);
        state.cut(state.channel(other, false), 0);
      }
    }
  }

  // Ranks that are faster than their agent.

  @Override
  public void meanwhile(int node) {
    if (!inAgent || meanwhile == setup.meanwhile()) {
      return;
    }
    enabledCount = 0;
    for (int rank = 0; rank < RANKS; rank++) {
      listRank(node, rank);
    }
    int[] steps = Arrays.copyOf(enabled, enabledCount);
    if (choice == choices.size()) {
      choices.add(new int[] {0, steps.length + 1});
    }
    int chosen = choices.get(choice++)[0];
    if (chosen > 0) {
      meanwhile++;
      int step = steps[chosen - 1];
      if (trace != null) {
        trace("meanwhile " + describe(step & 15, node, (step >> 8) & 15, step >> 12));
      }
      act(step);
    }
  }

  private boolean chooseNext() {
    while (!choices.isEmpty()) {
      int[] last = choices.getLast();
      if (++last[0] < last[1]) {
        return true;
      }
      choices.removeLast();
    }
    return false;
  }

  // What is remembered.

  private boolean remembers(int flag) {
    return (state.get(state.remembered + 1) & flag) != 0;
  }

  private void remember(int flag) {
    state.set(state.remembered + 1, state.get(state.remembered + 1) | flag);
  }

  private void forgets(int flag) {
    state.set(state.remembered + 1, state.get(state.remembered + 1) & ~flag);
  }

  private void noteRequest(int node, Permission wanted) {
    if (Snapshots.onRecord(state, node).compareTo(wanted) >= 0 || wanted != EXCLUSIVE) {
      forget(node);
      return;
    }
    int at = state.remembered + 2;
    while (state.get(at) != 0 && state.get(at) != node + 1) {
      at++;
    }
    state.set(at, node + 1);
  }

  private void forget(int node) {
    int first = state.remembered + 2;
    int kept = first;
    for (int at = first; at < first + nodes; at++) {
      int writer = state.get(at);
      state.set(at, 0);
      if (writer != 0 && writer != node + 1) {
        state.set(kept++, writer);
      }
    }
  }

  private void noteGrant(int node, Permission permission) {
    int first = state.get(state.remembered + 2);
    if (permission == EXCLUSIVE && (first != node + 1 || batch != 0)) {
      throw new Violation(
          Violation.ORDER, "node " + node + " is granted, node " + (first - 1) + " asked before");
    }
    if (permission == SHARED && first != 0 && (batch & (1 << node)) == 0) {
      throw new Violation(
          Violation.WRITERS_FIRST,
          "node " + node + " may read, node " + (first - 1) + " waits to write");
    }
    batch &= ~(1 << node);
    forget(node);
  }

  /** Whether somebody has in use, or asks for, what a rank would meet. */
  private boolean meets(int node, int rank, boolean writes) {
    for (int other = 0; other < nodes; other++) {
      for (int theirs = 0; theirs < RANKS; theirs++) {
        int kind = state.kind(other, theirs);
        if ((other != node || theirs != rank)
            && kind != IDLE
            && kind != THROUGH
            && (writes || (kind != READS && kind != WAITS_TO_READ))) {
          return true;
        }
      }
    }
    return false;
  }

  private void noteMeetings() {
    if (!setup.tries()) {
      return;
    }
    for (int node = 0; node < nodes; node++) {
      for (int rank = 0; rank < RANKS; rank++) {
        int index = State.rank(node, rank);
        int kind = state.kind(node, rank);
        if (parts[node].is(rank, TRIES)
            && (kind == WAITS_TO_READ || kind == WAITS_TO_WRITE || kind == OWNS)
            && meets(node, rank, kind != WAITS_TO_READ)) {
          state.set(index, state.get(index) | MET);
        }
      }
    }
  }

  // What must hold.

  @Override
  public void enters(int node, int rank, boolean writes) {
    trace("rank " + rank + " of node " + node + (writes ? " writes" : " reads"));
    if (remembers(State.WRITER_DIED)) {
      throw new Violation(Violation.POISON, "rank " + rank + " of node " + node);
    }
    int last = state.get(state.remembered);
    if (state.token(node) != last + (writes ? 1 : 0)) {
      throw new Violation(
          Violation.TOKENS, "node " + node + " has " + state.token(node) + " after " + last);
    }
    state.set(state.remembered, state.token(node));
    checkExclusion();
  }

  /** Nodes that vanished count: they may only be silent. */
  private void checkExclusion() {
    int readers = 0;
    int writers = 0;
    for (int node = 0; node < nodes; node++) {
      for (int rank = 0; rank < RANKS; rank++) {
        int kind = state.kind(node, rank);
        readers += kind == READS ? 1 : 0;
        writers += kind == WRITES ? 1 : 0;
      }
    }
    if (writers > 1 || (writers == 1 && readers > 0)) {
      throw new Violation(Violation.EXCLUSION, writers + " writers and " + readers + " readers");
    }
  }

  private void check() {
    int onRecord = 0;
    int exclusive = 0;
    for (int node = 0; node < nodes; node++) {
      Permission theirs = Snapshots.onRecord(state, node);
      onRecord += theirs == NONE ? 0 : 1;
      exclusive += theirs == EXCLUSIVE ? 1 : 0;
      if (!state.is(node, State.DOWN) && !parts[node].isPoisoned()) {
        checkNode(node, theirs);
      }
    }
    if (exclusive > 0 && onRecord > 1) {
      throw new Violation(Violation.RECORD, "somebody is on record beside EXCLUSIVE");
    }
  }

  private void checkNode(int node, Permission onRecord) {
    Permission held = Snapshots.held(state, node);
    if (held.compareTo(onRecord) > 0) {
      throw new Violation(
          Violation.RECORD, "node " + node + " has " + held + ", on record is " + onRecord);
    }
    Permission level =
        switch (state.gate(node)) {
          case State.OPEN, State.ASKING -> EXCLUSIVE;
          case State.READABLE -> SHARED;
          default -> parts[node].isUnread() ? NONE : SHARED;
        };
    if (level.compareTo(held) > 0) {
      throw new Violation(
          Violation.RECORD, "node " + node + " is open for " + level + ", but has " + held);
    }
  }

  /** Who waits when nothing just happens must have a reason. */
  private void checkRest() {
    boolean leaves = false;
    for (int index = 0; index < enabledCount; index++) {
      int kind = enabled[index] & 15;
      if (kind > LEAVE) {
        return;
      }
      leaves |= kind == LEAVE;
    }
    boolean quiet = true;
    for (int node = 0; node < nodes; node++) {
      for (int rank = 0; rank < RANKS; rank++) {
        int kind = state.kind(node, rank);
        boolean lives = !state.is(node, State.DOWN) && !parts[node].is(rank, DEAD);
        if (!lives || kind == IDLE || kind == THROUGH || kind == READS || kind == WRITES) {
          continue;
        }
        quiet = false;
        if (parts[node].is(rank, TRIES)) {
          throw new Violation(Violation.TRIES, "rank " + rank + " of node " + node);
        }
        if (!leaves) {
          throw new Violation(
              remembers(State.WRITER_DIED) ? Violation.POISON : Violation.PROGRESS,
              "rank " + rank + " of node " + node + " waits for nothing");
        }
      }
    }
    for (int node = 0; node < nodes; node++) {
      if (state.is(node, State.FREED) && parts[node].isPoisoned()) {
        throw new Violation(Violation.POISON, "node " + node + " was given free");
      }
    }
    if (!remembers(State.CRASHED) || setup.ranksDie()) {
      checkAgreement(quiet);
    }
  }

  private void checkAgreement(boolean quiet) {
    if (remembers(State.WRITER_DIED)) {
      return;
    }
    for (int node = 0; node < nodes; node++) {
      if (Snapshots.held(state, node) != Snapshots.onRecord(state, node)) {
        throw new Violation(Violation.RECORD, "node " + node + " at rest");
      }
      if (quiet && Snapshots.asked(state, node) != NONE) {
        throw new Violation(Violation.NO_TRACE, "node " + node + " still asks");
      }
      if (Snapshots.isUnanswered(state, node)) {
        throw new Violation(Violation.NO_TRACE, "node " + node + " still retires");
      }
      if (quiet && Snapshots.isRecalled(state, node)) {
        throw new Violation(Violation.NO_TRACE, "node " + node + " is still recalled");
      }
    }
    if (quiet && !Snapshots.isIdle(state)) {
      throw new Violation(Violation.NO_TRACE, "the home has somebody in its queues");
    }
  }

  // For people.

  private String describe(int kind, int node, int rank, int how) {
    String who = "rank " + rank + " of node " + node;
    return switch (kind) {
      case ASK -> who + (how >= 2 ? " tries to " : " asks to ") + (how % 2 == 0 ? "read" : "write");
      case GIVE_UP -> who + " gives up";
      case DIE -> who + " dies";
      case RETIRE -> "node " + node + " is to retire";
      case DROP -> "node " + node + " forgets its holder";
      case CLEAR -> "a rank of node " + node + " gives it free";
      case VANISH -> "node " + node + " vanishes, and with it some of its messages: " + how;
      case LEAVE -> who + " ends";
      case ENTER -> who + " enters";
      case STOP -> who + " is refused or fails";
      case MEND -> "a rank of node " + node + " that waits mends what the dead rank left";
      case LOOK -> "the agent of node " + node + " looks at it";
      case TICK -> "the agent of node " + node + " notices the death";
      case BREAK -> "node " + node + " notices that the controller is broken";
      default -> rank == 1 ? "a message arrives at the home" : "a message arrives at node " + node;
    };
  }

  /** A line for each node, and one for the home. */
  String describe(byte[] what) {
    from = what;
    load();
    StringBuilder text = new StringBuilder();
    for (int node = 0; node < nodes; node++) {
      text.append("   node ").append(node).append(": has ").append(Snapshots.held(state, node));
      text.append(", may keep ").append(Snapshots.limit(state, node));
      text.append(", asks for ").append(Snapshots.asked(state, node));
      text.append(", gate ").append(GATES.get(state.gate(node)));
      text.append(", token ").append(state.token(node)).append(", ranks");
      for (int rank = 0; rank < RANKS; rank++) {
        text.append(' ').append(KINDS.get(state.kind(node, rank)));
        text.append(parts[node].is(rank, DEAD) ? " (dead)" : "");
      }
      text.append(state.is(node, State.DOWN) ? ", vanished\n" : "\n");
    }
    snapshots.loadHome(state);
    return text.append("   home: ").append(home.describe()).toString();
  }

  private static final List<String> GATES =
      List.of("open", "asking", "claimed", "draining", "closed", "readable");
  private static final List<String> KINDS =
      List.of("idle", "waits to read", "reads", "waits to write", "owns", "writes", "through");

  /**
   * Each write of the model adds one to the counter, and raises the token by as much. If that is
   * not the last write's, this is no fault of the value.
   */
  private void checkValue(long token, long value) {
    if (token == state.get(state.remembered) && value != token) {
      throw new Violation(Violation.VALUES, value + " is told after the write " + token);
    }
  }

  private final class FromHome implements PermissionServer.Outbox {
    @Override
    public void grant(int node, Permission permission, long token, long value) {
      checkValue(token, value);
      noteGrant(node, permission);
      send(node, false, Wire.of(Wire.GRANT, permission, false, token));
    }

    @Override
    public void recall(int node, Permission limit) {
      send(node, false, Wire.of(Wire.RECALL, limit, false, 0));
    }

    @Override
    public void settle(int node) {
      send(node, false, Wire.of(Wire.SETTLE, NONE, false, 0));
    }

    @Override
    public void refuse(int node, long tries) {
      send(node, false, Wire.of(Wire.REFUSE, NONE, false, tries));
    }

    @Override
    public void poison(int node, int rank) {
      forget(node);
      send(node, false, Wire.of(Wire.POISON, NONE, false, 0));
    }

    @Override
    public void confirm(int node, int rank) {
      send(node, false, Wire.of(Wire.CONFIRM, NONE, false, 0));
    }

    @Override
    public void cleared(int node) {
      forgets(State.WRITER_DIED);
      send(node, false, Wire.of(Wire.CLEARED, NONE, false, 0));
    }

    @Override
    public void retired(int node) {
      send(node, false, Wire.of(Wire.RETIRED, NONE, false, 0));
    }
  }

  private final class FromTenant implements PermissionHolder.Outbox {
    private final int node;

    FromTenant(int node) {
      this.node = node;
    }

    @Override
    public void request(Permission wanted, long tries) {
      send(node, true, Wire.of(Wire.REQUEST, wanted, false, tries));
    }

    @Override
    public void plead(long tries) {
      send(node, true, Wire.of(Wire.PLEAD, NONE, false, tries));
    }

    @Override
    public void cancel() {
      send(node, true, Wire.of(Wire.CANCEL, NONE, false, 0));
    }

    @Override
    public void yielded(Permission kept, long token, long value, int deadWriter) {
      checkValue(token, value);
      send(node, true, Wire.of(Wire.YIELD, kept, deadWriter >= 0, token));
    }

    @Override
    public void settled() {
      send(node, true, Wire.of(Wire.SETTLED, NONE, false, 0));
    }

    @Override
    public void clear(int rank) {
      send(node, true, Wire.of(Wire.CLEAR, NONE, false, 0));
    }

    @Override
    public void retire(Permission held, long token, long value) {
      checkValue(token, value);
      send(node, true, Wire.of(Wire.RETIRE, held, false, token));
    }
  }
}

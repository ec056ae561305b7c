/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;

import io.mpilock.internal.job.SimulatedGate.State;
import io.mpilock.internal.job.SimulatedGate.Visit;
import io.mpilock.testing.Trace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Runs the real {@link PermissionServer}s and {@link PermissionHolder}s of a random job, one event
 * at a time, as a seed decides: what a rank does, which node looks at its ranks, which message
 * arrives next. Messages overtake each other, but not those of the same pair of nodes. A seed that
 * fails fails again, for the same code.
 *
 * <p>A job has up to eight nodes of up to six ranks and up to sixteen resources, whose homes are
 * spread. Ranks read, write, try, wait for a time, are interrupted, upgrade, and use several
 * resources at once, in a fixed order. Ranks and agents stall; ranks die; in some runs a node is
 * lost. In half of them nodes retire from what none of their ranks uses, and forget it.
 *
 * <p>After each step the resources that the step touched are checked ({@link JobRecords}); the
 * others are as they were. Now and then the ranks are frozen until nothing is left to do: whoever
 * waits then must wait for a rank that is in.
 */
final class JobSimulation {
  /** More events than this without a rank's doing are a message loop. */
  private static final int MAX_QUIET_EVENTS = 100_000;

  /** What goes wrong in a run. */
  enum Trouble {
    NOTHING,
    DEATHS,
    /** A node is lost: killed, cut off, or without its agent. */
    LOSS
  }

  /** How a node is lost. */
  private enum Loss {
    /** All of its ranks die at once. */
    KILLED,
    /** It lives, and no message reaches it or leaves it any more. */
    CUT_OFF,
    /** Its agent is dead; its ranks go on with what they have. */
    WITHOUT_AGENT
  }

  /** How an operation ended. */
  enum Outcome {
    GRANTED,
    REFUSED,
    TIMED_OUT,
    INTERRUPTED,
    /** Told of a rank that died, or without which nothing goes on. */
    FAILED,
    /** The rank itself died. */
    DIED
  }

  /** A rank's use of one resource. */
  private static final class Use {
    final Seat seat;
    final Visit visit;
    final int deadline;

    /** The token of the read that is upgraded, or -1. */
    final long upgraded;

    /** How many had come to the resource when this one found it free; or -1, if it did not. */
    final int foundFree;

    Use(Seat seat, Visit visit, int deadline, long upgraded, int foundFree) {
      this.seat = seat;
      this.visit = visit;
      this.deadline = deadline;
      this.upgraded = upgraded;
      this.foundFree = foundFree;
    }

    boolean is(State state) {
      return visit.state == state;
    }
  }

  /** A rank, with what it uses: the last is what it is about. */
  private static final class Rank {
    final int number;
    final int node;
    final List<Use> uses = new ArrayList<>();
    boolean dead;
    int stalledUntil;

    Rank(int number, int node) {
      this.number = number;
      this.node = node;
    }

    boolean waits() {
      return !uses.isEmpty() && uses.getLast().is(State.WAITS);
    }
  }

  /** A resource, and what may be said of it without a look at the protocol. */
  private final class Resource {
    final int number;
    final String name;
    final int homeNode;
    final HomeWatch watch = new HomeWatch(phaseFair);
    final JobRecords books;

    /** Its home was made anew, and nobody was let in since: its token may be higher. */
    boolean renewed;

    final List<Seat> seats = new ArrayList<>();
    int readers;
    boolean written;
    long token;

    /** What a counter of its name stands at. */
    long value;

    int arrivals;
    boolean dead;

    /** The last writer that died. */
    int deadWriter = -1;

    /** Whose poison somebody gives free, while its home looks at that. */
    int freed = -1;

    /** A writer has died; it may have been given free since. */
    boolean wasDead;

    boolean touched;

    Resource(int number, int homeNode) {
      this.number = number;
      this.name = "resource " + number;
      this.homeNode = homeNode;
      this.books = new JobRecords(this::onRecord, watch, nodes);
    }

    PermissionServers homes() {
      return homes.get(homeNode);
    }

    Permission onRecord(int node) {
      PermissionServer known = homes().known(name);
      return known == null ? NONE : known.permission(node);
    }

    boolean isQueueEmpty() {
      PermissionServer known = homes().known(name);
      return known == null || known.describe().endsWith("to write [] and to read []");
    }

    PermissionServer begin(long token) {
      renewed = true;
      return new PermissionServer(outbox(), phaseFair, token);
    }

    private PermissionServer.Outbox outbox() {
      return PermissionServer.Outbox.sending(
          name,
          (message, node) -> {
            if (message instanceof Message.Grant grant) {
              watch.grants(node, grant.permission());
            } else if (message instanceof Message.Poison) {
              watch.poisoned();
              books.poisoned();
            } else if (message instanceof Message.Cleared) {
              books.cleared();
              that(freed == deadWriter, () -> "given free in place of another's poison: " + this);
              dead = false;
            }
            books.sent(node, message);
            send(this, homeNode, node, message);
          });
    }

    boolean isUsed() {
      return readers > 0 || written;
    }

    /** Nobody uses it or asks for it, whatever messages about those who did are on their way. */
    boolean isFree() {
      return !isUsed() && !dead && lost < 0 && !isWaitedFor() && (!wasDead || isPoisonKnown());
    }

    private boolean isPoisonKnown() {
      return books.isPoisonKnown() && seats.stream().noneMatch(seat -> seat.gate.isPoisoned());
    }

    boolean isWaitedFor() {
      for (Seat seat : seats) {
        if (!seat.gate.waiting().isEmpty()) {
          return true;
        }
      }
      return false;
    }

    @Override
    public String toString() {
      PermissionServer known = homes().known(name);
      return name
          + " of node "
          + homeNode
          + ": "
          + (known == null ? "nothing is on record" : known.describe())
          + ", "
          + seats;
    }
  }

  /** A resource at a node. */
  private final class Seat {
    final Resource resource;
    final int node;
    SimulatedGate gate;
    PermissionHolder holder;
    final List<Use> dead = new ArrayList<>();
    boolean changed;

    Seat(Resource resource, int node) {
      this.resource = resource;
      this.node = node;
      this.gate = newGate();
      this.holder = newTenant();
      resource.books.seat(holder, gate);
    }

    private SimulatedGate newGate() {
      return new SimulatedGate(phaseFair, refuseEarly, this::entered, this::meanwhile);
    }

    private PermissionHolder newTenant() {
      return new PermissionHolder(
          gate,
          PermissionHolder.Outbox.sending(
              resource.name,
              message -> {
                resource.books.sent(node, message);
                send(resource, node, resource.homeNode, message);
              }));
    }

    /** As the directory sees it: no rank has the name, or has left anything in its words. */
    private boolean isUnused() {
      return !changed
          && dead.isEmpty()
          && !gate.isPoisoned()
          && ranksOf.get(node).stream()
              .noneMatch(rank -> rank.uses.stream().anyMatch(use -> equals(use.seat)));
    }

    /** As the agent does with what no rank uses, as often as it likes. */
    void retire() {
      if (!isUnused() || isAgentGone(node)) {
        return;
      }
      touch();
      if (holder.isRetired()) {
        trace(() -> "drops: " + this);
        that(gate.level() == NONE, () -> "dropped, and open: " + this);
        gate = newGate();
        holder = newTenant();
        resource.books.seat(node, holder, gate);
        drops++;
      } else {
        trace(() -> "retires: " + this);
        holder.retire();
      }
    }

    private void entered(Visit visit) {
      trace(() -> "rank " + visit.rank + " is in: " + this);
      that(!resource.dead, () -> visit + " is let in after a writer's death");
      that(!resource.written, () -> visit + " is let in beside a writer");
      if (resource.homeNode != lost || node == lost) {
        that(
            !resource.onRecord(node).isBelow(visit.mode),
            () -> visit + " is in for more than is on record");
      }
      if (resource.renewed) {
        resource.renewed = false;
        long before = gate.token() - (visit.mode == SHARED ? 0 : 1);
        that(
            before >= resource.token,
            () -> visit + ": token " + before + " came back after " + resource.token);
        resource.token = before;
      }
      if (visit.mode == SHARED) {
        resource.readers++;
      } else {
        that(resource.readers == 0, () -> visit + " is let in beside readers");
        resource.written = true;
        resource.token++;
        resource.value = SimulatedGate.count(resource.value);
      }
      that(
          gate.token() == resource.token,
          () -> visit + " has token " + gate.token() + " in place of " + resource.token);
      that(
          gate.value() == resource.value,
          () -> visit + " counts from " + gate.value() + " in place of " + resource.value);
      visit.token = resource.token;
    }

    /** What ranks do while the agent is in the middle of something. */
    private void meanwhile() {
      if (!frozen && random.nextInt(100) < meanwhilePercent) {
        List<Rank> mine = ranksOf.get(node);
        act(mine.get(random.nextInt(mine.size())));
      }
    }

    void touch() {
      if (!resource.touched) {
        resource.touched = true;
        touched.add(resource);
      }
    }

    void change() {
      touch();
      if (!changed) {
        changed = true;
        changes.add(this);
      }
    }

    /** As the agent does when the resource is in its inbox, and now and then. */
    void look() {
      touch();
      if (changed) {
        changed = false;
        changes.remove(this);
      }
      if (isAgentGone(node)) {
        return;
      }
      recover();
      trace(() -> "looks: " + this);
      holder.look();
      if (!changed && holder.isAsking()) {
        that(
            holder.held().isBelow(gate.wantedNow()),
            () -> "it looked, and still asks for nobody: " + this);
      }
    }

    private void recover() {
      for (Use use : dead) {
        if (use.is(State.WAITS)) {
          gate.giveUp(use.visit);
        } else if (use.is(State.IN)) {
          left(resource, use.visit);
          if (use.visit.mode == EXCLUSIVE && !releaseOnDeath && use.visit.begun) {
            resource.dead = true;
            resource.deadWriter = use.visit.rank;
            resource.wasDead = true;
            gate.die(use.visit);
          } else {
            gate.leave(use.visit);
          }
        }
      }
      dead.clear();
    }

    @Override
    public String toString() {
      return resource.name
          + " at node "
          + node
          + ": has "
          + holder.held()
          + (holder.isAsking() ? ", asks" : "")
          + (holder.isRecalled() ? ", is recalled" : "")
          + ", gate "
          + gate;
    }
  }

  private record Parcel(Resource resource, Message.OfLock message) {}

  private static final class Link {
    final int from;
    final int to;
    final Deque<Parcel> parcels = new ArrayDeque<>();

    Link(int from, int to) {
      this.from = from;
      this.to = to;
    }
  }

  private final SplittableRandom random;
  private final Trace trace;
  private final Trouble trouble;
  private final boolean phaseFair;
  private final boolean releaseOnDeath;
  private final boolean refuseEarly;
  private final int nodes;
  private final List<Rank> ranks = new ArrayList<>();
  private final List<List<Rank>> ranksOf = new ArrayList<>();
  private final List<Resource> resources = new ArrayList<>();
  private final List<PermissionServers> homes = new ArrayList<>();
  private final List<Seat> seats = new ArrayList<>();
  private final List<Link> links = new ArrayList<>();

  /** The links with something on the way. */
  private final List<Link> busyLinks = new ArrayList<>();

  private final List<Seat> changes = new ArrayList<>();
  private final List<Resource> touched = new ArrayList<>();
  private final Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
  private final int deliverWeight;
  private final int lookWeight;
  private final int rankWeight;
  private final int promptPercent;
  private final int meanwhilePercent;
  private final int writePercent;
  private final int tryPercent;
  private final int timedPercent;
  private final int nestPercent;
  private final int upgradePercent;
  private final int retirePercent;
  private final int stallPerMille;
  private final int interruptPerMille;
  private final int stepsBetweenTries;
  private final int slowLink;
  private final int stepsBetweenFreezes;
  private final int[] agentStalledUntil;
  private final boolean[] knowsOfLoss;
  private int lost = -1;
  private Loss loss = Loss.KILLED;
  private int operations;
  private int drops;
  private int steps;
  private boolean frozen;

  JobSimulation(long seed, Trouble trouble, Trace trace) {
    random = new SplittableRandom(seed);
    this.trouble = trouble;
    this.trace = trace;
    phaseFair = random.nextBoolean();
    releaseOnDeath = random.nextBoolean();
    refuseEarly = random.nextBoolean();
    boolean small = random.nextBoolean(); // rare meetings of few are more likely
    int fewest = trouble == Trouble.LOSS ? 2 : 1;
    nodes = fewest + random.nextInt((small ? 4 : 9) - fewest);
    deliverWeight = 1 + random.nextInt(20);
    lookWeight = 1 + random.nextInt(5);
    rankWeight = 1 + random.nextInt(10);
    promptPercent = random.nextInt(101);
    meanwhilePercent = random.nextInt(20);
    writePercent = random.nextInt(101);
    tryPercent = random.nextInt(40);
    timedPercent = random.nextInt(60);
    nestPercent = random.nextInt(30);
    upgradePercent = random.nextInt(30);
    retirePercent = random.nextInt(2) * random.nextInt(40);
    stallPerMille = random.nextInt(10);
    interruptPerMille = random.nextBoolean() ? 20 : random.nextInt(600);
    stepsBetweenTries = (small ? 2 : 20) + random.nextInt(small ? 10 : 60);
    agentStalledUntil = new int[nodes];
    knowsOfLoss = new boolean[nodes];
    for (int node = 0; node < nodes; node++) {
      ranksOf.add(new ArrayList<>());
      for (int count = 1 + random.nextInt(small ? 2 : 6); count > 0; count--) {
        Rank rank = new Rank(ranks.size(), node);
        ranks.add(rank);
        ranksOf.get(node).add(rank);
      }
    }
    for (int node = 0; node < nodes; node++) {
      homes.add(new PermissionServers((name, token) -> named(name).begin(token)));
    }
    for (int link = 0; link < nodes * nodes; link++) {
      links.add(new Link(link / nodes, link % nodes));
    }
    stepsBetweenFreezes = 20 + random.nextInt(small ? 100 : 2_000);
    slowLink = random.nextInt(2 * links.size()); // or none
    int count = 1 + random.nextInt(small ? 2 : random.nextBoolean() ? 3 : 16);
    for (int number = 0; number < count; number++) {
      Resource resource = new Resource(number, random.nextInt(nodes));
      resources.add(resource);
      for (int node = 0; node < nodes; node++) {
        resource.seats.add(new Seat(resource, node));
      }
      seats.addAll(resource.seats);
    }
  }

  private Resource named(String name) {
    return resources.stream()
        .filter(resource -> resource.name.equals(name))
        .findAny()
        .orElseThrow();
  }

  /** How many nodes have forgotten a resource, so far. */
  int drops() {
    return drops;
  }

  /** How often ranks asked, so far. */
  int operations() {
    return operations;
  }

  /** How many operations ended how. */
  Map<Outcome, Integer> outcomes() {
    return outcomes;
  }

  /** Does some hundred or some thousand operations. */
  long run() {
    int wanted = 50 + random.nextInt(random.nextInt(8) > 0 ? 250 : 4_000);
    int loseAt = trouble == Trouble.LOSS ? random.nextInt(wanted) : Integer.MAX_VALUE;
    while (operations < wanted && someRankLives()) {
      step();
      if (operations >= loseAt && lost < 0) {
        lose();
      }
      if (random.nextInt(stepsBetweenFreezes) == 0) {
        freeze();
      } else if (random.nextInt(stepsBetweenTries) == 0) {
        tryWhatIsFree();
      }
    }
    for (int round = 0; isInUse(); round++) {
      int most = 3 * ranks.size() + 3;
      that(round <= most, () -> "after " + most + " rounds not everybody had its turn");
      freeze();
      for (Rank rank : ranks) {
        leaveAll(rank);
      }
    }
    freeze();
    if (trouble == Trouble.NOTHING) {
      retireAll();
    }
    int ended = outcomes.values().stream().mapToInt(number -> number).sum();
    that(ended == operations, () -> operations + " operations, of which ended " + outcomes);
    return operations;
  }

  /** When nobody has any name any more nothing is left of any. */
  private void retireAll() {
    frozen = true; // no rank comes back
    seats.forEach(seat -> seat.holder.retire());
    freeze();
    for (Seat seat : seats) {
      that(seat.holder.isRetired(), () -> "does not retire: " + seat.resource);
    }
    for (PermissionServers left : homes) {
      long counted =
          resources.stream().filter(one -> one.homes() == left && one.value != 0).count();
      that(left.size() == counted, () -> "a home is left, or what it counted: " + resources);
    }
  }

  private boolean someRankLives() {
    return ranks.stream().anyMatch(rank -> !rank.dead);
  }

  private boolean isInUse() {
    return ranks.stream().anyMatch(rank -> !rank.dead && !rank.uses.isEmpty());
  }

  private void step() {
    steps++;
    int roll = random.nextInt(deliverWeight + lookWeight + rankWeight);
    if (roll < deliverWeight) {
      deliver();
    } else if (roll < deliverWeight + lookWeight) {
      look();
    } else {
      Rank rank = ranks.get(random.nextInt(ranks.size()));
      act(rank);
      if (!rank.uses.isEmpty() && random.nextInt(100) < promptPercent) {
        Seat seat = rank.uses.getLast().seat;
        if (agentStalledUntil[seat.node] <= steps) {
          seat.look();
        }
      }
    }
    if (random.nextInt(100) < retirePercent) {
      Seat seat = seats.get(random.nextInt(seats.size()));
      if (agentStalledUntil[seat.node] <= steps) {
        seat.retire();
      }
    }
    if (random.nextInt(1000) < stallPerMille) {
      stall();
    }
    if (lost >= 0 && random.nextInt(100) == 0) {
      learn(random.nextInt(nodes));
    }
    check();
  }

  private void stall() {
    int until = steps + random.nextInt(500);
    if (random.nextBoolean()) {
      agentStalledUntil[random.nextInt(nodes)] = until;
    } else {
      ranks.get(random.nextInt(ranks.size())).stalledUntil = until;
    }
  }

  // The ranks.

  private void act(Rank rank) {
    if (rank.dead || rank.stalledUntil > steps) {
      return;
    }
    Use use = rank.uses.isEmpty() ? null : rank.uses.getLast();
    if (use == null) {
      Resource resource = resources.get(random.nextInt(1 + random.nextInt(resources.size())));
      if (!mayDie() || !clear(rank, resource)) {
        begin(rank, resource);
      }
    } else if (use.is(State.WAITS)) {
      waitOn(rank, use);
    } else if (use.is(State.IN)) {
      goOn(rank, use);
    } else {
      end(rank, use, use.is(State.REFUSED) ? Outcome.REFUSED : Outcome.FAILED);
    }
  }

  /** A rank that knows of a poison may give the resource free. */
  private boolean clear(Rank rank, Resource resource) {
    Seat seat = resource.seats.get(rank.node);
    if (!seat.gate.isPoisoned() || random.nextInt(3) > 0) {
      return false;
    }
    trace(() -> "rank " + rank.number + " gives free: " + seat);
    seat.holder.clear(seat.gate.deadWriter());
    seat.change();
    return true;
  }

  private void waitOn(Rank rank, Use use) {
    if (mayDie() && random.nextInt(200) == 0) {
      die(rank);
    } else if (isBroken(use)) {
      giveUp(rank, use, Outcome.FAILED);
    } else if (use.deadline <= steps) {
      giveUp(rank, use, Outcome.TIMED_OUT);
    } else if (random.nextInt(1000) < interruptPerMille) {
      giveUp(rank, use, Outcome.INTERRUPTED);
    }
  }

  /** As a waiting rank sees it: its node cannot get what it needs any more. */
  private boolean isBroken(Use use) {
    boolean agentGone = isAgentGone(use.seat.node);
    return (knowsOfLoss[use.seat.node] || agentGone)
        && use.seat.gate.level().isBelow(use.visit.mode);
  }

  private void giveUp(Rank rank, Use use, Outcome outcome) {
    trace(() -> "rank " + rank.number + " gives up, " + outcome + ": " + use.seat);
    use.seat.gate.giveUp(use.visit);
    use.seat.change();
    end(rank, use, outcome);
  }

  private void end(Rank rank, Use use, Outcome outcome) {
    if (outcome == Outcome.REFUSED && lost < 0 && !use.seat.resource.dead) {
      that(
          use.foundFree != use.seat.resource.arrivals,
          () -> "what was free all the time was refused: " + use.visit + ", " + use.seat.resource);
    }
    rank.uses.remove(use);
    outcomes.merge(outcome, 1, Integer::sum);
    if (outcome == Outcome.FAILED) {
      that(
          use.seat.resource.wasDead || lost >= 0,
          () -> use.visit + " failed, and there is no rank to name");
    }
  }

  private void goOn(Rank rank, Use use) {
    use.visit.begun = true;
    that(
        use.visit.mode == SHARED ? !use.seat.resource.written : use.seat.resource.written,
        () -> use.visit + " is in, and another wrote");
    that(
        use.visit.token == use.seat.resource.token,
        () -> use.visit + " is in, and the token went from " + use.visit.token);
    if (mayDie() && random.nextInt(100) == 0) {
      die(rank);
    } else if (use.visit.mode == SHARED && random.nextInt(100) < upgradePercent) {
      leave(rank, use);
      if (use.upgraded < 0) {
        arrive(rank, use.seat.resource, EXCLUSIVE, false, use.visit.token);
      }
    } else if (rank.uses.size() < 3 && random.nextInt(100) < nestPercent) {
      int next = use.seat.resource.number + 1 + random.nextInt(2);
      if (next < resources.size()) {
        begin(rank, resources.get(next));
      }
    } else {
      leave(rank, use);
    }
  }

  private void begin(Rank rank, Resource resource) {
    Permission mode = random.nextInt(100) < writePercent ? EXCLUSIVE : SHARED;
    arrive(rank, resource, mode, random.nextInt(100) < tryPercent, -1);
  }

  private Visit arrive(
      Rank rank, Resource resource, Permission mode, boolean tries, long upgradedToken) {
    operations++;
    Visit visit = new Visit(rank.number, mode, tries);
    Seat seat = resource.seats.get(rank.node);
    boolean timed = !tries && random.nextInt(100) < timedPercent;
    int deadline = timed ? steps + random.nextInt(1_000) : Integer.MAX_VALUE;
    boolean free = tries && resource.isFree();
    resource.arrivals++;
    rank.uses.add(new Use(seat, visit, deadline, upgradedToken, free ? resource.arrivals : -1));
    seat.gate.arrive(visit);
    seat.change();
    trace(() -> visit + ": " + seat);
    return visit;
  }

  private void leave(Rank rank, Use use) {
    trace(() -> "rank " + rank.number + " leaves: " + use.seat);
    if (use.upgraded >= 0) {
      long writes = use.visit.token - 1 - use.upgraded;
      that(
          writes >= 0,
          () -> "an upgrade went from token " + use.upgraded + " to " + use.visit.token);
    }
    left(use.seat.resource, use.visit);
    use.seat.gate.leave(use.visit);
    use.seat.change();
    end(rank, use, Outcome.GRANTED);
  }

  private void leaveAll(Rank rank) {
    while (!rank.dead && !rank.uses.isEmpty()) {
      Use use = rank.uses.getLast();
      if (use.is(State.WAITS)) {
        return;
      } else if (use.is(State.IN)) {
        leave(rank, use);
      } else {
        end(rank, use, use.is(State.REFUSED) ? Outcome.REFUSED : Outcome.FAILED);
      }
    }
  }

  private boolean mayDie() {
    return trouble == Trouble.DEATHS;
  }

  /** What it holds and waits for stays until its node's agent recovers it. */
  private void die(Rank rank) {
    if (ranksOf.get(rank.node).getFirst().equals(rank)) {
      return; // with the agent: that is the loss of a node
    }
    trace(() -> "rank " + rank.number + " dies");
    rank.dead = true;
    for (Use use : rank.uses) {
      use.seat.dead.add(use);
      use.seat.change();
      outcomes.merge(Outcome.DIED, 1, Integer::sum);
    }
  }

  private static void left(Resource resource, Visit visit) {
    if (visit.mode == SHARED) {
      resource.readers--;
    } else {
      resource.written = false;
    }
  }

  // The loss of a node.

  private void lose() {
    lost = random.nextInt(nodes);
    loss = Loss.values()[random.nextInt(Loss.values().length)];
    trace(() -> "node " + lost + " is lost: " + loss);
    resources.forEach(resource -> resource.books.lost(lost, lost == resource.homeNode));
    if (loss == Loss.KILLED) {
      for (Rank rank : ranksOf.get(lost)) {
        rank.dead = true;
        for (Use use : rank.uses) {
          if (use.is(State.IN)) {
            left(use.seat.resource, use.visit);
          }
          outcomes.merge(Outcome.DIED, 1, Integer::sum);
        }
      }
    }
    for (Link link : links) {
      // What had left before may still arrive; what was to come to it does not.
      if (!isWhole(link) && (link.to == lost || random.nextBoolean())) {
        while (!link.parcels.isEmpty()) {
          lose(link, link.parcels.remove());
        }
        busyLinks.remove(link);
      }
    }
    changes.removeIf(seat -> {
      boolean gone = isAgentGone(seat.node);
      seat.changed &= !gone;
      return gone;
    });
  }

  private static void lose(Link link, Parcel parcel) {
    parcel.resource.books.arrived(
        parcel.message, parcel.resource.homeNode == link.to ? link.from : link.to);
  }

  private boolean isWhole(Link link) {
    return lost < 0
        || (link.from == link.to
            ? link.from != lost || loss == Loss.CUT_OFF
            : link.from != lost && link.to != lost);
  }

  private boolean isAgentGone(int node) {
    return node == lost && loss != Loss.CUT_OFF;
  }

  /** A node hears of the loss, or its heart misses a beat. */
  private void learn(int node) {
    if (!knowsOfLoss[node]) {
      trace(() -> "node " + node + " knows of the loss");
      knowsOfLoss[node] = true;
    }
  }

  // The nodes and the messages between them.

  private void look() {
    Seat seat =
        changes.isEmpty() || random.nextInt(4) == 0
            ? seats.get(random.nextInt(seats.size()))
            : changes.get(random.nextInt(changes.size()));
    if (agentStalledUntil[seat.node] <= steps) {
      seat.look();
    }
  }

  private void send(Resource resource, int from, int to, Message.OfLock message) {
    Link link = links.get(from * nodes + to);
    Parcel parcel = new Parcel(resource, message);
    if (!isWhole(link)) {
      trace(() -> "lost " + from + " -> " + to + " " + message);
      lose(link, parcel);
      return;
    }
    trace(() -> "sent " + from + " -> " + to + " " + message);
    if (link.parcels.isEmpty()) {
      busyLinks.add(link);
    }
    link.parcels.add(parcel);
  }

  private void deliver() {
    if (busyLinks.isEmpty()) {
      return;
    }
    int at = random.nextInt(busyLinks.size());
    Link link = busyLinks.get(at);
    boolean slow = link.from * nodes + link.to == slowLink && random.nextInt(50) > 0;
    if (!frozen && (slow || agentStalledUntil[link.to] > steps)) {
      return;
    }
    Parcel parcel = link.parcels.remove();
    if (link.parcels.isEmpty()) {
      busyLinks.set(at, busyLinks.getLast());
      busyLinks.removeLast();
    }
    int from = link.from;
    int to = link.to;
    Resource resource = parcel.resource;
    trace(() -> "arrives " + from + " -> " + to + " " + parcel.message);
    Seat seat = resource.seats.get(to);
    seat.touch();
    PermissionHolder holder = seat.holder;
    switch (parcel.message) {
      case Message.Request m -> {
        resource.books.arrived(m, from);
        resource.watch.requests(from, m.wanted(), resource.onRecord(from));
        toHome(resource, home -> home.request(from, m.wanted(), m.tries()));
      }
      case Message.Plead m -> {
        resource.books.arrived(m, from);
        toHome(resource, home -> home.plead(from, m.tries()));
      }
      case Message.Cancel m -> {
        resource.books.arrived(m, from);
        resource.watch.leaves(from);
        toHome(resource, home -> home.cancel(from));
      }
      case Message.Yield m -> {
        resource.books.arrived(m, from);
        resource.watch.yields(m.kept(), resource.onRecord(from));
        toHome(
            resource, home -> home.yielded(from, m.kept(), m.token(), m.value(), m.deadWriter()));
      }
      case Message.Settled m -> {
        resource.books.arrived(m, from);
        toHome(resource, home -> home.settled(from));
      }
      case Message.Grant m -> {
        resource.books.arrived(m, to);
        holder.granted(m.permission(), m.token(), m.value());
      }
      case Message.Recall m -> {
        resource.books.arrived(m, to);
        holder.recalled(m.limit());
      }
      case Message.Settle m -> {
        resource.books.arrived(m, to);
        holder.settle();
      }
      case Message.Refuse m -> {
        resource.books.arrived(m, to);
        holder.refused(m.tries());
      }
      case Message.Poison m -> {
        resource.books.arrived(m, to);
        holder.poisoned(m.rank());
      }
      case Message.Clear m -> {
        resource.books.arrived(m, from);
        resource.freed = m.rank();
        toHome(resource, home -> home.clear(from, m.rank()));
      }
      case Message.Confirm m -> {
        resource.books.arrived(m, to);
        holder.clear(m.rank());
      }
      case Message.Cleared m -> {
        resource.books.arrived(m, to);
        holder.cleared();
      }
      case Message.Retire m -> {
        resource.books.arrived(m, from);
        if (m.held() != NONE && m.held() == resource.onRecord(from)) {
          resource.watch.yields(NONE, m.held());
        }
        toHome(resource, home -> home.retire(from, m.held(), m.token(), m.value()));
      }
      case Message.Retired m -> {
        resource.books.arrived(m, to);
        holder.retired();
      }
    }
    trace(() -> "after which " + resource);
  }

  private static void toHome(Resource resource, Consumer<PermissionServer> handling) {
    resource.homes().tell(resource.name, handling);
  }

  /** Lets everything happen but what ranks do, and checks that who waits then has a reason. */
  private void freeze() {
    frozen = true;
    boolean again = true;
    for (int events = 0; again; ) {
      while (!busyLinks.isEmpty() || !changes.isEmpty()) {
        int now = events++;
        that(now < MAX_QUIET_EVENTS, () -> now + " events while no rank does anything");
        if (!busyLinks.isEmpty() && (changes.isEmpty() || random.nextInt(3) > 0)) {
          deliver();
        } else {
          changes.get(random.nextInt(changes.size())).look();
        }
        check();
      }
      again = lost >= 0 && failWhoNeedsTheLost();
    }
    resources.forEach(this::checkSettled);
    frozen = false;
  }

  /** Who waits sees within a time-out that a node is lost. */
  private boolean failWhoNeedsTheLost() {
    boolean any = false;
    for (int node = 0; node < nodes; node++) {
      learn(node);
    }
    for (Rank rank : ranks) {
      if (!rank.dead && rank.waits() && isBroken(rank.uses.getLast())) {
        giveUp(rank, rank.uses.getLast(), Outcome.FAILED);
        any = true;
      }
    }
    changes.removeIf(seat -> {
      boolean gone = isAgentGone(seat.node);
      seat.changed &= !gone;
      return gone;
    });
    return any;
  }

  /** A try on what nobody has in use or asks for succeeds, whatever messages are on their way. */
  private void tryWhatIsFree() {
    Resource resource = resources.get(random.nextInt(resources.size()));
    Rank rank = ranks.get(random.nextInt(ranks.size()));
    if (!rank.uses.isEmpty() || rank.dead || !resource.isFree()) {
      return;
    }
    Visit visit = arrive(rank, resource, random.nextBoolean() ? EXCLUSIVE : SHARED, true, -1);
    freeze();
    that(visit.state == State.IN, () -> "what is free is refused: " + visit);
  }

  // What must hold.

  private void check() {
    for (Resource resource : touched) {
      resource.touched = false;
      String wrong = resource.books.check();
      that(wrong == null, () -> wrong + ": " + resource);
    }
    touched.clear();
  }

  private void checkSettled(Resource resource) {
    boolean anybodyWaits = false;
    boolean writerWaits = false;
    for (Seat seat : resource.seats) {
      for (Visit visit : seat.gate.waiting()) {
        if (ranks.get(visit.rank).dead) {
          continue;
        }
        that(!visit.tries, () -> "waits for a hold, and only tries: " + visit + ", " + resource);
        that(!resource.dead, () -> "not told of the death of a writer: " + visit + ", " + resource);
        if (lost >= 0) {
          that(
              !seat.gate.level().isBelow(visit.mode) && !seat.gate.in().isEmpty(),
              () -> "waits for a node that is lost: " + visit + ", " + resource);
        }
        anybodyWaits = true;
        writerWaits |= visit.mode == EXCLUSIVE;
      }
    }
    if (resource.dead || lost >= 0) {
      return;
    }
    that(
        resource.seats.stream().noneMatch(seat -> seat.gate.isPoisoned()),
        () -> "poisoned, though nobody is dead whose write was not given free: " + resource);
    if (!resource.written) {
      that(
          !anybodyWaits || (resource.readers > 0 && writerWaits),
          () -> "somebody waits for nothing: " + resource);
    }
    for (Seat seat : resource.seats) {
      that(
          seat.holder.held() == resource.onRecord(seat.node),
          () -> "node " + seat.node + " has not what is on record: " + resource);
      if (seat.holder.isRecalled()) {
        that(
            seat.gate.in().stream().anyMatch(visit -> seat.gate.level().isBelow(visit.mode)),
            () -> "nobody is in the way of a recall: " + resource);
      } else {
        that(seat.gate.level() == seat.holder.held(), () -> "not open again: " + resource);
      }
      if (!anybodyWaits) {
        that(
            !seat.holder.isAsking() && !seat.holder.isRecalled(),
            () -> "a trace of who gave up: " + resource);
      }
    }
    if (!anybodyWaits) {
      that(
          resource.watch.isIdle() && resource.isQueueEmpty(),
          () -> "a trace of who gave up: " + resource);
    }
    if (!resource.isUsed() && !anybodyWaits) {
      that(
          resource.seats.stream().allMatch(seat -> seat.gate.in().isEmpty()),
          () -> "a hold that nobody has: " + resource);
    }
  }

  private void that(boolean good, Supplier<String> wrong) {
    if (!good) {
      throw new AssertionError(
          wrong.get() + " (step " + steps + " of a job of " + nodes + " nodes, " + trouble + ")");
    }
  }

  private void trace(Supplier<String> what) {
    if (trace.isOn()) {
      trace.add(steps, what.get());
    }
  }
}

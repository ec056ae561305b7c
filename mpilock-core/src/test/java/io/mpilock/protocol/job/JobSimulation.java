package io.mpilock.protocol.job;

import static io.mpilock.protocol.job.Permission.EXCLUSIVE;
import static io.mpilock.protocol.job.Permission.NONE;
import static io.mpilock.protocol.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.mpilock.protocol.job.SimulatedGate.State;
import io.mpilock.protocol.job.SimulatedGate.Visit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Runs the real {@link Home}s and {@link Tenant}s of a random job, one event at a time, as a seed
 * decides: what a rank does, which node looks at its ranks, which message arrives next. Messages
 * overtake each other, but not those of the same pair of nodes. A seed that fails fails again, for
 * the same code.
 *
 * <p>Now and then the ranks are frozen until nothing is left to do: whoever waits then must wait
 * for a rank that is in.
 */
final class JobSimulation {
  private static final boolean TRACE = Boolean.getBoolean("mpilock.simulation.trace");

  /** More events than this without a rank's doing are a message loop. */
  private static final int MAX_QUIET_EVENTS = 20_000;

  /** A rank, which uses one resource at a time. */
  private static final class Rank {
    final int number;
    final int node;
    @Nullable Visit visit;
    @Nullable Seat seat;
    boolean dead;

    Rank(int number, int node) {
      this.number = number;
      this.node = node;
    }

    boolean triesNow() {
      Visit mine = visit;
      return mine != null && mine.tries;
    }

    boolean is(State state) {
      Visit mine = visit;
      return mine != null && mine.state == state;
    }
  }

  /** A resource, and what may be said of it without a look at the protocol. */
  private final class Resource {
    final String name;
    final int homeNode;
    final HomeWatch watch = new HomeWatch(phaseFair);
    final Home home;
    final List<Seat> seats = new ArrayList<>();
    int readers;
    boolean written;
    long token;
    boolean dead;

    Resource(String name, int homeNode) {
      this.name = name;
      this.homeNode = homeNode;
      this.home = new Home(outbox(), phaseFair);
    }

    private Home.Outbox outbox() {
      return Home.Outbox.sending(
          name,
          (message, node) -> {
            if (message instanceof Message.Grant grant) {
              watch.grants(node, grant.permission());
            } else if (message instanceof Message.Poison) {
              watch.poisoned();
            }
            send(homeNode, node, message);
          });
    }

    @Override
    public String toString() {
      return name + ": " + home.describe() + ", " + seats;
    }

    boolean isUsed() {
      return readers > 0 || written;
    }

    boolean isWaitedFor() {
      return seats.stream().anyMatch(seat -> !seat.gate.waiting().isEmpty());
    }
  }

  /** A resource at a node. */
  private final class Seat {
    final Resource resource;
    final int node;
    final SimulatedGate gate;
    final Tenant tenant;
    boolean changed;

    Seat(Resource resource, int node) {
      this.resource = resource;
      this.node = node;
      this.gate = new SimulatedGate(phaseFair, refuseEarly, this::entered, this::meanwhile);
      this.tenant = new Tenant(gate, outbox());
    }

    private Tenant.Outbox outbox() {
      return Tenant.Outbox.sending(
          resource.name, message -> send(node, resource.homeNode, message));
    }

    private void entered(Visit visit) {
      trace("in", this);
      assertThat(resource.dead).as("%s is let in after a writer's death", visit).isFalse();
      assertThat(resource.written).as("%s beside a writer", visit).isFalse();
      assertThat(resource.home.permission(node))
          .as("on record for %s", visit)
          .isGreaterThanOrEqualTo(visit.mode);
      if (visit.mode == SHARED) {
        resource.readers++;
      } else {
        assertThat(resource.readers).as("readers beside %s", visit).isZero();
        resource.written = true;
        resource.token++;
      }
      assertThat(gate.token()).as("token of %s", visit).isEqualTo(resource.token);
    }

    /** What ranks do while the agent is in the middle of something. */
    private void meanwhile() {
      if (!frozen && random.nextInt(100) < meanwhilePercent) {
        Rank rank = ranks.get(random.nextInt(ranks.size()));
        if (rank.node == node) {
          act(rank);
        }
      }
    }

    void look() {
      changed = false;
      tenant.look();
    }

    @Override
    public String toString() {
      return resource.name
          + " at node "
          + node
          + ": has "
          + tenant.held()
          + (tenant.isAsking() ? ", asks" : "")
          + (tenant.isRecalled() ? ", is recalled" : "")
          + ", gate "
          + gate;
    }
  }

  private final Random random;
  private final boolean deaths;
  private final boolean phaseFair;
  private final boolean refuseEarly;
  private final int nodes;
  private final List<Rank> ranks = new ArrayList<>();
  private final List<Resource> resources = new ArrayList<>();
  private final List<Seat> seats = new ArrayList<>();
  private final List<Deque<Message.OfLock>> links = new ArrayList<>();
  private final int deliverWeight;
  private final int lookWeight;
  private final int rankWeight;
  private final int promptPercent;
  private final int meanwhilePercent;
  private final int writePercent;
  private final int tryPercent;
  private final int giveUpPercent;
  private final int slowLink;
  private final int stepsBetweenFreezes;
  private int inFlight;
  private int operations;
  private int steps;
  private boolean frozen;

  JobSimulation(long seed, boolean deaths) {
    random = new Random(seed);
    this.deaths = deaths;
    phaseFair = random.nextBoolean();
    refuseEarly = random.nextBoolean();
    nodes = 1 + random.nextInt(6);
    deliverWeight = 1 + random.nextInt(20);
    lookWeight = 1 + random.nextInt(5);
    rankWeight = 1 + random.nextInt(10);
    promptPercent = random.nextInt(101);
    meanwhilePercent = random.nextInt(20);
    writePercent = random.nextInt(101);
    tryPercent = random.nextInt(50);
    giveUpPercent = random.nextInt(60);
    for (int node = 0; node < nodes; node++) {
      for (int count = 1 + random.nextInt(4); count > 0; count--) {
        ranks.add(new Rank(ranks.size(), node));
      }
    }
    for (int link = 0; link < nodes * nodes; link++) {
      links.add(new ArrayDeque<>());
    }
    stepsBetweenFreezes = 20 + random.nextInt(500);
    slowLink = random.nextInt(2 * links.size()); // or none
    for (int number = 1 + random.nextInt(3); number > 0; number--) {
      Resource resource = new Resource("resource " + number, random.nextInt(nodes));
      resources.add(resource);
      for (int node = 0; node < nodes; node++) {
        resource.seats.add(new Seat(resource, node));
      }
      seats.addAll(resource.seats);
    }
  }

  /** How often ranks asked, so far. */
  int operations() {
    return operations;
  }

  void run(int wantedOperations) {
    while (operations < wantedOperations) {
      step();
      if (random.nextInt(stepsBetweenFreezes) == 0) {
        freeze();
      } else if (random.nextInt(5) == 0) {
        tryWhatIsFree();
      }
    }
    for (int round = 0; resources.stream().anyMatch(r -> r.isUsed() || r.isWaitedFor()); round++) {
      assertThat(round).as("rounds until everybody had its turn").isLessThanOrEqualTo(ranks.size());
      freeze();
      ranks.stream().filter(rank -> rank.is(State.IN)).forEach(this::leave);
    }
    freeze();
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
      Seat seat = rank.seat;
      if (seat != null && random.nextInt(100) < promptPercent) {
        seat.look();
      }
    }
    check();
  }

  // The ranks.

  private void act(Rank rank) {
    if (rank.dead) {
      return;
    }
    if (rank.is(State.WAITS)) {
      Visit visit = rank.visit;
      int percent = rank.triesNow() ? giveUpPercent / 4 : giveUpPercent; // a try is interrupted
      if (visit != null && random.nextInt(100) < percent) {
        change(rank, "gives up", seat -> seat.gate.giveUp(visit));
      }
    } else if (rank.is(State.IN)) {
      if (deaths && random.nextInt(40) == 0 && ranks.stream().filter(r -> !r.dead).count() > 1) {
        die(rank);
      } else {
        leave(rank);
      }
    } else {
      Permission mode = random.nextInt(100) < writePercent ? EXCLUSIVE : SHARED;
      arrive(
          rank,
          resources.get(random.nextInt(resources.size())),
          mode,
          random.nextInt(100) < tryPercent);
    }
  }

  private Visit arrive(Rank rank, Resource resource, Permission mode, boolean tries) {
    operations++;
    Visit visit = new Visit(rank.number, mode, tries);
    rank.visit = visit;
    rank.seat = resource.seats.get(rank.node);
    change(rank, "arrives", seat -> seat.gate.arrive(visit));
    return visit;
  }

  private void leave(Rank rank) {
    Visit visit = rank.visit;
    if (visit != null) {
      change(
          rank,
          "leaves",
          seat -> {
            left(seat.resource, visit);
            seat.gate.leave(visit);
          });
    }
  }

  private void die(Rank rank) {
    Visit visit = rank.visit;
    rank.dead = true;
    if (visit != null) {
      change(
          rank,
          "dies",
          seat -> {
            left(seat.resource, visit);
            seat.resource.dead |= visit.mode == EXCLUSIVE;
            seat.gate.die(visit);
          });
    }
  }

  private static void left(Resource resource, Visit visit) {
    if (visit.mode == SHARED) {
      resource.readers--;
    } else {
      resource.written = false;
    }
  }

  private interface Change {
    void in(Seat seat);
  }

  private void change(Rank rank, String what, Change change) {
    Seat seat = rank.seat;
    if (seat == null) {
      return;
    }
    change.in(seat);
    trace("rank " + rank.number + " " + what, seat);
    seat.changed = true;
  }

  // The nodes and the messages between them.

  private void look() {
    Seat seat = seats.get(random.nextInt(seats.size()));
    trace("looks", seat);
    seat.look();
  }

  private void send(int from, int to, Message.OfLock message) {
    trace("sends " + from + " -> " + to, message);
    links.get(from * nodes + to).add(message);
    inFlight++;
  }

  private void deliver() {
    if (inFlight == 0) {
      return;
    }
    int link = random.nextInt(links.size());
    while (links.get(link).isEmpty() || (link == slowLink && random.nextInt(50) > 0)) {
      link = (link + 1) % links.size();
    }
    inFlight--;
    Message.OfLock message = links.get(link).remove();
    int from = link / nodes;
    int to = link % nodes;
    trace("arrives " + from + " -> " + to, message);
    Resource resource =
        resources.stream().filter(r -> r.name.equals(message.resource())).findFirst().orElseThrow();
    Home home = resource.home;
    Tenant tenant = resource.seats.get(to).tenant;
    switch (message) {
      case Message.Request m -> {
        resource.watch.requests(from, m.wanted(), home.permission(from));
        home.request(from, m.wanted(), m.tried());
      }
      case Message.Cancel _ -> {
        resource.watch.leaves(from);
        home.cancel(from);
      }
      case Message.Yield m -> {
        resource.watch.yields(m.kept(), home.permission(from));
        home.yielded(from, m.kept(), m.token(), m.deadWriter());
      }
      case Message.Busy _ -> home.busy(from);
      case Message.Grant m -> tenant.granted(m.permission(), m.token());
      case Message.Recall m -> tenant.recalled(m.limit(), m.tried());
      case Message.Refuse _ -> tenant.refused();
      case Message.Poison m -> tenant.poisoned(m.rank());
    }
    trace("after which", resource);
  }

  /** Lets everything happen but what ranks do, and checks that who waits then has a reason. */
  private void freeze() {
    frozen = true;
    for (int events = 0; inFlight > 0 || seats.stream().anyMatch(seat -> seat.changed); events++) {
      assertThat(events).as("events while no rank does anything").isLessThan(MAX_QUIET_EVENTS);
      if (inFlight > 0 && random.nextInt(3) > 0) {
        deliver();
      } else {
        seats.stream().filter(seat -> seat.changed).findFirst().ifPresent(Seat::look);
      }
      check();
    }
    resources.forEach(this::checkSettled);
    frozen = false;
  }

  /**
   * A try on what nobody has in use or asks for, as far as its home knows, succeeds; a refusal that
   * is on its way already may still hit it.
   */
  private void tryWhatIsFree() {
    Resource resource = resources.get(random.nextInt(resources.size()));
    Rank rank = ranks.get(random.nextInt(ranks.size()));
    boolean known =
        resource.watch.isIdle()
            && resource.seats.stream().noneMatch(seat -> seat.changed)
            && links.stream()
                .flatMap(Deque::stream)
                .filter(message -> message.resource().equals(resource.name))
                .noneMatch(message ->
                    message instanceof Message.Request
                        || message instanceof Message.Cancel
                        || message instanceof Message.Refuse);
    if (!known
        || resource.dead
        || resource.isUsed()
        || resource.isWaitedFor()
        || rank.dead
        || rank.is(State.IN)
        || rank.is(State.WAITS)) {
      return;
    }
    Visit visit = arrive(rank, resource, random.nextBoolean() ? EXCLUSIVE : SHARED, true);
    freeze();
    assertThat(visit.state).as("%s what is free", visit).isEqualTo(State.IN);
  }

  // What must hold.

  private void check() {
    for (Resource resource : resources) {
      int nodesOnRecord = 0;
      int owners = 0;
      for (Seat seat : resource.seats) {
        Permission onRecord = resource.home.permission(seat.node);
        nodesOnRecord += onRecord == NONE ? 0 : 1;
        owners += onRecord == EXCLUSIVE ? 1 : 0;
        if (onRecord.isBelow(seat.tenant.held())) {
          fail("more than on record: " + resource);
        }
        if (seat.tenant.held().isBelow(seat.gate.level()) && !seat.gate.isPoisoned()) {
          fail("open for more than the node has: " + resource);
        }
      }
      if (owners > 0 && nodesOnRecord > 1) {
        fail("not alone: " + resource);
      }
    }
  }

  private void checkSettled(Resource resource) {
    List<Visit> waiting =
        resource.seats.stream().flatMap(seat -> seat.gate.waiting().stream()).toList();
    assertThat(waiting)
        .as("tries that wait for a hold: %s", resource)
        .noneMatch(visit -> visit.tries);
    if (resource.dead) {
      assertThat(waiting).as("not told of the death of a writer: %s", resource).isEmpty();
      return;
    }
    if (!resource.written) {
      boolean reads = resource.readers > 0;
      boolean writerWaits = waiting.stream().anyMatch(visit -> visit.mode == EXCLUSIVE);
      assertThat(waiting.isEmpty() || (reads && writerWaits))
          .as("nobody waits for nothing: %s", resource)
          .isTrue();
    }
    for (Seat seat : resource.seats) {
      assertThat(seat.tenant.held())
          .as("what the home has on record: %s", resource)
          .isEqualTo(resource.home.permission(seat.node));
      if (seat.tenant.isRecalled()) {
        assertThat(seat.gate.in())
            .as("in the way of a recall: %s", resource)
            .anyMatch(visit -> seat.gate.level().isBelow(visit.mode));
      } else {
        assertThat(seat.gate.level()).as("open again: %s", resource).isEqualTo(seat.tenant.held());
      }
      if (waiting.isEmpty()) {
        assertThat(seat.tenant.isAsking() || seat.tenant.isRecalled())
            .as("trace of who gave up: %s", resource)
            .isFalse();
      }
    }
    if (waiting.isEmpty()) {
      assertThat(resource.watch.isIdle()).as("trace of who gave up: %s", resource).isTrue();
      assertThat(resource.home.describe()).endsWith("to write [] and to read []");
    }
  }

  private void trace(String what, Object whom) {
    if (TRACE) {
      System.out.printf("%5d %s %s%n", steps, what, whom);
    }
  }
}

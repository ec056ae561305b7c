/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.job.PermissionHolder;
import io.mpilock.internal.job.PermissionServer;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The lock of one resource on a node of several under many interleavings: the ranks' threads, the
 * node's agent with its real gate and holder, and other nodes that use the resource, too. Each run
 * of the test begins at another seed.
 */
@Timeout(1800)
@ExtendWith(Silent.class)
@Proof
class NodeGateSimulationTest {
  private static final int RUNS = 1_000;
  private static final String RESOURCE = "r";
  private static final long SECOND = 1_000_000_000;

  /** The simulator's number for the agent's thread; it dies with rank 0. */
  private static final int AGENT = -1;

  private static final int OTHER_NODES = -2;
  private static final int LAST = -3;

  private enum Trouble {
    INTERRUPTS,
    DEATHS,
    DEATH_OF_THE_AGENT
  }

  @Test
  void noInterleavingBreaksExclusionOrLosesAWakeUp(TestInfo info) {
    go(info, Trouble.INTERRUPTS);
  }

  @Test
  void noInterleavingWithADeathShutsTheOthersOut(TestInfo info) {
    go(info, Trouble.DEATHS);
  }

  @Test
  void noInterleavingWithTheDeathOfTheAgentLetsAnybodyWaitForEver(TestInfo info) {
    go(info, Trouble.DEATH_OF_THE_AGENT);
  }

  private static void go(TestInfo info, Trouble trouble) {
    Runs.of(info)
        .times(
            RUNS,
            (seed, trace) -> {
              Run run = new Run(seed, trouble);
              try {
                return run.go(trace);
              } catch (Exception | Error e) {
                throw new AssertionError(e.getMessage() + "; " + run, e);
              }
            });
  }

  private record Mail(int from, Message.OfLock message) {}

  /** One seed's run. */
  private static final class Run {
    private final Simulation simulation;
    private final Random random;
    private final boolean deaths;
    private final boolean phaseFair;
    private final boolean releaseOnDeath;
    private final int ranks;
    private final int handoverLimit;
    private final long lockLine;
    private final List<RankContext> nodes = new ArrayList<>();
    private final List<RankLock> locks = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();
    private final List<Remote> remotes = new ArrayList<>();
    private final List<PermissionHolder> holders = new ArrayList<>();
    private final List<Deque<Mail>> mails = new ArrayList<>();
    private final NodeGate gate;
    private final PermissionServer table;
    private final int tableAt;
    private final boolean[] noticed;

    private final int[] reading;
    private int writing = -1;
    private long lastToken;

    /** What a counter of the resource's name stands at: each write adds one. */
    private long counted;

    private int tries;
    private int operations;
    private boolean dirty;
    private final Set<Integer> owned = new HashSet<>();
    private boolean poisoned;
    private int clears;
    private boolean agentDead;
    private boolean agentBusy;
    private long lastTick;
    private int users;
    private int owning;
    private int ownings;
    private boolean granting;
    private final Set<Long> waitedAtGrant = new HashSet<>();
    private boolean usedSinceGrant;
    private boolean done;

    Run(long seed, Trouble trouble) {
      this.random = new Random(~seed);
      this.deaths = trouble != Trouble.INTERRUPTS;
      this.ranks = deaths ? 2 + random.nextInt(2) : 1 + random.nextInt(3);
      this.lockLine = Layout.directory(ranks + 1, ranks + 1) + Layout.LINE;
      int words = (int) lockLine + Layout.LINE + (ranks + 1) * Layout.RANK_WORDS;
      this.simulation = new Simulation(seed, ranks, 1, words, deaths);
      this.phaseFair = random.nextBoolean();
      this.handoverLimit = random.nextBoolean() ? 0 : 2;
      this.releaseOnDeath = random.nextBoolean();
      this.noticed = new boolean[ranks];
      this.reading = new int[ranks];
      CoreSettings settings = Simulation.settings(phaseFair, handoverLimit, releaseOnDeath);
      long sequence = random.nextInt(4) == 0 ? 0xFFFFFFFEL << 32 : 0;
      simulation.word(lockLine + Layout.STATE, sequence + LockWords.ONE_PENDING + ranks + 1);
      simulation.word(lockLine + Layout.TOKEN, LockWords.STALE);
      for (int member = 0; member <= ranks; member++) {
        simulation.word(Layout.slot(member) + Layout.LIFE, RankContext.OPEN);
      }
      int others = 1 + random.nextInt(2);
      this.tableAt = random.nextInt(1 + others);
      this.table =
          new PermissionServer(
              PermissionServer.Outbox.sending(
                  RESOURCE, (message, node) -> send(tableAt, node, message)),
              phaseFair,
              0);
      RankContext agentsNode = simulation.node(0, settings);
      this.gate = new NodeGate(agentsNode, lockLine, "r");
      addTenant(new WatchedGate());
      simulation.actor(AGENT, "agent", () -> runAgent(agentsNode));
      for (int i = 1; i <= others; i++) {
        Remote remote = new Remote(i);
        remotes.add(remote);
        addTenant(remote);
        simulation.actor(OTHER_NODES, "node " + i, remote::run);
      }
      for (int rank = 0; rank < ranks; rank++) {
        nodes.add(simulation.node(rank, settings));
        locks.add(new RankLock(RESOURCE, new RankThreads(nodes.get(rank)), lockLine));
        int threads = 1 + random.nextInt(2);
        for (int thread = 0; thread < threads; thread++) {
          Worker worker = new Worker(rank);
          workers.add(worker);
          simulation.actor(rank, "rank " + rank + " thread " + thread, worker::run);
        }
      }
      int survivor = trouble == Trouble.DEATH_OF_THE_AGENT ? ranks - 1 : 0;
      simulation.actor(LAST, "the last", () -> runLast(survivor));
      for (int i = random.nextInt(3); i > 0; i--) {
        simulation.interruptAt(1 + random.nextInt(600), random.nextInt(ranks));
      }
      if (trouble == Trouble.DEATH_OF_THE_AGENT) {
        simulation.killAt(1 + random.nextInt(800), 0, () -> died(0));
      } else if (deaths) {
        for (int i = 1; i < ranks; i++) {
          int victim = i;
          simulation.killAt(1 + random.nextInt(800), victim, () -> died(victim));
        }
      }
    }

    private void addTenant(PermissionHolder.Gate gateOfNode) {
      int node = holders.size();
      holders.add(
          new PermissionHolder(
              gateOfNode,
              PermissionHolder.Outbox.sending(RESOURCE, message -> send(node, tableAt, message))));
      mails.add(new ArrayDeque<>());
    }

    long go(Trace trace) throws Exception {
      simulation.tracing(trace).run();
      return operations;
    }

    @Override
    public String toString() {
      return "tries %d, node 0 holds %s%s%s, %s, home at node %d: %s, mails %s"
          .formatted(
              tries,
              holders.get(0).held(),
              holders.get(0).isAsking() ? ", asks" : "",
              holders.get(0).isRecalled() ? ", is recalled" : "",
              remotes,
              tableAt,
              table.describe(),
              mails);
    }

    private void died(int victim) {
      if (LockWords.owner(simulation.word(lockLine + Layout.STATE)) == victim + 1) {
        owned.add(victim);
      }
      if (writing == victim) {
        dirty = true;
        writing = -1;
      }
      reading[victim] = 0;
      if (victim == 0) {
        agentDead = true;
        simulation.kill(AGENT);
      }
    }

    // The agent.

    private void runAgent(RankContext node) {
      Bell bell = new Bell(node.window(), Layout.AGENT_BELL);
      while (!done) {
        turn(node);
        tick(node);
        bell.sleep(() -> done || turn(node), SECOND);
      }
    }

    private boolean turn(RankContext node) {
      agentBusy = true;
      boolean news = deliverAll();
      news |=
          Agent.emptyInbox(
              node.window(),
              index -> {
                assertThat(index).isEqualTo(lockLine);
                look();
              });
      news |= deliverAll();
      agentBusy = false;
      return news;
    }

    private void look() {
      holders.get(0).look();
      int freed = gate.takeClear();
      if (freed >= 0) {
        holders.get(0).clear(freed);
      }
    }

    private boolean deliverAll() {
      boolean news = false;
      while (deliver(0)) {
        news = true;
      }
      return news;
    }

    private void tick(RankContext node) {
      if (simulation.clock() == lastTick) {
        return;
      }
      lastTick = simulation.clock();
      agentBusy = true;
      boolean news = false;
      for (int rank = 0; rank < ranks; rank++) {
        if (!noticed[rank] && node.isGone(rank)) {
          noticed[rank] = true;
          news = true;
        }
      }
      if (news || holders.get(0).isRecalled() || gate.isUnsettled()) {
        gate.recover();
        look();
      }
      deliverAll();
      agentBusy = false;
    }

    /** The real gate; sees that a grant is used before it is given up. */
    private final class WatchedGate implements PermissionHolder.Gate {
      @Override
      public Permission wanted() {
        return gate.wanted();
      }

      @Override
      public void noteTries() {
        gate.noteTries();
      }

      @Override
      public boolean isTried() {
        return gate.isTried();
      }

      @Override
      public void coverTries() {
        gate.coverTries();
      }

      @Override
      public void uncoverTries() {
        gate.uncoverTries();
      }

      @Override
      public void refuseTries() {
        gate.refuseTries();
      }

      @Override
      public void ringTries() {
        gate.ringTries();
      }

      @Override
      public boolean close(Permission limit) {
        boolean closed = gate.close(limit);
        if (closed && limit == NONE && !deaths && !usedSinceGrant) {
          Set<Long> still = waiting(EXCLUSIVE);
          still.addAll(waiting(SHARED));
          assertThat(still).as("who was granted it").noneMatch(waitedAtGrant::contains);
        }
        return closed;
      }

      @Override
      public void open(Permission permission) {
        waitedAtGrant.clear();
        if (granting) { // and not only open again
          waitedAtGrant.addAll(waiting(permission));
        }
        granting = false;
        boolean writerFirst = permission == SHARED && !phaseFair;
        boolean writes = owning > 0;
        int before = ownings;
        usedSinceGrant = false;
        gate.open(permission);
        if (writerFirst && (writes || ownings > before)) {
          waitedAtGrant.clear(); // the readers wait for a writer
        }
      }

      /** Who waits, as words that change when they wait no more. */
      private Set<Long> waiting(Permission permission) {
        Set<Long> waiting = new HashSet<>();
        for (int rank = 0; rank < ranks; rank++) {
          long line = lockLine + Layout.LINE + (long) rank * Layout.RANK_WORDS;
          long request = simulation.word(line + Layout.REQUEST);
          long reads = simulation.word(line + Layout.READS);
          if (permission == EXCLUSIVE && LockWords.phase(request) == LockWords.WAITING) {
            waiting.add(request);
          } else if (permission == SHARED && LockWords.waiting(reads) != 0) {
            waiting.add(~(LockWords.batch(reads) << 8 | rank));
          }
        }
        return waiting;
      }

      @Override
      public long token() {
        return gate.token();
      }

      @Override
      public void token(long token) {
        gate.token(token);
      }

      @Override
      public long value() {
        return gate.value();
      }

      @Override
      public void value(long value) {
        gate.value(value);
      }

      @Override
      public int deadWriter() {
        return gate.deadWriter();
      }

      @Override
      public void poison(int rank) {
        gate.poison(rank);
      }

      @Override
      public boolean hasEnded(int rank) {
        return gate.hasEnded(rank);
      }

      @Override
      public void clear() {
        gate.clear();
      }
    }

    // Messages.

    private void send(int from, int to, Message.OfLock message) {
      if (message instanceof Message.Cleared) {
        dirty = false; // whoever gave it free has looked
      }
      mails.get(to).add(new Mail(from, message));
      if (to == 0 && from != 0) {
        nodes.get(0).ringAgent();
      }
    }

    private boolean deliver(int to) {
      Mail mail = mails.get(to).poll();
      if (mail == null) {
        return false;
      }
      PermissionHolder holder = holders.get(to);
      switch (mail.message()) {
        case Message.Request m -> table.request(mail.from(), m.wanted(), m.tries());
        case Message.Plead m -> table.plead(mail.from(), m.tries());
        case Message.Cancel _ -> table.cancel(mail.from());
        case Message.Yield m ->
            table.yielded(mail.from(), m.kept(), m.token(), m.value(), m.deadWriter());
        case Message.Settled _ -> table.settled(mail.from());
        case Message.Grant m -> {
          granting = to == 0;
          holder.granted(m.permission(), m.token(), m.value());
        }
        case Message.Recall m -> holder.recalled(m.limit());
        case Message.Settle _ -> holder.settle();
        case Message.Refuse m -> holder.refused(m.tries());
        case Message.Poison m -> holder.poisoned(m.rank());
        case Message.Clear m -> table.clear(mail.from(), m.rank());
        case Message.Confirm m -> holder.clear(m.rank());
        case Message.Cleared _ -> holder.cleared();
        case Message.Retire m -> table.retire(mail.from(), m.held(), m.token(), m.value());
        case Message.Retired _ -> holder.retired();
      }
      return true;
    }

    // Other nodes: one thread each, that uses the resource and answers messages.

    private final class Remote implements PermissionHolder.Gate {
      private final int number;
      private Permission level = NONE;
      private Permission wanted = NONE;
      private Permission inside = NONE;
      private boolean isTry;
      private boolean tried;
      private boolean covered;
      private boolean dead;
      private boolean wasDead;
      private boolean told;
      private boolean finished;
      private long token;
      private long value;

      Remote(int number) {
        this.number = number;
      }

      void run() {
        for (int i = simulation.random().nextInt(4); i > 0 && !agentDead; i--) {
          pause(40);
          use();
        }
        finished = true;
        while (!done && !agentDead) {
          awaitMail(() -> done);
        }
      }

      private void pause(int most) {
        for (int i = simulation.random().nextInt(most); i > 0; i--) {
          simulation.step();
          if (simulation.random().nextInt(8) == 0) {
            deliver(number);
          }
        }
      }

      private void awaitMail(java.util.function.BooleanSupplier other) {
        simulation.awaitGate(
            () -> !mails.get(number).isEmpty() || agentDead || other.getAsBoolean());
        deliver(number);
      }

      private void use() {
        Permission mode = simulation.random().nextBoolean() ? EXCLUSIVE : SHARED;
        isTry = simulation.random().nextInt(3) == 0;
        boolean impatient = simulation.random().nextInt(3) == 0;
        int patience = simulation.random().nextInt(60);
        tries += isTry ? 1 : 0;
        tried = isTry;
        covered = false;
        wanted = mode;
        enter();
        holders.get(number).look();
        while (inside == NONE && wanted != NONE && !told && !agentDead) {
          if (impatient && patience-- == 0) {
            wanted = NONE;
            holders.get(number).look();
          } else if (impatient) {
            simulation.step();
            deliver(number);
          } else {
            awaitMail(() -> false);
          }
        }
        tries -= isTry ? 1 : 0;
        if (inside == NONE) {
          wanted = NONE;
          return;
        }
        for (int i = simulation.random().nextInt(60); i > 0; i--) {
          pause(2);
          if (!deaths && users == 0 && isQuiet()) {
            assertThat(holders.get(0).isAsking()).as("asks for nobody").isFalse();
          }
        }
        if (simulation.random().nextInt(3) == 0) {
          while (tries > 0 && !agentDead) {
            awaitMail(() -> tries == 0);
          }
        }
        if (inside == EXCLUSIVE) {
          assertNobodyInside(-1);
          assertThat(lastToken).isEqualTo(token);
          dead = deaths && !releaseOnDeath && simulation.random().nextInt(8) == 0;
          wasDead |= dead;
        }
        inside = NONE;
        holders.get(number).look();
      }

      private void assertNobodyInside(int reader) {
        assertThat(writing).as("writer here").isEqualTo(-1);
        for (int rank = 0; rank < ranks; rank++) {
          assertThat(reader >= 0 ? 0 : reading[rank]).as("readers here").isZero();
        }
        for (Remote other : remotes) {
          if (other != this) {
            assertThat(reader >= 0 ? other.inside == EXCLUSIVE : other.inside != NONE).isFalse();
          }
        }
      }

      private void enter() {
        if (wanted == NONE || level.compareTo(wanted) < 0 || told) {
          return;
        }
        inside = wanted;
        wanted = NONE;
        assertThat(value).as("counted").isEqualTo(counted);
        if (inside == EXCLUSIVE) {
          assertNobodyInside(-1);
          value++;
          counted++;
          token++;
          checkToken(token, lastToken + 1);
          lastToken = token;
        } else {
          assertNobodyInside(0);
          checkToken(token, lastToken);
        }
      }

      @Override
      public String toString() {
        return "node %d may %s, wants %s, is in for %s%s"
            .formatted(number, level, wanted, inside, finished ? ", finished" : "");
      }

      @Override
      public Permission wanted() {
        return wanted;
      }

      @Override
      public void noteTries() {}

      @Override
      public boolean isTried() {
        return tried && !covered;
      }

      @Override
      public void coverTries() {
        covered = true;
      }

      @Override
      public void uncoverTries() {
        covered = false;
      }

      @Override
      public void refuseTries() {
        tried = false;
        if (isTry && inside == NONE) {
          wanted = NONE;
        }
      }

      @Override
      public void ringTries() {}

      @Override
      public boolean close(Permission limit) {
        level = limit.compareTo(level) < 0 ? limit : level;
        return inside.compareTo(limit) <= 0;
      }

      @Override
      public void open(Permission permission) {
        level = permission;
        enter();
      }

      @Override
      public long token() {
        return token;
      }

      @Override
      public void token(long newToken) {
        token = newToken;
      }

      @Override
      public long value() {
        return value;
      }

      @Override
      public void value(long newValue) {
        value = newValue;
      }

      @Override
      public int deadWriter() {
        told |= dead;
        return dead ? ranks : -1;
      }

      @Override
      public void poison(int rank) {
        told = true;
      }

      @Override
      public boolean hasEnded(int rank) {
        return true;
      }

      @Override
      public void clear() {
        told = false;
        dead = false;
        level = NONE;
      }
    }

    // The ranks.

    /** Exact, unless a writer died: nobody saw how far it came. */
    private void checkToken(long token, long expected) {
      if (owned.isEmpty()) {
        assertThat(token).as("token").isEqualTo(expected);
      } else {
        assertThat(token).as("token").isGreaterThanOrEqualTo(expected);
      }
    }

    private final class Worker {
      private final int rank;
      private boolean finished;

      Worker(int rank) {
        this.rank = rank;
      }

      boolean isThrough() {
        return finished || simulation.isDead(rank);
      }

      void run() {
        try {
          for (int i = 1 + simulation.random().nextInt(4); i > 0; i--) {
            try {
              once();
            } catch (RankFailedException e) {
              if (failed(e) || simulation.random().nextInt(3) == 0) {
                return;
              }
              tries(this::clear);
            }
          }
        } catch (RankFailedException e) {
          boolean _ = failed(e); // while it gave it free
        } catch (LockInterruptedException e) {
          // while it gave it free
        } catch (MpilockException e) {
          if (!simulation.isDead(rank)) { // else it only has not noticed
            throw e;
          }
        } finally {
          usedSinceGrant = true; // or gave up
          finished = true;
        }
      }

      /** Whether there is nothing that could be given free. */
      private boolean failed(RankFailedException e) {
        if (agentDead && e.rank() == 0) {
          return true;
        }
        poisoned = true;
        assertThat(releaseOnDeath).isFalse();
        if (e.rank() < ranks) {
          assertThat(owned).as("ranks that owned when they died").contains(e.rank());
        } else {
          assertThat(remotes).anyMatch(remote -> remote.wasDead);
        }
        return false;
      }

      /** Gives free what a dead writer left: what was half written is looked at, and right. */
      private boolean clear() {
        clears++;
        return locks.get(rank).clearPoison(-1) >= 0;
      }

      private void once() {
        RankLock lock = locks.get(rank);
        ThreadHold hold = lock.hold();
        if (simulation.random().nextInt(4) == 0) {
          Thread.currentThread().interrupt(); // gives up instead of sleeping
        }
        users++;
        operations++;
        long timeout = (1 + simulation.random().nextInt(3)) * SECOND;
        try {
          switch (simulation.random().nextInt(9)) {
            case 0 -> {
              if (tries(() -> hold.acquireRead(lock, 0))) {
                read(hold);
              }
            }
            case 1, 2 -> {
              if (readsInTheEnd(hold)) {
                read(hold);
              }
            }
            case 3 -> {
              if (hold.acquireRead(lock, timeout)) {
                read(hold);
              }
            }
            case 4 -> {
              if (tries(() -> own(hold, 0))) {
                write(hold);
              }
            }
            case 5 -> {
              if (own(hold, timeout)) {
                write(hold);
              }
            }
            case 6 -> readOptimistically(lock);
            case 7 -> {
              if (readsInTheEnd(hold)) {
                read(hold);
              }
              if (ownsInTheEnd(hold)) {
                write(hold);
              }
            }
            default -> {
              if (ownsInTheEnd(hold)) {
                write(hold);
              }
            }
          }
        } catch (LockInterruptedException e) {
          assertThat(hold.isHeld()).isFalse();
        } finally {
          users--;
          usedSinceGrant = true; // or gave up
          Thread.interrupted();
        }
      }

      /** A request without an end is granted, or throws. */
      private boolean readsInTheEnd(ThreadHold hold) {
        assertThat(hold.acquireRead(locks.get(rank), ThreadHold.FOREVER)).isTrue();
        return true;
      }

      private boolean ownsInTheEnd(ThreadHold hold) {
        assertThat(own(hold, ThreadHold.FOREVER)).as("granted, or told why not").isTrue();
        return true;
      }

      private boolean tries(java.util.function.BooleanSupplier attempt) {
        tries++;
        try {
          return attempt.getAsBoolean();
        } finally {
          tries--;
        }
      }

      private boolean own(ThreadHold hold, long nanos) {
        long agents = agentsRequest();
        owning++;
        ownings++;
        try {
          boolean owns = hold.acquireWrite(locks.get(rank), nanos);
          if (owns && LockWords.phase(agents) == LockWords.WAITING) {
            assertThat(agentsRequest()).as("the agent's, asked before").isNotEqualTo(agents);
          }
          return owns;
        } finally {
          owning--;
        }
      }

      private long agentsRequest() {
        return simulation.word(
            lockLine + Layout.LINE + (long) ranks * Layout.RANK_WORDS + Layout.REQUEST);
      }

      private void stay() {
        for (int i = simulation.random().nextInt(6); i >= 0; i--) {
          simulation.step();
        }
        if (simulation.random().nextInt(3) == 0) {
          simulation.awaitGate(() -> tries == 0); // which wait for nobody's hold
          simulation.step();
        }
      }

      private void read(ThreadHold hold) {
        reading[rank]++;
        checkRead();
        checkToken(hold.token(), lastToken);
        stay();
        checkRead();
        reading[rank]--;
        hold.releaseRead(locks.get(rank));
      }

      private void checkRead() {
        usedSinceGrant = true;
        assertThat(writing).as("writer beside a reader").isEqualTo(-1);
        assertThat(simulation.word(lockLine + Layout.VALUE)).as("counted").isEqualTo(counted);
        assertThat(dirty && !releaseOnDeath).as("a read of what may be half written").isFalse();
        assertThat(remotes).noneMatch(remote -> remote.inside == EXCLUSIVE);
        checkPermission(SHARED);
      }

      private void checkPermission(Permission mode) {
        if (LockWords.owner(simulation.word(lockLine + Layout.STATE)) == LockWords.POISONED) {
          return; // nobody gets a permission any more: who is in may stay
        }
        assertThat(holders.get(0).held()).as("permission").isGreaterThanOrEqualTo(mode);
        assertThat(table.permission(0)).as("on record").isGreaterThanOrEqualTo(mode);
      }

      private void checkWrite() {
        usedSinceGrant = true;
        for (int reader = 0; reader < ranks; reader++) {
          assertThat(reading[reader]).as("readers of rank %d beside a writer", reader).isZero();
        }
        assertThat(remotes).allMatch(remote -> remote.inside == NONE);
        assertThat(dirty && !releaseOnDeath).as("a write of what may be half written").isFalse();
        checkPermission(EXCLUSIVE);
      }

      private void write(ThreadHold hold) {
        assertThat(writing).as("another writer").isEqualTo(-1);
        writing = rank;
        checkWrite();
        checkToken(hold.token(), lastToken + 1);
        lastToken = hold.token();
        count();
        stay();
        checkWrite();
        boolean downgrade =
            simulation.random().nextInt(4) == 0 && hold.acquireRead(locks.get(rank), 0);
        writing = -1;
        reading[rank] += downgrade ? 1 : 0;
        hold.releaseWrite(locks.get(rank));
        if (downgrade) {
          stay();
          checkRead();
          reading[rank]--;
          hold.releaseRead(locks.get(rank));
        }
      }

      private void count() {
        long before = nodes.get(rank).window().getAndAdd(lockLine + Layout.VALUE, 1);
        assertThat(before).as("counted").isEqualTo(counted);
        counted++; // in the same step
      }

      private void readOptimistically(RankLock lock) {
        tries++;
        long stamp;
        try {
          stamp = lock.optimisticStamp();
        } finally {
          tries--;
        }
        if (stamp < 0) {
          return;
        }
        if (stamp == lastToken) {
          assertThat(writing).as("writer at an optimistic read").isEqualTo(-1);
          assertThat(remotes).noneMatch(remote -> remote.inside == EXCLUSIVE);
        }
        stay();
        if (lock.validate(stamp)) {
          checkToken(stamp, lastToken);
        }
      }
    }

    // The end.

    private void runLast(int rank) throws Exception {
      if (deaths) { // until the agent has seen who is dead
        simulation.awaitGate(this::isOver);
        for (int i = 0; i < 3; i++) {
          nodes.get(rank).window().sleepWhile(0, 0, SECOND);
        }
      }
      simulation.awaitGate(this::isOver);
      long state = simulation.word(lockLine + Layout.STATE);
      boolean isPoisoned = LockWords.owner(state) == LockWords.POISONED;
      if (isPoisoned || poisoned) {
        assertThat(releaseOnDeath).isFalse();
        assertThat(isPoisoned || clears > 0).as("poisoned still").isTrue();
      }
      if (!isPoisoned && !agentDead) {
        new NodeLock(nodes.get(rank), lockLine, rank).recover();
        checkNoTrace(simulation.word(lockLine + Layout.STATE));
        try {
          tryWhatIsFree(locks.get(rank));
        } catch (RankFailedException e) {
          assertThat(agentDead || remotes.stream().anyMatch(remote -> remote.wasDead)).isTrue();
        }
      }
      done = true;
      nodes.get(rank).ringAgent();
    }

    private void tryWhatIsFree(RankLock lock) {
      ThreadHold hold = lock.hold();
      boolean write = hold.acquireWrite(lock, 0);
      assertThat(write || agentDead).as("a try to write what is free").isTrue();
      if (write) {
        checkToken(hold.token(), lastToken + 1);
        hold.releaseWrite(lock);
      }
      boolean read = hold.acquireRead(lock, 0);
      assertThat(read || agentDead).as("a try to read what is free").isTrue();
      if (read) {
        hold.releaseRead(lock);
      }
    }

    private boolean isOver() {
      return workers.stream().allMatch(Worker::isThrough)
          && (agentDead || (remotes.stream().allMatch(remote -> remote.finished) && isQuiet()));
    }

    private boolean isQuiet() {
      return mails.stream().allMatch(Deque::isEmpty)
          && !agentBusy
          && simulation.word(Layout.INBOX) == 0;
    }

    private void checkNoTrace(long state) {
      Permission held = holders.get(0).held();
      int owner = held == EXCLUSIVE ? 0 : ranks + 1;
      assertThat(LockWords.owner(state)).as("owner with %s", held).isEqualTo(owner);
      assertThat(LockWords.pending(state)).as("pending").isEqualTo(held == NONE ? 1 : 0);
      for (int member = 0; member <= ranks; member++) {
        long line = lockLine + Layout.LINE + (long) member * Layout.RANK_WORDS;
        assertThat(simulation.word(line + Layout.REQUEST)).as("request").isZero();
        long reads = simulation.word(line + Layout.READS);
        long marks = deaths ? LockWords.DRAINING : 0; // a dead writer's mark does no harm
        assertThat(reads % LockWords.ONE_BATCH & ~marks).as("reads").isZero();
        if (member < ranks && !simulation.isDead(member)) {
          assertThat(simulation.word(line + Layout.WAITING_READERS)).isZero();
          assertThat(simulation.word(line + Layout.DRAINS)).isZero();
          assertThat(simulation.word(line + Layout.WRITER_BELL + 1)).as("sleepers").isZero();
        }
      }
      assertThat(simulation.word(lockLine + Layout.ATTENTION)).as("attention").isZero();
      assertThat(simulation.word(lockLine + Layout.CLEAR)).as("to be given free").isZero();
      for (int node = 0; node < holders.size(); node++) {
        PermissionHolder holder = holders.get(node);
        assertThat(holder.isAsking()).as("node %d asks", node).isFalse();
        assertThat(holder.isRecalled()).as("node %d is recalled", node).isFalse();
        assertThat(holder.held()).as("node %d", node).isEqualTo(table.permission(node));
      }
    }
  }
}

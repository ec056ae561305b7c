/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;

import io.mpilock.internal.job.Permission;
import io.mpilock.internal.job.PermissionHolder;
import io.mpilock.internal.job.PermissionServer;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Puts what is in a real {@link PermissionServer} and a real {@link PermissionHolder} into bytes
 * and back. The test of this class holds it to name every field that they have.
 */
final class Snapshots {
  /** For a resource that is not poisoned. */
  private static final int NOBODY = -1;

  /** Beside a holding: the node pleads. */
  private static final int PLEA = 64;

  // In a holder's second byte, beside the question and whether it is poisoned.
  private static final int RETIRING = 8;
  private static final int UNANSWERED = 16;

  private static final Class<?> TENANCY;
  private static final MethodHandle NEW_TENANCY;
  private static final VarHandle PERMISSION;
  private static final VarHandle LIMIT;
  private static final VarHandle LOWEST;
  private static final VarHandle TENANTS;
  private static final VarHandle WRITERS;
  private static final VarHandle READERS;
  private static final VarHandle PLEAS;
  private static final VarHandle SETTLING;
  private static final VarHandle TOKEN;
  private static final VarHandle VALUE;
  private static final VarHandle POISONED_BY;
  private static final VarHandle TOLD;
  private static final VarHandle POISONED_AT;
  private static final VarHandle HELD;
  private static final VarHandle HELD_LIMIT;
  private static final VarHandle ASKED;
  private static final VarHandle QUESTION;
  private static final Object[] QUESTIONS;
  private static final VarHandle TRIES;
  private static final VarHandle TENANT_POISONED;
  private static final VarHandle RETIRES;
  private static final VarHandle RETIRE_UNANSWERED;

  static {
    try {
      MethodHandles.Lookup home =
          MethodHandles.privateLookupIn(PermissionServer.class, MethodHandles.lookup());
      TENANCY = home.findClass(PermissionServer.class.getName() + "$Holding");
      MethodHandles.Lookup holding = MethodHandles.privateLookupIn(TENANCY, home);
      NEW_TENANCY =
          holding
              .findConstructor(TENANCY, MethodType.methodType(void.class))
              .asType(MethodType.methodType(Object.class));
      PERMISSION = holding.findVarHandle(TENANCY, "permission", Permission.class);
      LIMIT = holding.findVarHandle(TENANCY, "limit", Permission.class);
      LOWEST = holding.findVarHandle(TENANCY, "lowest", Permission.class);
      TENANTS = home.findVarHandle(PermissionServer.class, "holders", Map.class);
      WRITERS = home.findVarHandle(PermissionServer.class, "writers", Map.class);
      READERS = home.findVarHandle(PermissionServer.class, "readers", Map.class);
      PLEAS = home.findVarHandle(PermissionServer.class, "pleas", Map.class);
      SETTLING = home.findVarHandle(PermissionServer.class, "settling", Map.class);
      TOKEN = home.findVarHandle(PermissionServer.class, "token", long.class);
      VALUE = home.findVarHandle(PermissionServer.class, "value", long.class);
      POISONED_BY = home.findVarHandle(PermissionServer.class, "poisonedBy", int.class);
      POISONED_AT = home.findVarHandle(PermissionServer.class, "poisonedAt", int.class);
      TOLD = home.findVarHandle(PermissionServer.class, "told", Set.class);
      MethodHandles.Lookup holder =
          MethodHandles.privateLookupIn(PermissionHolder.class, MethodHandles.lookup());
      HELD = holder.findVarHandle(PermissionHolder.class, "held", Permission.class);
      HELD_LIMIT = holder.findVarHandle(PermissionHolder.class, "limit", Permission.class);
      ASKED = holder.findVarHandle(PermissionHolder.class, "asked", Permission.class);
      Class<?> question = holder.findClass(PermissionHolder.class.getName() + "$Question");
      QUESTION = holder.findVarHandle(PermissionHolder.class, "question", question);
      QUESTIONS = question.getEnumConstants();
      TRIES = holder.findVarHandle(PermissionHolder.class, "tries", long.class);
      TENANT_POISONED = holder.findVarHandle(PermissionHolder.class, "poisoned", boolean.class);
      RETIRES = holder.findVarHandle(PermissionHolder.class, "retires", boolean.class);
      RETIRE_UNANSWERED =
          holder.findVarHandle(PermissionHolder.class, "retireUnanswered", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final PermissionServer home;
  private final Map<Integer, Object> holders;
  private final Map<Integer, Long> writers;
  private final Map<Integer, Long> readers;
  private final Map<Integer, Long> pleas;
  private final Map<Integer, Set<Integer>> settling;
  private final Set<Integer> told;
  private final Object[] spare;

  @SuppressWarnings("unchecked")
  Snapshots(PermissionServer home, int nodes) {
    this.home = home;
    holders = (Map<Integer, Object>) TENANTS.get(home);
    writers = (Map<Integer, Long>) WRITERS.get(home);
    readers = (Map<Integer, Long>) READERS.get(home);
    pleas = (Map<Integer, Long>) PLEAS.get(home);
    settling = (Map<Integer, Set<Integer>>) SETTLING.get(home);
    told = (Set<Integer>) TOLD.get(home);
    spare = new Object[nodes];
    for (int node = 0; node < nodes; node++) {
      try {
        spare[node] = (Object) NEW_TENANCY.invokeExact();
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }

  void loadHome(State state) {
    int at = state.home;
    holders.clear();
    pleas.clear();
    settling.clear();
    for (int node = 0; node < state.nodes; node++) {
      int packed = state.get(at++);
      int name = state.get(at++);
      int settles = state.get(at++);
      if ((packed & 3) != 0) {
        Object holding = spare[node];
        PERMISSION.set(holding, State.permission(packed & 3));
        LIMIT.set(holding, State.permission((packed >> 2) & 3));
        LOWEST.set(holding, State.permission((packed >> 4) & 3));
        holders.put(node, holding);
      }
      if ((packed & PLEA) != 0) {
        pleas.put(node, (long) name);
      }
      if (settles != 0) {
        Set<Integer> tries = new TreeSet<>();
        for (int other = 0; other < state.nodes; other++) {
          if ((settles & 1 << other) != 0) {
            tries.add(other);
          }
        }
        settling.put(node, tries);
      }
    }
    at = loadQueue(state, writers, at);
    at = loadQueue(state, readers, at);
    TOKEN.set(home, (long) state.get(at));
    VALUE.set(home, (long) state.get(at)); // as JobModel checks
    int poison = state.get(at + 1);
    POISONED_BY.set(home, (poison & 1) - 1);
    POISONED_AT.set(home, (poison >> 4) & 3);
    told.clear();
    for (int node = 0; node < state.nodes; node++) {
      if ((poison & 2 << node) != 0) {
        told.add(node);
      }
    }
  }

  private static int loadQueue(State state, Map<Integer, Long> queue, int first) {
    queue.clear();
    for (int at = first; at < first + state.nodes && state.get(at) != 0; at++) {
      int node = (state.get(at) & 15) - 1;
      queue.put(node, state.get(at) > 15 ? (long) state.get(state.home + 3 * node + 1) : 0L);
    }
    return first + state.nodes;
  }

  void saveHome(State state) {
    int at = state.home;
    for (int node = 0; node < state.nodes; node++) {
      Object holding = holders.get(node);
      int packed = 0;
      if (holding != null) {
        Permission permission = (Permission) PERMISSION.get(holding);
        if (permission == NONE) {
          throw new Violation(Violation.RECORD, "node " + node + " is on record with nothing");
        }
        packed =
            State.number(permission)
                | (State.number((Permission) LIMIT.get(holding)) << 2)
                | (State.number((Permission) LOWEST.get(holding)) << 4);
      }
      long name = 0;
      for (Map<Integer, Long> named : List.of(writers, readers, pleas)) {
        long here = named.getOrDefault(node, 0L);
        if (here != 0 && name != 0) {
          throw new Violation(Violation.TRIES, "node " + node + " tries twice at home");
        }
        name = Math.max(name, here);
      }
      Set<Integer> tries = settling.get(node);
      int settles = tries == null ? 0 : State.SETTLES;
      if (tries != null) {
        for (int other : tries) {
          settles |= 1 << other;
        }
      }
      state.set(at++, packed | (pleas.containsKey(node) ? PLEA : 0));
      state.set(at++, (int) name);
      state.set(at++, settles);
    }
    at = saveQueue(state, writers, at);
    at = saveQueue(state, readers, at);
    long token = (long) TOKEN.get(home);
    state.set(at, (int) token);
    if (token == state.get(state.remembered) && (long) VALUE.get(home) != token) {
      throw new Violation(Violation.VALUES, "the home has another after the write " + token);
    }
    boolean poisoned = (int) POISONED_BY.get(home) != NOBODY;
    int poison = poisoned ? 1 | (int) POISONED_AT.get(home) << 4 : 0;
    for (int node : told) {
      poison |= 2 << node;
    }
    state.set(at + 1, poison);
  }

  private static int saveQueue(State state, Map<Integer, Long> queue, int first) {
    int at = first;
    for (Map.Entry<Integer, Long> entry : queue.entrySet()) {
      state.set(at++, (entry.getKey() + 1) | (entry.getValue() != 0 ? 16 : 0));
    }
    while (at < first + state.nodes) {
      state.set(at++, 0);
    }
    return at;
  }

  static void load(State state, int node, PermissionHolder holder) {
    int at = State.holder(node);
    int permissions = state.get(at);
    int flags = state.get(at + 1);
    HELD.set(holder, State.permission(permissions & 3));
    HELD_LIMIT.set(holder, State.permission((permissions >> 2) & 3));
    ASKED.set(holder, State.permission((permissions >> 4) & 3));
    QUESTION.set(holder, QUESTIONS[flags & 3]);
    TRIES.set(holder, (long) state.tries(node));
    TENANT_POISONED.set(holder, (flags & 4) != 0);
    RETIRES.set(holder, (flags & RETIRING) != 0);
    RETIRE_UNANSWERED.set(holder, (flags & UNANSWERED) != 0);
  }

  /**
   * What the holder does not look at before it sets it again is left out: the limit of a node that
   * has nothing, for a grant sets it.
   */
  static void save(State state, int node, PermissionHolder holder) {
    int at = State.holder(node);
    Permission held = (Permission) HELD.get(holder);
    Permission limit = held == NONE ? EXCLUSIVE : (Permission) HELD_LIMIT.get(holder);
    Permission asked = (Permission) ASKED.get(holder);
    int question = List.of(QUESTIONS).indexOf((Object) QUESTION.get(holder));
    state.tries(node, (int) (long) TRIES.get(holder));
    state.set(at, State.number(held) | (State.number(limit) << 2) | (State.number(asked) << 4));
    state.set(
        at + 1,
        question
            | ((boolean) TENANT_POISONED.get(holder) ? 4 : 0)
            | ((boolean) RETIRES.get(holder) ? RETIRING : 0)
            | ((boolean) RETIRE_UNANSWERED.get(holder) ? UNANSWERED : 0));
  }

  /** Whether a node has said that it retires, and that still counts or is not answered. */
  static boolean isRetiring(State state, int node) {
    return (state.get(State.holder(node) + 1) & (RETIRING | UNANSWERED)) != 0;
  }

  /** Whether its holder may be dropped. */
  static boolean isRetired(State state, int node, PermissionHolder holder) {
    load(state, node, holder);
    return holder.isRetired();
  }

  static boolean isUnanswered(State state, int node) {
    return (state.get(State.holder(node) + 1) & UNANSWERED) != 0;
  }

  /** Puts a new holder in the place of one. */
  static void drop(State state, int node) {
    int at = State.holder(node);
    state.set(at, State.number(EXCLUSIVE) << 2);
    state.set(at + 1, 0);
    state.tries(node, 0);
  }

  /** Puts a new home in the place of the loaded one. */
  void dropHome() {
    holders.clear();
    writers.clear();
    readers.clear();
    pleas.clear();
    settling.clear();
    told.clear();
    POISONED_BY.set(home, NOBODY);
    POISONED_AT.set(home, 0);
  }

  static Permission held(State state, int node) {
    return State.permission(state.get(State.holder(node)) & 3);
  }

  static Permission limit(State state, int node) {
    return State.permission((state.get(State.holder(node)) >> 2) & 3);
  }

  static Permission asked(State state, int node) {
    return State.permission((state.get(State.holder(node)) >> 4) & 3);
  }

  static boolean isPoisoned(State state, int node) {
    return (state.get(State.holder(node) + 1) & 4) != 0;
  }

  static boolean isRecalled(State state, int node) {
    return limit(state, node).compareTo(held(state, node)) < 0;
  }

  static Permission onRecord(State state, int node) {
    return State.permission(state.get(state.home + 3 * node) & 3);
  }

  /** The nodes that wait to read, one bit for each. */
  static int readers(State state) {
    int bits = 0;
    int first = state.home + 4 * state.nodes;
    for (int at = first; at < first + state.nodes && state.get(at) != 0; at++) {
      bits |= 1 << ((state.get(at) & 15) - 1);
    }
    return bits;
  }

  /** Whether nobody waits at the home. */
  static boolean isIdle(State state) {
    return state.get(state.home + 3 * state.nodes) == 0
        && state.get(state.home + 4 * state.nodes) == 0;
  }
}

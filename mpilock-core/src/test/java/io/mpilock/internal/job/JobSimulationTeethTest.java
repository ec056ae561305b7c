/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import io.mpilock.internal.job.JobSimulation.Trouble;
import io.mpilock.testing.Mutant;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Trace;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Faults planted in the source of the job level, each of which the simulation must see. The first
 * five are the ones that it once found there.
 */
@Proof
class JobSimulationTeethTest {
  /** As many as a build does of the right code; most are seen within some thousands. */
  private static final long MOST_OPERATIONS = 2_000_000;

  /** A run of each kind in turn, as the seed says. */
  static final class AnyTrouble implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      Trouble[] troubles = Trouble.values();
      Trouble trouble = troubles[(int) Math.floorMod(seed, (long) troubles.length)];
      return new JobSimulation(seed, trouble, Trace.off()).run();
    }
  }

  enum Fault {
    GRANTS_TO_A_NODE_THAT_MAY_BE_YIELDING(
        PermissionServer.class,
        "entry.getKey() != writer || entry.getValue().mayBeYielding()",
        "entry.getKey() != writer"),
    KEEPS_A_REQUEST_THAT_A_GRANT_ON_ITS_WAY_SATISFIES(
        PermissionServer.class,
        "cancel(node); // of what it asked for before; the grant that is on its way is enough",
        ""),
    DOES_NOT_OPEN_TO_WHAT_IS_KEPT(
        PermissionHolder.class,
        "if (held != NONE) {\n      open(held);",
        "if (held == null) {\n      open(held);"),
    TAKES_NO_REQUEST_BACK_WHILE_RECALLED(
        PermissionHolder.class,
        "if (asked != NONE) {\n        asked = NONE;",
        "if (asked != NONE && mayAsk) {\n        asked = NONE;"),
    YIELDS_BEFORE_ALL_ARE_OUT(
        PermissionHolder.class,
        "if (!gate.close(limit)) {",
        "if (!gate.close(limit) && gate.wanted() == NONE) {"),
    YIELDS_TWICE(
        PermissionHolder.class,
        "outbox.yielded(held, gate.token(), gate.value(), dead);",
        "outbox.yielded(held, gate.token(), gate.value(), dead);\n    outbox.yielded(held, gate.token(), gate.value(), dead);"),
    GIVES_BACK_AN_OLD_TOKEN(PermissionServer.class, "token = Math.max(token, lastToken);", ""),
    GRANTS_A_READ_BESIDE_A_WRITER(
        PermissionServer.class,
        "anyMatch(holding -> holding.permission == EXCLUSIVE)",
        "anyMatch(holding -> false)"),
    GRANTS_A_WRITE_BESIDE_READERS(
        PermissionServer.class,
        "if (entry.getKey() != writer ||",
        "if (entry.getValue().permission == EXCLUSIVE && entry.getKey() != writer ||"),
    LETS_READERS_PASS_WRITERS(
        PermissionServer.class, "!readers.isEmpty() && writers.isEmpty()", "!readers.isEmpty()"),
    LOSES_THE_PLACE_OF_WHO_ASKS_AGAIN(
        PermissionServer.class,
        "if (!queue.containsKey(node)) {\n      leave(node);\n    }",
        "leave(node);"),
    FORGETS_TO_SERVE_AFTER_A_CANCEL(
        PermissionServer.class, "leave(node);\n    serve();\n  }", "leave(node);\n  }"),
    TELLS_ONLY_THE_FIRST_OF_A_RECALL(
        PermissionServer.class,
        "holders.forEach(this::tellLimit);",
        "holders.entrySet().stream().limit(1).forEach(e -> tellLimit(e.getKey(), e.getValue()));"),
    DOES_NOT_TAKE_A_RECALL_BACK(
        PermissionHolder.class, "if (before && !isRecalled() && !poisoned) {", "if (false) {"),
    ASKS_WHILE_A_RECALL_IS_UNANSWERED(PermissionHolder.class, "} else if (mayAsk) {", "} else {"),
    REFUSES_NO_TRY(
        PermissionHolder.class,
        "question = Question.NONE;\n      gate.refuseTries();",
        "question = Question.NONE;"),
    REFUSES_WHO_IS_BEHIND_OTHERS_AT_ONCE(
        PermissionServer.class,
        "queue.put(node, tries); // keeps its place\n    serve();",
        "queue.put(node, tries);\n    serve();\n"
            + "    if (queue.getOrDefault(node, 0L) != 0) {\n      refuse(node);\n    }"),
    BELIEVES_AN_ANSWER_THAT_CAME_BEFORE_THE_RECALL(PermissionServer.class, "asked.clear();", ""),
    REFUSES_LATER_TRIES_TOO(PermissionHolder.class, "whom == tries && ", ""),
    POISONS_ONLY_WHO_HAS(
        PermissionServer.class,
        "told.addAll(writers.keySet());\n    told.addAll(readers.keySet());",
        ""),
    TELLS_NOBODY_THAT_IT_IS_FREE(PermissionServer.class, "nodes.forEach(outbox::cleared);", ""),
    FORGETS_WHO_ASKS_WHILE_POISONED(
        PermissionServer.class, "told.add(node);\n      outbox", "outbox"),
    TAKES_BACK_MORE_THAN_A_NODE_HAD(
        PermissionServer.class,
        "if (held != NONE && permission(node) == held) {",
        "if (held != NONE) {"),
    DROPS_WHO_IS_STILL_OWED_A_GRANT(
        PermissionHolder.class, "return retires && !retireUnanswered;", "return retires;"),
    DROPS_WHO_HAS_ASKED_SINCE(
        PermissionHolder.class, "asked = wanted;\n      retires = false;", "asked = wanted;"),
    RETIRES_WITH_SOMEBODY_INSIDE(
        PermissionHolder.class, "boolean closed = gate.close(NONE);", "boolean closed = true;"),
    GIVES_BACK_AN_OLD_VALUE(PermissionServer.class, "value = lastValue;", ""),
    GRANTS_NO_VALUE(PermissionHolder.class, "gate.value(value);", ""),
    RETIRES_WITHOUT_ITS_VALUE(PermissionHolder.class, "had == NONE ? 0 : gate.value()", "0"),
    FORGETS_WHAT_IS_COUNTED(
        PermissionServer.class, "retired && value == 0 && isIdle()", "retired && isIdle()"),
    RETIRES_WITHOUT_ITS_TOKEN(PermissionHolder.class, "had == NONE ? 0 : gate.token()", "0"),
    DROPS_A_HOME_THAT_SOMEBODY_HAS_THINGS_FROM(
        PermissionServer.class, "return holders.isEmpty()\n        && writers", "return writers"),
    DROPS_A_POISONED_HOME(
        PermissionServer.class, "&& told.isEmpty()\n        && poisonedBy == NOT_POISONED;", ";"),
    FORGETS_THE_TOKEN_OF_A_DROPPED_HOME(
        PermissionServers.class, "highestDropped = Math.max(highestDropped, home.token());", ""),
    NEVER_DROPS_A_HOME(PermissionServers.class, "homes.remove(resource);", ""),
    IGNORES_A_DEAD_WRITER(
        PermissionHolder.class, "int dead = gate.deadWriter();", "int dead = -1;");

    private final Class<?> type;
    private final String right;
    private final String wrong;

    Fault(Class<?> type, String right, String wrong) {
      this.type = type;
      this.right = right;
      this.wrong = wrong;
    }
  }

  @ParameterizedTest
  @EnumSource
  void thePlantedFaultIsSeen(Fault fault) throws Exception {
    Mutant.of(fault.type, fault.right, fault.wrong)
        .assertSeen(fault, AnyTrouble.class, MOST_OPERATIONS);
  }
}

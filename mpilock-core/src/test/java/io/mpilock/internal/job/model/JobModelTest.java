/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.PermissionHolder;
import io.mpilock.internal.job.PermissionServer;
import io.mpilock.internal.job.model.Faults.Fault;
import io.mpilock.internal.job.model.Setup.Crash;
import io.mpilock.testing.Proof;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every state that a small job can reach, with the real state machines of the home and of the
 * nodes. {@code -Dmpilock.models=full} checks larger jobs, too.
 */
@Proof
class JobModelTest {
  private static final boolean FULL = "full".equals(System.getProperty("mpilock.models"));
  private static final long MOST_STATES = 85_000_000; // in 2 GiB

  @Test
  void snapshotsNameEveryField() throws ClassNotFoundException {
    assertThat(fields(PermissionServer.class))
        .containsExactlyInAnyOrder(
            "outbox",
            "phaseFair",
            "holders",
            "writers",
            "readers",
            "pleas",
            "settling",
            "token",
            "value", // of a counter that each write adds one to: equal to the token
            "poisonedBy",
            "poisonedAt",
            "retired", // decides when an idle home is dropped: the model may drop each that is idle
            "told");
    assertThat(fields(Class.forName(PermissionServer.class.getName() + "$Holding")))
        .containsExactlyInAnyOrder("permission", "limit", "lowest");
    assertThat(fields(PermissionHolder.class))
        .containsExactlyInAnyOrder(
            "gate",
            "outbox",
            "held",
            "limit",
            "asked",
            "question",
            "tries",
            "poisoned",
            "retires",
            "retireUnanswered");
  }

  private static Stream<String> fields(Class<?> type) {
    return Arrays.stream(type.getDeclaredFields())
        .filter(field -> !Modifier.isStatic(field.getModifiers()))
        .map(Field::getName);
  }

  static Stream<Setup> setups() {
    Setup two = Setup.of(2, 2).withGiveUps();
    Setup three = Setup.of(2, 1, 1).withGiveUps();
    Setup five = Setup.of(2, 2, 1).withGiveUps();
    Setup six = Setup.of(2, 2, 2);
    Stream<Setup> always =
        Stream.of(
            two,
            two.fairToPhases(),
            two.withMeanwhile(2),
            two.withCrashOf(Crash.RANK_RELEASED),
            Setup.of(1, 1).inRounds(2).withGiveUps().withTries(),
            Setup.of(1, 2).withGiveUps().withTries(),
            Setup.of(1, 1, 1).withGiveUps().withTries(),
            Setup.of(2, 1).withGiveUps().withTries().withCrashOf(Crash.RANK_CLEARED),
            three.withCrashOf(Crash.RANK),
            two.withRetiring(),
            Setup.of(1, 1).inRounds(2).withGiveUps().withTries().withRetiring(),
            Setup.of(1, 1).inRounds(3).withGiveUps().withRetiring().withMeanwhile(1),
            Setup.of(1, 1, 1).withGiveUps().withTries().withRetiring(),
            Setup.of(1, 1).inRounds(2).withRetiring().withCrashOf(Crash.RANK_CLEARED));
    Stream<Setup> usual =
        Stream.of(
            three.withCrashOf(Crash.RANK_CLEARED),
            three.withCrashOf(Crash.NODE),
            six.withGiveUps());
    Stream<Setup> larger =
        Stream.of(
            two.withTries().withMeanwhile(1),
            three.withTries(),
            three.withMeanwhile(1),
            six.withGiveUps().fairToPhases(),
            five.withCrashOf(Crash.RANK),
            five.withCrashOf(Crash.NODE));
    return Stream.of(
            always,
            Proof.Size.SHORT ? Stream.<Setup>of() : usual,
            FULL ? larger : Stream.<Setup>of())
        .flatMap(setups -> setups);
  }

  @ParameterizedTest
  @MethodSource("setups")
  void allPropertiesHoldInEveryState(Setup setup) {
    Search.Result result = new Search(new JobModel(setup), MOST_STATES).exhaust();
    System.out.printf("Model with %s: %s%n", setup, result);
  }

  static Stream<Arguments> faults() {
    Setup pair = Setup.of(1, 1);
    Setup one = Setup.of(1, 2);
    Setup two = Setup.of(2, 2);
    Setup three = Setup.of(1, 1, 1);
    Setup twice = pair.inRounds(2).withRetiring();
    return Stream.of(
        fault(
            "a home lets readers in beside a writer",
            "PermissionServer",
            "if (holders.values().stream().anyMatch(holding -> holding.permission == EXCLUSIVE)) {",
            "if (false) {",
            two,
            Violation.RECORD),
        fault(
            "a home grants to a node that may be yielding",
            "PermissionServer",
            " || entry.getValue().mayBeYielding()",
            "",
            one.withGiveUps(),
            Violation.RECORD),
        fault(
            "a recall is not taken back when nobody waits any more",
            "PermissionServer",
            "leave(node);\n    serve();",
            "leave(node);",
            one.withGiveUps(),
            Violation.NO_TRACE),
        fault(
            "the last writer goes first",
            "PermissionServer",
            "int writer = writers.keySet().iterator().next();\n    for",
            "int writer = new java.util.ArrayList<>(writers.keySet()).getLast();\n    for",
            three,
            Violation.ORDER),
        fault(
            "readers do not wait for writers",
            "PermissionServer",
            "return !readers.isEmpty() && writers.isEmpty();",
            "return !readers.isEmpty();",
            three,
            Violation.WRITERS_FIRST),
        fault(
            "a yield carries no token",
            "PermissionServer",
            "token = Math.max(token, lastToken);",
            "",
            pair,
            Violation.TOKENS),
        fault(
            "a writer's death is not told to those who wait",
            "PermissionServer",
            "if (node != source) { // which has said so itself",
            "if (false) {",
            two.withCrashOf(Crash.RANK),
            Violation.POISON),
        fault(
            "what is given free is not told to those who asked while it was poisoned",
            "PermissionServer",
            "told.add(node);\n      outbox",
            "outbox",
            two.withCrashOf(Crash.RANK_CLEARED),
            Violation.NO_TRACE),
        fault(
            "the home gives free what is not poisoned",
            "PermissionHolder",
            "if (!poisoned) { // the home does not know yet",
            "if (false) {",
            pair.withCrashOf(Crash.RANK_CLEARED),
            Violation.POISON),
        fault(
            "what is given free is asked for no more",
            "PermissionHolder",
            "asked = NONE;\n      look();",
            "asked = EXCLUSIVE;",
            pair.withCrashOf(Crash.RANK_CLEARED),
            Violation.PROGRESS),
        fault(
            "a home does not hear that somebody holds",
            "PermissionServer",
            "if (isInTheWay(node, tries)) {",
            "if (false) {",
            one.withTries(),
            Violation.ENDS),
        fault(
            "a home refuses a try at once that is behind others",
            "PermissionServer",
            "queue.put(node, tries); // keeps its place\n    serve();",
            "queue.put(node, tries);\n    serve();\n    if (queue.getOrDefault(node, 0L) != 0) {\n      refuse(node);\n    }",
            three.withGiveUps().withTries(),
            Violation.FREE),
        fault(
            "a home believes an answer that was given before the recall",
            "PermissionServer",
            "asked.clear();",
            "",
            three.withGiveUps().withTries(),
            Violation.FREE),
        fault(
            "a home does not ask who is only recalled",
            "PermissionServer",
            "return writers.containsKey(node);",
            "return false;",
            one.withGiveUps().withTries(),
            Violation.TRIES),
        fault(
            "a refusal of earlier tries ends later ones",
            "PermissionHolder",
            "if (whom == tries && question",
            "if (question",
            one.withGiveUps().withTries(),
            Violation.FREE),
        fault(
            "a refusal ends a try that came after the question",
            "model.NodeModel",
            "if ((state.get(index + 1) & COVERED) != 0) {",
            "if (is(rank, TRIES) && waits(rank)) {",
            one.withGiveUps().withTries(),
            Violation.FREE),
        fault(
            "a node yields before its gate has closed",
            "PermissionHolder",
            "if (!gate.close(limit)) {",
            "if (!gate.close(limit) && isTried()) {",
            pair,
            Violation.RECORD),
        fault(
            "a request is not taken back",
            "PermissionHolder",
            "lose(Question.REQUEST);\n        outbox.cancel();",
            "lose(Question.REQUEST);",
            pair.withGiveUps(),
            Violation.NO_TRACE),
        fault(
            "a gate stays closed after its recall is taken back",
            "PermissionHolder",
            "if (before && !isRecalled() && !poisoned) {",
            "if (false) {",
            Setup.of(2, 1).withGiveUps(),
            Violation.PROGRESS),
        fault(
            "a grant's token is set after ranks are let in",
            "PermissionHolder",
            "gate.token(token);\n    open(permission);",
            "open(permission);\n    gate.token(token);",
            pair,
            Violation.TOKENS),
        fault(
            "a recall is answered by a node that has yielded before",
            "PermissionHolder",
            "boolean mayAsk = !isRecalled() || giveUp();",
            "boolean mayAsk = limit == EXCLUSIVE || giveUp();",
            three.withGiveUps(),
            Violation.RECORD),
        fault(
            "a node is poisoned, and does not tell its ranks",
            "PermissionHolder",
            "gate.poison(rank);",
            "",
            pair.withCrashOf(Crash.RANK),
            Violation.POISON),
        fault(
            "a rank that waits does not tell the agent",
            "model.NodeModel",
            "become(rank, WAITS_TO_WRITE | second | tries | kept(rank, MET));\n      tellAgentOwner();",
            "become(rank, WAITS_TO_WRITE | second | tries | kept(rank, MET));",
            pair,
            Violation.PROGRESS),
        fault(
            "the agent closes over readers",
            "model.NodeModel",
            "} else if (isUnread()) {",
            "} else {",
            Setup.of(2, 1),
            Violation.RECORD),
        fault(
            "the last reader does not tell the agent",
            "model.NodeModel",
            "if (state.gate(node) == DRAINING) {\n      tellAgent();",
            "if (state.gate(node) == DRAINING) {",
            pair,
            Violation.PROGRESS),
        fault(
            "the agent lets readers in before a writer of its node",
            "model.NodeModel",
            "if (setup.phaseFair() || lookForWanted() != EXCLUSIVE) {",
            "if (true) {",
            Setup.of(2, 1),
            Violation.WRITERS_FIRST),
        fault(
            "a lock is passed on after its writer died",
            "model.NodeModel",
            "become(rank, THROUGH);\n          poison(0);",
            "release(rank);",
            pair.withCrashOf(Crash.RANK),
            Violation.POISON),
        fault(
            "what a node had when it retires counts, though a grant is on its way to it",
            "PermissionServer",
            "if (held != NONE && permission(node) == held) {",
            "if (held != NONE) {",
            twice.withGiveUps(),
            Violation.RECORD),
        fault(
            "a node gives back what it does not have any more",
            "PermissionHolder",
            "held = NONE;\n    lose(question);\n    retires = true;",
            "lose(question);\n    retires = true;",
            twice,
            Violation.RECORD),
        fault(
            "a node is dropped while a grant is on its way to it",
            "PermissionHolder",
            "return retires && !retireUnanswered;",
            "return retires;",
            twice.withGiveUps(),
            Violation.RECORD),
        fault(
            "an answer counts that is older than a request",
            "PermissionHolder",
            "asked = wanted;\n      retires = false;",
            "asked = wanted;",
            twice.withGiveUps(),
            Violation.RECORD),
        fault(
            "a node that was granted something since is dropped",
            "PermissionHolder",
            "limit = EXCLUSIVE;\n    retires = false;",
            "limit = EXCLUSIVE;",
            twice.withGiveUps(),
            Violation.RECORD),
        fault(
            "a node that retires does not say what it has written",
            "PermissionHolder",
            "had == NONE ? 0 : gate.token()",
            "0",
            twice,
            Violation.TOKENS),
        fault(
            "a yield carries no value",
            "PermissionServer",
            "value = lastValue;",
            "",
            pair,
            Violation.VALUES),
        fault(
            "a grant's value is set after ranks are let in",
            "PermissionHolder",
            "gate.value(value);\n    gate.token(token);\n    open(permission);",
            "gate.token(token);\n    open(permission);\n    gate.value(value);",
            pair,
            Violation.VALUES),
        fault(
            "a node that retires does not say what it has counted",
            "PermissionHolder",
            "had == NONE ? 0 : gate.value()",
            "0",
            twice,
            Violation.VALUES),
        fault(
            "a node that retires is not answered",
            "PermissionServer",
            "outbox.retired(node);",
            "",
            twice,
            Violation.NO_TRACE),
        fault(
            "a node retires while it has asked",
            "PermissionHolder",
            "if (poisoned || asked != NONE || isRecalled()) {",
            "if (poisoned || isRecalled()) {",
            twice.withGiveUps().withMeanwhile(1),
            Violation.RECORD),
        fault(
            "a home is dropped while a node has a permission",
            "PermissionServer",
            "return holders.isEmpty()\n        && writers",
            "return writers",
            twice,
            Violation.RECORD),
        fault(
            "a home is dropped while a node is asked",
            "PermissionServer",
            "&& settling.isEmpty()\n",
            "\n",
            twice.withGiveUps().withTries(),
            Violation.FREE),
        fault(
            "a home is dropped before it has told that a poison has ended",
            "PermissionServer",
            "&& told.isEmpty()\n        && poisonedBy == NOT_POISONED;",
            ";",
            pair.withCrashOf(Crash.RANK_CLEARED).withRetiring(),
            Violation.POISON),
        fault(
            "messages overtake each other",
            "model.State",
            """
            int message = get(channel + 1) | (get(channel + 2) << 8);
                int length = bytes[channel] - 1;
                System.arraycopy(bytes, channel + 3, bytes, channel + 1, 2 * length);\
            """,
            "int length = bytes[channel] - 1;\n    int message = message(channel, length);",
            pair.withGiveUps(),
            Violation.NO_TRACE));
  }

  private static Arguments fault(
      String what, String name, String sound, String faulty, Setup setup, String property) {
    return Arguments.of(what, new Fault(name, sound, faulty, setup, property));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("faults")
  void faultsAreFound(String what, Fault fault) throws IOException {
    String[] found = Faults.check(fault);
    assertThat(found[0]).as("%s: %s", what, found[1]).isEqualTo(fault.property());
  }
}

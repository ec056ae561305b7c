/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each fault of the Python library, and the test that proves that it is none here. */
class PythonFaultsTest {

  record Fault(String fault, Class<?> suite, String test) {
    @Override
    public String toString() {
      return fault + ": " + suite.getSimpleName() + "." + test;
    }
  }

  static List<Fault> faults() {
    return List.of(
        new Fault(
            "with a master other than 0, readers and writers lock different ranks",
            LockContract.class,
            "readersNeverSeeHalfAWriteWhenAnotherRankIsMaster"),
        new Fault(
            "a write inside a read gives the read up without a word",
            LockContract.class,
            "aWriteInsideAReadIsRefusedAtOnce"),
        new Fault(
            "an upgrade loses updates",
            LockContract.class,
            "anUpgradeTellsWhetherAnotherWriteCameIn"),
        new Fault(
            "an exception before share leaves everyone else in collect for ever",
            SingleWriteContract.class,
            "aBodyThatThrowsIsToldToEveryRank"),
        new Fault(
            "a block that is left without share leaves everyone else in collect for ever",
            SingleWriteContract.class,
            "aBlockLeftWithoutAWordHasFailedOnEveryRank"),
        new Fault(
            "a master that is no rank is accepted and fails at the first lock",
            LifecycleContract.class,
            "aMasterThatIsNoRankIsRefusedAtOnce"),
        new Fault(
            "two threads of one rank are both let in to write",
            LockContract.class,
            "writesOfAllThreadsOfAllRanksLoseNoUpdate"),
        new Fault(
            "using MPI's finalize first aborts the job at exit",
            NativeFailureTest.class,
            "anApplicationThatFinalisesMpiFirstEndsWell"),
        new Fault(
            "a falsy handle is taken for none",
            SingleWriteContract.class,
            "theHandleGoesToTheWritingRankAloneHoweverEmptyItLooks"),
        new Fault(
            "a single write while every rank holds a read is a deadlock",
            SingleWriteContract.class,
            "aSingleWriteWhileEveryRankHoldsAReadIsRefused"),
        new Fault(
            "a single write inside an own write is a deadlock",
            SingleWriteContract.class,
            "aSingleWriteInsideTheWritersOwnWriteIsReentrant"),
        new Fault(
            "two controllers closed in different orders are a deadlock",
            LifecycleContract.class,
            "severalControllersCloseInAnyOrder"),
        new Fault("waiting burns a core", LockContract.class, "aWaitCostsNextToNothing"),
        new Fault(
            "a writer can enter over live readers",
            LockContract.class,
            "aHeldReadRefusesWritesAndAllowsReads"),
        new Fault(
            "a reader can see half a write", LockContract.class, "readersNeverSeeHalfAWrite"));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void everyFaultHasItsTest(Fault fault) {
    assertThat(fault.suite().getDeclaredMethods())
        .filteredOn(method -> method.getName().equals(fault.test()))
        .anyMatch(method ->
            method.isAnnotationPresent(Test.class)
                || method.isAnnotationPresent(ParameterizedTest.class));
  }
}

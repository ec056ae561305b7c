/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;

/** The end of a collective call without a lock on this rank. */
@Name("mpilock.Collective")
@Label("Collective Call")
@Description("A barrier, allGather, gather or inOrder ended on this rank")
final class CollectiveEvent extends LockEvent {
  @Label("Call")
  @Description("Which call")
  String call = "";

  @Label("Time")
  @Description("From the call to the end")
  @Timespan(Timespan.NANOSECONDS)
  long time;

  @Label("Shared")
  @Description("The encoded size of what this rank sent and received")
  @DataAmount
  long shared;
}

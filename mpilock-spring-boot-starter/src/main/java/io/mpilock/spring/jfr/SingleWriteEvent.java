/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;

/** The end of a single write on this rank. */
@Name("mpilock.SingleWrite")
@Label("Single Write")
@Description("A single write ended on this rank")
final class SingleWriteEvent extends LockEvent {
  @Label("Writer")
  @Description("Whether this rank was the one that wrote")
  boolean writer;

  @Label("Time")
  @Description("From the call to the end")
  @Timespan(Timespan.NANOSECONDS)
  long time;

  @Label("Shared")
  @Description("The encoded size of what was shared")
  @DataAmount
  long shared;
}

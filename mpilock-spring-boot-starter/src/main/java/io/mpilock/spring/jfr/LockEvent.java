/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Label;

/** What all events tell. */
@Category("mpilock")
abstract class LockEvent extends jdk.jfr.Event {
  @Label("Resource")
  String resource = "";

  @Label("Rank")
  int rank;

  @Label("Outcome")
  @Description("granted, timeout, failed or success")
  String outcome = "";
}

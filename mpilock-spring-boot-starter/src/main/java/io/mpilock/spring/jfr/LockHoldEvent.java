/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;

/** From a grant to the release. */
@Name("mpilock.LockHold")
@Label("Lock Hold")
@Description("A thread held a lock of the ranks")
@Threshold("10 ms")
final class LockHoldEvent extends LockEvent {
  @Label("Mode")
  String mode = "";
}

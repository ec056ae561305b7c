/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;

/** From a request to its grant, or to its end without one. */
@Name("mpilock.LockWait")
@Label("Lock Wait")
@Description("A thread waited for a lock of the ranks")
@Threshold("1 ms")
final class LockWaitEvent extends LockEvent {
  @Label("Mode")
  String mode = "";

  @Label("Contended")
  @Description("Whether it had to wait for another holder")
  boolean contended;
}

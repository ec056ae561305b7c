/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;
import static io.mpilock.internal.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.SimulatedGate.Visit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a holder says when ranks come and go while a message is on its way to it. */
class TenantCrossingTest {
  private final List<Message> sent = new ArrayList<>();
  private final SimulatedGate gate = new SimulatedGate(false, false, visit -> {}, () -> {});
  private final PermissionHolder holder =
      new PermissionHolder(gate, PermissionHolder.Outbox.sending("r", sent::add));

  private Visit arrives(Permission mode, boolean tries) {
    Visit visit = new Visit(0, mode, tries);
    gate.arrive(visit);
    return visit;
  }

  private void assertSent(Message... messages) {
    assertThat(sent).containsExactly(messages);
    sent.clear();
  }

  @Test
  void aWriterThatComesBehindTheRequestToReadIsAskedForWhenTheGrantComes() {
    Visit reader = arrives(SHARED, false);
    holder.look();
    assertSent(new Message.Request("r", SHARED, 0));
    gate.giveUp(reader);
    arrives(EXCLUSIVE, false);
    holder.granted(SHARED, 0, 0);
    assertSent(new Message.Request("r", EXCLUSIVE, 0));
  }

  @Test
  void aWriterThatHasGoneWhenALesserGrantComesIsTakenBack() {
    arrives(SHARED, false);
    Visit writer = arrives(EXCLUSIVE, true);
    holder.look();
    assertSent(new Message.Request("r", EXCLUSIVE, 1));
    gate.giveUp(writer);
    holder.granted(SHARED, 0, 0);
    assertSent(new Message.Cancel("r"));
    assertThat(holder.isAsking()).isFalse();
  }

  @Test
  void aHolderIsToldOfAndThenItsYieldCarriesTheToken() {
    Visit writer = arrives(EXCLUSIVE, false);
    holder.look();
    holder.granted(EXCLUSIVE, 41, 0);
    sent.clear();
    holder.recalled(NONE);
    holder.settle();
    assertSent(new Message.Settled("r"));
    gate.leave(writer);
    holder.look();
    assertSent(new Message.Yield("r", NONE, 42, 1, -1));
  }
}

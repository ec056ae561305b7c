/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.status;

import io.mpilock.transport.Member;
import java.util.Objects;

/**
 * A rank.
 *
 * @param member its number, node, host and process
 * @param state whether it is there
 * @since 0.1.0
 */
public record RankStatus(Member member, State state) {

  /** Whether a rank is there. */
  public enum State {
    /** It uses the controller. */
    OPEN,
    /** It closes the controller, and waits for others. */
    CLOSING,
    /** It has closed the controller. */
    CLOSED,
    /** It died, gave itself up, or closed the controller while it held a lock. */
    DEAD,
    /** Its node did not answer. */
    UNKNOWN
  }

  /** Checks the parts. */
  public RankStatus {
    Objects.requireNonNull(member, "member");
    Objects.requireNonNull(state, "state");
  }
}

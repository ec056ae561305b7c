/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import java.util.Locale;

/** What a soak does. Each mode has its own line in the figures at the end. */
enum Mode {
  READ,
  TRY_READ,
  TIMED_READ,
  INTERRUPTED_READ,
  OPTIMISTIC_READ,
  WRITE,
  TRY_WRITE,
  TIMED_WRITE,
  INTERRUPTED_WRITE,
  READ_IN_READ,
  READ_IN_WRITE,
  WRITE_IN_WRITE,
  DOWNGRADE,
  UPGRADE,
  TIMED_UPGRADE,
  INTERRUPTED_UPGRADE,
  TWO_RESOURCES,
  WRITE_IN_READ,
  UPGRADE_OF_TWO,
  CLOSE_BY_ANOTHER,
  CIRCLE,

  /** From here on the calls that all ranks make together. */
  SHARE_SMALL,
  SHARE_CHUNKS,
  SHARE_LARGE,
  SHARE_NOTHING,
  SHARE_IN_WRITE,
  SHARE_TIMED,
  SHARE_INTERRUPTED,
  BODY_THROWS,
  BODY_IS_SILENT,
  SHARE_UNFIT,
  SHARE_IN_READ,
  RANKS_DISAGREE,
  CONTROLLERS;

  /** How it may end, as the program expects it. Anything else is a violation. */
  enum Outcome {
    /** Granted; for a single write: all ranks went on together. */
    DONE,
    /** A try that found the resource taken, a time-out, an interrupt, an invalid stamp. */
    GAVE_UP,
    /** Refused, since it could only deadlock, or failed because the body was made to. */
    REFUSED;

    @SuppressWarnings("EnumOrdinal") // for as long as the program runs
    int index() {
      return ordinal();
    }
  }

  @SuppressWarnings("EnumOrdinal") // for as long as the program runs
  int index() {
    return ordinal();
  }

  boolean isCollective() {
    return compareTo(SHARE_SMALL) >= 0;
  }

  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

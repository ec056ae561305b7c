/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.Permission;

/**
 * A message in two bytes: kind, permission and a flag; behind them a token, or the name of tries.
 */
final class Wire {
  static final int REQUEST = 1;
  static final int CANCEL = 2;
  static final int GRANT = 3;
  static final int RECALL = 4;
  static final int YIELD = 5;
  static final int SETTLED = 6;
  static final int REFUSE = 7;
  static final int POISON = 8;
  static final int SETTLE = 9;
  static final int PLEAD = 10;
  static final int CLEAR = 11;
  static final int CLEARED = 12;
  static final int CONFIRM = 13;
  static final int RETIRE = 14;
  static final int RETIRED = 15;

  private static final String RESOURCE = "r";

  private Wire() {}

  static int of(int kind, Permission permission, boolean flag, long token) {
    return kind | (State.number(permission) << 4) | (flag ? 64 : 0) | ((int) token << 8);
  }

  static int kind(int message) {
    return message & 15;
  }

  static Permission permission(int message) {
    return State.permission((message >> 4) & 3);
  }

  static boolean flag(int message) {
    return (message & 64) != 0;
  }

  static int token(int message) {
    return message >>> 8;
  }

  static boolean hasToken(int message) {
    return kind(message) == GRANT
        || kind(message) == YIELD
        || (kind(message) == RETIRE && permission(message) != Permission.NONE);
  }

  /** Whether what stands behind is the name of tries. */
  static boolean namesTries(int message) {
    return kind(message) == REQUEST || kind(message) == REFUSE || kind(message) == PLEAD;
  }

  /** Whose death it tells, if the flag says that it tells one: which rank makes no difference. */
  static int deadWriter(int message) {
    return flag(message) ? 0 : -1;
  }

  /** For people. */
  static Message.OfLock message(int message) {
    Permission permission = permission(message);
    return switch (kind(message)) {
      case REQUEST -> new Message.Request(RESOURCE, permission, token(message));
      case CANCEL -> new Message.Cancel(RESOURCE);
      case GRANT -> new Message.Grant(RESOURCE, permission, token(message), token(message));
      case RECALL -> new Message.Recall(RESOURCE, permission);
      case YIELD ->
          new Message.Yield(
              RESOURCE, permission, token(message), token(message), deadWriter(message));
      case SETTLED -> new Message.Settled(RESOURCE);
      case REFUSE -> new Message.Refuse(RESOURCE, token(message));
      case SETTLE -> new Message.Settle(RESOURCE);
      case PLEAD -> new Message.Plead(RESOURCE, token(message));
      case CLEAR -> new Message.Clear(RESOURCE, 0);
      case CONFIRM -> new Message.Confirm(RESOURCE, 0);
      case CLEARED -> new Message.Cleared(RESOURCE);
      case RETIRE -> new Message.Retire(RESOURCE, permission, token(message), token(message));
      case RETIRED -> new Message.Retired(RESOURCE);
      default -> new Message.Poison(RESOURCE, 0);
    };
  }
}

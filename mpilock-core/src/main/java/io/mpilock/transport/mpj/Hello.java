/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.nio.ByteBuffer;

/**
 * Who calls at a {@link Acceptor}, and what for.
 *
 * @param purpose what the connection is for
 * @param rank the caller's rank in the job
 * @param size how many ranks the caller believes the job to have
 */
record Hello(Purpose purpose, int rank, int size) {
  static final int BYTES = 2 + 4 + 4;

  enum Purpose {
    LIFELINE('L'),
    /** The caller writes frames into it. */
    CALLER_WRITES('W'),
    /** The caller reads frames from it. */
    CALLER_READS('R');

    private final char sign;

    Purpose(char sign) {
      this.sign = sign;
    }

    static Purpose of(char sign) {
      for (Purpose purpose : values()) {
        if (purpose.sign == sign) {
          return purpose;
        }
      }
      throw new IllegalArgumentException("there is no kind of connection '" + sign + "'");
    }
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES).putChar(purpose.sign).putInt(rank).putInt(size).array();
  }

  /** Decodes what was proven to come from a rank of the job. */
  static Hello decode(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new Hello(Purpose.of(buffer.getChar()), buffer.getInt(), buffer.getInt());
  }
}

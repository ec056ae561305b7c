/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a caller and a {@link Acceptor} prove to each other that they know the job's token. Each
 * message follows its length in 4 bytes:
 *
 * <pre>
 *   gate    CHALLENGE  magic 8 | nonce of the gate 16
 *   caller  HELLO      nonce of the caller 16 | {@link Hello} 10 | code 32
 *   gate    ANSWER     verdict 1 | code 32 | reason, UTF-8, if it is a refusal
 *           or STRANGER, the verdict alone: the code of the HELLO was wrong
 * </pre>
 *
 * <p>A code covers everything that the two have said so far, both nonces among it, so that none is
 * of use a second time.
 */
final class Handshake {
  static final int LONGEST = 1024;

  private static final long MAGIC = 0x6d70_696c_6f63_6b01L; // "mpilock" 1
  private static final int CHALLENGE_BYTES = 8 + JobToken.NONCE_BYTES;
  private static final int HELLO_BYTES = JobToken.NONCE_BYTES + Hello.BYTES + JobToken.CODE_BYTES;

  private static final byte WELCOME = 1;
  private static final byte REFUSED = 2;
  private static final byte STRANGER = 3;

  private static final byte[] FROM_CALLER = {'c'};
  private static final byte[] FROM_GATE = {'g'};

  private Handshake() {}

  /** The gate's side of one connection. */
  static final class Answering {
    private final JobToken token;
    private final byte[] gateNonce = JobToken.nonce();
    private byte[] heard = {};

    Answering(JobToken token) {
      this.token = token;
    }

    ByteBuffer challenge() {
      return ByteBuffer.allocate(CHALLENGE_BYTES).putLong(MAGIC).put(gateNonce).flip();
    }

    /** Who calls, or null if it is a stranger. */
    @Nullable Hello check(ByteBuffer message) {
      if (message.remaining() != HELLO_BYTES) {
        return null;
      }
      heard = new byte[HELLO_BYTES - JobToken.CODE_BYTES];
      byte[] code = new byte[JobToken.CODE_BYTES];
      message.get(heard).get(code);
      if (!JobToken.same(code, token.code(FROM_CALLER, gateNonce, heard))) {
        return null;
      }
      return Hello.decode(Arrays.copyOfRange(heard, JobToken.NONCE_BYTES, heard.length));
    }

    /** Lets the caller in, or tells it why not. */
    ByteBuffer answer(@Nullable String refusal) {
      byte[] verdict = {refusal == null ? WELCOME : REFUSED};
      byte[] all = (refusal == null ? "" : refusal).getBytes(StandardCharsets.UTF_8);
      byte[] reason = Arrays.copyOf(all, Math.min(all.length, LONGEST - 1 - JobToken.CODE_BYTES));
      byte[] code = token.code(FROM_GATE, gateNonce, heard, verdict, reason);
      return ByteBuffer.allocate(1 + code.length + reason.length)
          .put(verdict)
          .put(code)
          .put(reason)
          .flip();
    }

    static ByteBuffer toStranger() {
      return ByteBuffer.wrap(new byte[] {STRANGER});
    }
  }

  /** The caller's side of one connection. */
  static final class Calling {
    private final JobToken token;
    private final byte[] said;
    private byte[] gateNonce = {};

    Calling(JobToken token, Hello hello) {
      this.token = token;
      said =
          ByteBuffer.allocate(JobToken.NONCE_BYTES + Hello.BYTES)
              .put(JobToken.nonce())
              .put(hello.encode())
              .array();
    }

    /**
     * Answers a challenge.
     *
     * @throws NotAGateException if it is none
     */
    ByteBuffer hello(ByteBuffer challenge) throws NotAGateException {
      if (challenge.remaining() != CHALLENGE_BYTES || challenge.getLong() != MAGIC) {
        throw new NotAGateException("it does not use mpilock's protocol");
      }
      gateNonce = new byte[JobToken.NONCE_BYTES];
      challenge.get(gateNonce);
      return ByteBuffer.allocate(HELLO_BYTES)
          .put(said)
          .put(token.code(FROM_CALLER, gateNonce, said))
          .flip();
    }

    /**
     * Returns if the gate lets this rank in.
     *
     * @throws RefusedException if the gate knows the token and does not want this rank
     * @throws NotAGateException if it is not a gate of this job
     */
    void check(ByteBuffer answer) throws NotAGateException, RefusedException {
      if (!answer.hasRemaining()) {
        throw new NotAGateException("it does not use mpilock's protocol");
      }
      byte[] verdict = {answer.get()};
      if (verdict[0] == STRANGER) {
        throw new NotAGateException("it does not accept this rank's token");
      }
      byte[] code = new byte[JobToken.CODE_BYTES];
      if (answer.remaining() < code.length) {
        throw new NotAGateException("it does not use mpilock's protocol");
      }
      answer.get(code);
      byte[] reason = new byte[answer.remaining()];
      answer.get(reason);
      if (!JobToken.same(code, token.code(FROM_GATE, gateNonce, said, verdict, reason))) {
        throw new NotAGateException("it does not know the job's token");
      }
      if (verdict[0] != WELCOME) {
        throw new RefusedException(new String(reason, StandardCharsets.UTF_8));
      }
    }
  }
}

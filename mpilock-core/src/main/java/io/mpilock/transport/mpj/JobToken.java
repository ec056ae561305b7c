/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secret that the ranks of a job know each other by. It never travels: each side proves that it
 * knows it by a code over the other's random number.
 */
final class JobToken {
  /** A configured token is at least this long. */
  static final int SHORTEST = 16;

  static final int NONCE_BYTES = 16;
  static final int CODE_BYTES = 32;

  private static final String ALGORITHM = "HmacSHA256";
  private static final SecureRandom RANDOM = new SecureRandom();

  private final String text;

  private JobToken(String text) {
    this.text = text;
  }

  /** A new one of 128 random bits. */
  static JobToken random() {
    return new JobToken(HexFormat.of().formatHex(nonce()));
  }

  static JobToken of(String text) {
    return new JobToken(text);
  }

  static byte[] nonce() {
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    return nonce;
  }

  /** As it stands in the rendezvous file. */
  String text() {
    return text;
  }

  /** The code of a message that nobody can make without the token. */
  byte[] code(byte[]... parts) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(text.getBytes(StandardCharsets.UTF_8), ALGORITHM));
      for (byte[] part : parts) {
        mac.update(part);
      }
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + ALGORITHM, e);
    }
  }

  /** Compares in a time that does not depend on where they differ. */
  static boolean same(byte[] code, byte[] other) {
    return MessageDigest.isEqual(code, other);
  }

  /** Never the text: exceptions and logs are read by others. */
  @Override
  public String toString() {
    return "a job token";
  }
}

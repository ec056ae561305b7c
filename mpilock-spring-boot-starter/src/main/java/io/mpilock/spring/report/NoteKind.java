/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/**
 * What a note is about, in one word.
 *
 * <pre>
 *  63          8    5       4    2         0
 *  | resource  | grant | c  | outcome | use |     c: contended
 * </pre>
 *
 * <p>A grant is not the end of a request, and so no event: that comes with the release.
 */
final class NoteKind {
  private static final LockUse[] USES = LockUse.values();
  private static final LockOutcome[] OUTCOMES = LockOutcome.values();
  private static final long CONTENDED = 1 << 4;
  private static final long GRANT = 1 << 5;

  private NoteKind() {}

  /** Of an event. */
  static long of(int resource, LockUse use, LockOutcome outcome, boolean contended) {
    return (long) resource << 8 | (contended ? CONTENDED : 0) | outcome.code() << 2 | use.code();
  }

  static long grant(int resource, LockUse use, boolean contended) {
    return of(resource, use, LockOutcome.GRANTED, contended) | GRANT;
  }

  static int resource(long kind) {
    return (int) (kind >>> 8);
  }

  static LockUse use(long kind) {
    return USES[(int) kind & 3];
  }

  static LockOutcome outcome(long kind) {
    return OUTCOMES[(int) (kind >>> 2) & 3];
  }

  static boolean contended(long kind) {
    return (kind & CONTENDED) != 0;
  }

  static boolean isGrant(long kind) {
    return (kind & GRANT) != 0;
  }
}

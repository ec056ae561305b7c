package io.mpilock.spring.report;

/**
 * What an event was about, in one word.
 *
 * <pre>
 *  63          8    4         2       0
 *  | resource  | c  | outcome | use   |     c: contended
 * </pre>
 */
final class EventKind {
  private static final LockUse[] USES = LockUse.values();
  private static final LockOutcome[] OUTCOMES = LockOutcome.values();

  private EventKind() {}

  static long of(int resource, LockUse use, LockOutcome outcome, boolean contended) {
    return (long) resource << 8 | (contended ? 1 << 4 : 0) | outcome.code() << 2 | use.code();
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
    return (kind >>> 4 & 1) != 0;
  }
}

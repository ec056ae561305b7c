package io.mpilock.protocol;

/** Windows that are wrong on purpose, each in one thing that the protocol rests on. */
final class FaultyWindows {
  private FaultyWindows() {}

  /** Nobody is woken. */
  static final class LostWake extends InterleavedWindow {
    LostWake(long words) {
      super(words);
    }

    @Override
    public void wake(long index) {}
  }

  /** A reader that has counted itself is told that no writer has come. */
  static final class NoSecondLook extends InterleavedWindow {
    private final long state;

    NoSecondLook(long words, long home) {
      super(words);
      this.state = home + Layout.STATE;
    }

    @Override
    public long getAndAdd(long index, long delta) {
      long before = super.getAndAdd(index, delta);
      boolean counted = delta == LockWords.ONE_HOLD && index > state;
      InterleavedThread.counted(counted);
      return before;
    }

    @Override
    public long get(long index) {
      long value = super.get(index);
      return index == state && InterleavedThread.counted(false)
          ? LockWords.withPending(value, 0)
          : value;
    }
  }
}

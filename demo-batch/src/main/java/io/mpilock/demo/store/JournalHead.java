package io.mpilock.demo.store;

/**
 * What a journal is about.
 *
 * @param work when the first of its runs began, in milliseconds since 1970
 * @param input the name of the input file, for people
 * @param rows the number of its rows
 * @param digest of the input, and of all else that decides what the result is
 */
public record JournalHead(long work, String input, long rows, String digest) {

  /**
   * Compares the work, not when it began.
   *
   * @param other what another run wants to do
   * @return whether the results would be the same
   */
  public boolean isSameWork(JournalHead other) {
    return digest.equals(other.digest);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Words that all ranks see, without any lock: how far each rank is, its figures, and whether one
 * has found something. It must work when the locks do not, so it uses none.
 *
 * <pre>
 *   line of the job    VERDICT
 *   line of each rank  OPERATIONS | STATE | HEARD | OUTCOME | MESSAGES
 *                      | for each mode: done, gave up, refused | for each resource: writes
 * </pre>
 */
final class Ledger {

  /** What became of the soak, in the word VERDICT beside the rank that found it. */
  enum Verdict {
    NONE,
    VIOLATION,
    STALL,
    FAILURE;

    @SuppressWarnings("EnumOrdinal") // for as long as the program runs
    int index() {
      return ordinal();
    }
  }

  /** The words of a rank. */
  static final int OPERATIONS = 0;

  static final int STATE = 1;
  static final int HEARD = 2;
  static final int OUTCOME = 3;
  static final int MESSAGES = 4;

  /** The values of STATE. */
  static final int RUNNING = 1;

  static final int THROUGH = 2;

  static final int MAX_RESOURCES = 200;

  private static final int MODES = 16;
  private static final int OUTCOMES = Mode.Outcome.values().length;
  private static final int WRITES = MODES + Mode.values().length * OUTCOMES;
  private static final int RANK_WORDS = WRITES + MAX_RESOURCES;
  private static final int VERDICT = 0;
  private static final int RANKS = 16;

  private static final VarHandle WORDS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final ByteBuffer words;
  private final Path folder;
  private final int ranks;

  private Ledger(ByteBuffer words, Path folder, int ranks) {
    this.words = words;
    this.folder = folder;
    this.ranks = ranks;
  }

  /** Maps a file of zeroes, made by whoever comes first. */
  static Ledger open(Path folder, int ranks) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            folder.resolve("ledger"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      long bytes = (RANKS + (long) ranks * RANK_WORDS) * Long.BYTES;
      return new Ledger(channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes), folder, ranks);
    }
  }

  int ranks() {
    return ranks;
  }

  private long get(int word) {
    return (long) WORDS.getVolatile(words, word * Long.BYTES);
  }

  private void set(int word, long value) {
    WORDS.setVolatile(words, word * Long.BYTES, value);
  }

  private static int ofRank(int rank) {
    return RANKS + rank * RANK_WORDS;
  }

  long get(int rank, int word) {
    return get(ofRank(rank) + word);
  }

  void set(int rank, int word, long value) {
    set(ofRank(rank) + word, value);
  }

  static int ofMode(Mode mode, Mode.Outcome outcome) {
    return MODES + mode.index() * OUTCOMES + outcome.index();
  }

  static int writesOf(int resource) {
    return WRITES + resource;
  }

  /** The sum of a word over all ranks. */
  long sum(int word) {
    long sum = 0;
    for (int rank = 0; rank < ranks; rank++) {
      sum += get(rank, word);
    }
    return sum;
  }

  Verdict verdict() {
    return Verdict.values()[(int) (get(VERDICT) >>> 32)];
  }

  /** The rank that found what the verdict says. */
  int finder() {
    return (int) get(VERDICT);
  }

  /**
   * Ends the soak for all ranks.
   *
   * @return false if somebody has found something before
   */
  boolean condemn(Verdict verdict, int rank, String report) {
    long word = (long) verdict.index() << 32 | rank;
    if (!WORDS.compareAndSet(words, VERDICT * Long.BYTES, 0L, word)) {
      return false;
    }
    write("verdict", report);
    return true;
  }

  /** Leaves a text for the script, which prints it when the job has ended. */
  void write(String name, String text) {
    try {
      Files.writeString(folder.resolve("report-" + name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether somebody asked for an early end. */
  boolean isToStop() {
    return Files.exists(folder.resolve("stop"));
  }
}

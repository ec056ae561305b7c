package io.mpilock.protocol;

/**
 * Where the words stand in a node's window. Constants and index arithmetic only; an index counts
 * 64-bit words, a line is 128 bytes (two cache lines, since adjacent ones are fetched together).
 *
 * <pre>
 *   0  header line      MAGIC, READY, DIRECTORY_LOCK, DIRECTORY_END
 *      decision line    DECISION of even calls, of odd calls
 *      bell line        epoch and sleepers of the collective calls
 *      stream line      PRODUCED
 *      rank slots       one of SLOT_WORDS for each rank of the node: life, settings, two call slots,
 *                       progress
 *      ring             RING_CHUNKS chunks of one line and CHUNK_BYTES each: sharing
 *      directory        entries, back to back, up to DIRECTORY_END; each is
 *                         name line(s)   length in bytes, the name in UTF-8
 *                         home line      STATE, TOKEN, reader bell, POISONED_BY, MENDER
 *                         rank lines     two for each rank of the node: READS, REQUEST, writer bell;
 *                                        and who reads, writes and waits, for diagnosis
 * </pre>
 */
final class Layout {
  private Layout() {}

  static final int LINE = 16;

  /** "mpilock" and the version of this layout. */
  static final long MAGIC_VALUE = 0x6d70696c6f636b01L;

  static final long MAGIC = 0;

  /** How many ranks have filled their slot. */
  static final long READY = 1;

  /** Node rank + 1 of who appends to the directory, or 0. */
  static final long DIRECTORY_LOCK = 2;

  /** The first word behind the last entry. Written last: what stands before it is whole. */
  static final long DIRECTORY_END = 3;

  private static final long DECISIONS = LINE;

  /** Epoch, and behind it the sleepers. */
  static final long COLLECTIVE_BELL = 2 * LINE;

  static final long PRODUCED = 3 * LINE;

  private static final long SLOTS = 4 * LINE;
  private static final int SLOT_WORDS = 4 * LINE;

  // Words of a rank slot.
  static final int LIFE = 0;
  static final int SETTINGS = 1;
  static final int CALL_SLOTS = LINE;
  static final int CALL_SLOT_WORDS = LINE / 2;
  static final int PROGRESS = 3 * LINE;

  // Words of a call slot.
  static final int CALL = 0;
  static final int KIND = 1;
  static final int WRITER = 2;
  static final int RESOURCE = 3;
  static final int REFUSAL = 4;

  static final int RING_CHUNKS = 4;
  static final int CHUNK_BYTES = 128 * 1024;
  static final int CHUNK_WORDS = LINE + CHUNK_BYTES / Long.BYTES;

  // Words of a home line.
  static final int STATE = 0;
  static final int TOKEN = 1;
  static final int READER_BELL = 2;
  static final int POISONED_BY = 4;

  /** Node rank + 1 of who mends what dead ranks left, or 0. */
  static final int MENDER = 5;

  // Words of a rank's first line: the lock.
  static final int READS = 0;
  static final int REQUEST = 1;
  static final int WRITER_BELL = 2;
  static final int WAITING_READERS = 4;

  /** 1 while the rank owns the write and waits for readers: it has not begun to write. */
  static final int DRAINS = 5;

  // Words of a rank's second line: diagnosis. Each thread's id is followed by its name.
  static final int READER = LINE;
  static final int WRITER_THREAD = LINE + 4;
  static final int WAITER = LINE + 8;
  static final int NAME_WORDS = 3;

  /** When the write was granted, in milliseconds of the epoch, or 0 if it was granted at once. */
  static final int WRITER_SINCE = LINE + 12;

  /** When the rank's request was made, in milliseconds of the epoch. */
  static final int WAITER_SINCE = LINE + 13;

  static final int RANK_WORDS = 2 * LINE;

  static long decision(long call) {
    return DECISIONS + (call & 1);
  }

  static long slot(int rank) {
    return SLOTS + (long) rank * SLOT_WORDS;
  }

  static long callSlot(int rank, long call) {
    return slot(rank) + CALL_SLOTS + (call & 1) * CALL_SLOT_WORDS;
  }

  static long ring(int ranks) {
    return slot(ranks);
  }

  static long chunk(int ranks, long number) {
    return ring(ranks) + number % RING_CHUNKS * CHUNK_WORDS;
  }

  static long directory(int ranks) {
    return ring(ranks) + (long) RING_CHUNKS * CHUNK_WORDS;
  }

  static long nameLines(int nameBytes) {
    return roundUp(1 + (nameBytes + Long.BYTES - 1) / Long.BYTES);
  }

  static long entryWords(int nameBytes, int ranks) {
    return nameLines(nameBytes) + LINE + (long) ranks * RANK_WORDS;
  }

  private static long roundUp(long words) {
    return (words + LINE - 1) / LINE * LINE;
  }
}

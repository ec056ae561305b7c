/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.internal.job.NodeReport;

/**
 * Where the words stand in a node's window. Constants and index arithmetic only; an index counts
 * 64-bit words, a line is 128 bytes (two cache lines, since adjacent ones are fetched together).
 *
 * <pre>
 *   0  header line      READY, and what the directory of resources is about
 *      decision line    DECISION of even calls, of odd calls
 *      bell line        epoch and sleepers of the collective calls
 *      stream line      PRODUCED, ENDED, END_KIND
 *      agent line       what ranks tell the node's agent, and it tells them
 *      proposal line    PROPOSAL of even calls, of odd calls
 *      rank slots       one of SLOT_WORDS for each member of the node: life, settings, two call slots,
 *                       progress
 *      ring             RING_CHUNKS chunks of one line and CHUNK_BYTES each: sharing
 *      texts            TEXTS of one line and TEXT_BYTES each: what ranks of other nodes called
 *      answer           one line and NodeReport.MAX_BYTES: who holds what on some node
 *      lost             a bit for each rank of the job
 *      waits            records of threads that wait
 *      changes          CHANGES words: which entries of the directory were made or freed last
 *      directory        entries, back to back, up to DIRECTORY_END, in use or free; each is
 *                         name line(s)   how many these are, length in bytes, the name in UTF-8
 *                         lock line      STATE, TOKEN, reader bell, POISONED_BY, RECOVERER; what the
 *                                        agent is to see; and the VALUE of a counter
 *                         rank lines     two for each member of the node: READS, REQUEST, writer
 *                                        bell, USES; and who reads, writes and waits, for diagnosis
 * </pre>
 *
 * The members of a node are its ranks, in order, and behind them its agent, if the job has several
 * nodes.
 */
public final class Layout {
  private Layout() {}

  public static final int LINE = 16;

  // Word 0 is never the index of anything, so that 0 can say "none".

  /** How many ranks have filled their slot. */
  public static final long READY = 1;

  /** Node rank + 1 of who changes the directory, or 0. */
  public static final long DIRECTORY_LOCK = 2;

  /** The first word behind the last entry. Written last: what stands before it is whole. */
  public static final long DIRECTORY_END = 3;

  /** Epoch, and behind it the sleepers: who waits for DIRECTORY_LOCK. */
  public static final long DIRECTORY_BELL = 4;

  /** How often an entry of the directory was made or freed. Written last. */
  public static final long DIRECTORY_CHANGES = 6;

  /** How often an entry was freed. */
  public static final long RECLAIMED = 7;

  /** The TOKEN that a new entry begins with: above that of any that was freed. */
  public static final long FIRST_TOKEN = 8;

  /** 1 if the agent is to look for entries to free. */
  public static final long SWEEP = 9;

  /** How often a rank found no room for a name: others are to see what they need no more. */
  public static final long NO_ROOM = 10;

  /**
   * Who does not come to the opening of the controller: job rank + 1, and above 32 bits the member
   * + 1 that says so; or 0. It says why in its {@link #CUT_SHORT_TEXT}.
   */
  public static final long CUT_SHORT = 11;

  private static final long DECISIONS = LINE;

  /** Epoch, and behind it the sleepers. */
  public static final long COLLECTIVE_BELL = 2 * LINE;

  public static final long PRODUCED = 3 * LINE;

  /** Where the stream ends: the call, and how many chunks it has; and how it ends. */
  public static final long ENDED = PRODUCED + 1;

  public static final long END_KIND = PRODUCED + 2;

  // The agent line.

  /** The lock line of the first resource that the agent is to look at, or 0. */
  public static final long INBOX = 4 * LINE;

  /** Epoch, and behind it the sleepers: the agent. */
  public static final long AGENT_BELL = INBOX + 1;

  /** Job rank + 1 of who the controller cannot go on without, or 0. */
  public static final long BROKEN = INBOX + 3;

  /** 0 until all nodes are there; then 1, or 2 if their settings differ. */
  public static final long JOB_READY = INBOX + 4;

  /** How many messages about locks the agent has sent. */
  public static final long MESSAGES = INBOX + 5;

  /** 1 when all ranks of the job were seen in some close. */
  public static final long JOB_THROUGH = INBOX + 6;

  /** A collective call that a rank of another node closes in: call, rank. */
  public static final long CLOSING_CALL = INBOX + 7;

  /** Node rank + 1 of who asks the agent to ask all nodes about a resource, or 0. */
  public static final long QUERY_LOCK = INBOX + 8;

  /** The lock line of that resource, or {@link #ALL_RESOURCES}; 0 when there is no more to come. */
  public static final long QUERY = INBOX + 9;

  /** The node whose report stands in the answer + 1; or 0, when the next may be put there. */
  public static final long ANSWER_FROM = INBOX + 10;

  /**
   * The last collective call that the agent has begun to report: all ranks of the node are there.
   */
  public static final long REPORTED_CALL = INBOX + 11;

  /** Grows as long as the agent's thread runs, several times in a heartbeat's time-out. */
  public static final long AGENT_BEAT = INBOX + 12;

  /** The number of what the agent has told the other nodes last about waits. */
  public static final long WAITS_TOLD = INBOX + 13;

  /** Is the index of no lock line. */
  public static final long ALL_RESOURCES = READY;

  /** How many of the last changes of the directory are known. */
  public static final int CHANGES = 64 * LINE;

  private static final long PROPOSALS = 5 * LINE;

  private static final long SLOTS = 6 * LINE;
  private static final int SLOT_WORDS = 4 * LINE;

  // Words of a rank slot.
  public static final int LIFE = 0;
  public static final int SETTINGS = 1;
  static final int CALL_SLOTS = LINE;
  static final int CALL_SLOT_WORDS = LINE / 2;

  /** Epoch, and behind it the sleepers: the rank's {@link BellWatcher}. */
  static final int DOORBELL = 2 * LINE;

  public static final int PROGRESS = 3 * LINE;

  /** How many bytes, and these: what cut this rank's opening short. On the line of PROGRESS. */
  static final int CUT_SHORT_TEXT = PROGRESS + 1;

  static final int CUT_SHORT_BYTES = (LINE - 2) * Long.BYTES;

  // Words of a call slot.
  public static final int CALL = 0;
  public static final int KIND = 1;
  public static final int WRITER = 2;
  public static final int RESOURCE = 3;
  public static final int REFUSAL = 4;

  public static final int RING_CHUNKS = 4;
  public static final int CHUNK_BYTES = 128 * 1024;
  public static final int CHUNK_WORDS = LINE + CHUNK_BYTES / Long.BYTES;

  private static final int TEXTS = 2;
  static final int TEXT_BYTES = 4096;
  private static final int TEXT_WORDS = LINE + TEXT_BYTES / Long.BYTES;

  private static final int ANSWER_WORDS = LINE + NodeReport.MAX_BYTES / Long.BYTES;

  // Words of a lock line.
  public static final int STATE = 0;
  public static final int TOKEN = 1;
  public static final int READER_BELL = 2;
  public static final int READER_SLEEPERS = READER_BELL + 1;
  public static final int POISONED_BY = 4;

  /** Node rank + 1 of who recovers what dead ranks left, or 0. */
  public static final int RECOVERER = 5;

  /** Node rank + 1 of who put the resource into the agent's inbox, or is about to, or 0. */
  public static final int ATTENTION = 6;

  /** The lock line of the next resource in the inbox, or 0. */
  public static final int NEXT = 7;

  /** How many tries there were that other nodes had to be asked about: each takes a number. */
  public static final int TRIES = 8;

  /** The agent has refused the tries up to this number. */
  public static final int REFUSED = 9;

  /** How many of the tries have ended. */
  public static final int ENDED_TRIES = 12;

  /** The rank + 1 because of which it is poisoned, if the agent is to have it given free; or 0. */
  public static final int CLEAR = 13;

  /** What a counter stands at; travels between nodes with the permission. 0 of all else. */
  public static final int VALUE = 14;

  /** A token that a waiter saw, and since when in milliseconds of the epoch: diagnosis. */
  public static final int SEEN_TOKEN = 10;

  public static final int SEEN_SINCE = 11;

  // Words of a rank's first line: the lock.
  public static final int READS = 0;
  public static final int REQUEST = 1;
  public static final int WRITER_BELL = 2;
  public static final int WAITING_READERS = 4;

  /** 1 while the rank owns the write and waits for readers: it has not begun to write. */
  public static final int DRAINS = 5;

  /** A thread of the rank that has ended while it held the resource, or 0. Diagnosis. */
  public static final int ENDED_THREAD = 6;

  /**
   * How many {@code RankLock}s of this name the rank has. It goes from 0 to 1 under DIRECTORY_LOCK
   * only, and while it is 0 no thread of the rank touches the entry.
   */
  public static final int USES = 7;

  /** A thread that has waited to read for a while, or 0; and since when. Diagnosis, as below. */
  public static final int WAITING_READER = 8;

  public static final int WAITING_READER_SINCE = 12;

  /** The start of the name of the transaction that the rank's write is kept for. */
  public static final int KEPT_FOR = 13;

  // Words of a rank's second line: diagnosis. Each thread's id is followed by its name.
  public static final int READER = LINE;
  public static final int WRITER_THREAD = LINE + 4;
  public static final int WAITER = LINE + 8;
  static final int NAME_WORDS = 3;

  /**
   * When the write was granted, in milliseconds of the epoch, or 0 if it was granted at once; while
   * the rank waits for readers to leave, since when it does.
   */
  public static final int WRITER_SINCE = LINE + 12;

  /** When the rank's first waiting thread asked, in milliseconds of the epoch. */
  public static final int WAITER_SINCE = LINE + 13;

  /** How many threads wait behind that one. */
  public static final int WAITING_WRITERS = LINE + 14;

  /** When the body of the rank's write ended that is kept, in milliseconds of the epoch, or 0. */
  public static final int KEPT_SINCE = LINE + 15;

  public static final int RANK_WORDS = 2 * LINE;

  /** How many threads of a rank are shown that wait; no more than a long has bits. */
  public static final int WAITS = 64;

  /** How many threads of other nodes are shown. */
  public static final int OTHERS_WAITS = 512;

  // Words of such a thread's record. Its id is followed by its name.

  /** 0 if there is none, less while it is written, and another one each time. */
  static final int WAIT_VERSION = 0;

  static final int WAIT_THREAD = 1;
  static final int WAIT_WANTS = 5;

  /** 1 to write, 2 if it ends by itself; above that 1 + the batch that a reader waits in, or 0. */
  static final int WAIT_KIND = 6;

  static final int WAIT_SINCE = 7;

  /** The rank + 1, and what its node had heard of this one: in the records of other nodes. */
  static final int WAIT_RANK = 8;

  static final int WAIT_HEARD = 9;
  static final int WAIT_NUMBER = 10;

  /** How many resources it holds; they follow. */
  static final int WAIT_HELD = 11;

  private static final int WAIT_WORDS = 2 * LINE;

  /** How many resources of a thread are shown. */
  public static final int WAIT_HOLDS = WAIT_WORDS - WAIT_HELD - 1;

  public static long decision(long call) {
    return DECISIONS + (call & 1);
  }

  public static long proposal(long call) {
    return PROPOSALS + (call & 1);
  }

  public static long slot(int rank) {
    return SLOTS + (long) rank * SLOT_WORDS;
  }

  public static long callSlot(int rank, long call) {
    return slot(rank) + CALL_SLOTS + (call & 1) * CALL_SLOT_WORDS;
  }

  private static long ring(int members) {
    return slot(members);
  }

  public static long chunk(int members, long number) {
    return ring(members) + number % RING_CHUNKS * CHUNK_WORDS;
  }

  /** The text that belongs to a decision. */
  public static long report(int members, long call) {
    return text(members, (int) (call & 1));
  }

  /** A node's report that answers a query: its length, and on the next line its bytes. */
  public static long answer(int members) {
    return text(members, TEXTS);
  }

  private static long text(int members, int number) {
    return ring(members) + (long) RING_CHUNKS * CHUNK_WORDS + (long) number * TEXT_WORDS;
  }

  public static long lost(int members) {
    return answer(members) + ANSWER_WORDS;
  }

  /** The record of a thread that waits; those of other nodes are the agent's. */
  public static long wait(int member, int members, int jobSize, int slot) {
    return waits(members, jobSize) + ((long) member * WAITS + slot) * WAIT_WORDS;
  }

  public static long waits(int members, int jobSize) {
    return lost(members) + roundUp((jobSize + Long.SIZE - 1) / Long.SIZE);
  }

  /** Where it stands which entry was the one that a change was about. */
  public static long change(int members, int jobSize, long number) {
    return wait(members - 1, members, jobSize, OTHERS_WAITS) + number % CHANGES;
  }

  public static long directory(int members, int jobSize) {
    return change(members, jobSize, 0) + CHANGES;
  }

  /** How many words the lines take that a name stands in. */
  public static long nameLines(int nameBytes) {
    return roundUp(1 + (nameBytes + Long.BYTES - 1) / Long.BYTES);
  }

  public static long entryWords(int nameBytes, int members) {
    return entrySize(nameLines(nameBytes), members);
  }

  public static long entrySize(long nameLines, int members) {
    return nameLines + LINE + (long) members * RANK_WORDS;
  }

  private static long roundUp(long words) {
    return (words + LINE - 1) / LINE * LINE;
  }
}

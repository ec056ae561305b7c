/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.nio.charset.StandardCharsets;

/**
 * The entries of a node's directory, by their first word. An entry is made and freed under
 * DIRECTORY_LOCK, by one word that is written last or first, so a rank that dies meanwhile leaves
 * nothing that is half done. Its size never changes.
 */
public final class DirectoryEntries {
  static final int MAX_NAME = 255;

  /** A character takes at most 3 bytes in UTF-8, and a pair of surrogates 4. */
  private static final int MAX_NAME_BYTES = 3 * MAX_NAME + 1; // a counter's has one before that

  static final int MAX_NAME_LINES = (int) Layout.nameLines(MAX_NAME_BYTES) / Layout.LINE;

  private final RankContext node;
  private final NodeWindow window;
  private final int members;

  DirectoryEntries(RankContext node) {
    this.node = node;
    this.window = node.window();
    this.members = node.members();
  }

  long first() {
    return Layout.directory(members, node.jobSize());
  }

  /** The word behind the last entry. */
  long end() {
    long end = window.get(Layout.DIRECTORY_END);
    if (end < first() || end > window.words()) {
      throw damaged("ends at word " + end);
    }
    return end;
  }

  /** How many words the lines of an entry's name take. */
  long nameLines(long entry) {
    if (entry < first() || entry >= window.words() || entry % Layout.LINE != 0) {
      throw damaged("says that there is an entry at word " + entry);
    }
    long word = window.get(entry);
    long lines = word >>> Integer.SIZE;
    int bytes = (int) word;
    if (lines < Layout.LINE
        || lines > (long) MAX_NAME_LINES * Layout.LINE
        || lines % Layout.LINE != 0
        || bytes < 0
        || bytes > MAX_NAME_BYTES
        || Layout.nameLines(bytes) > lines
        || Layout.entrySize(lines, members) > window.words() - entry) {
      throw damaged("has an entry that says that it has " + bytes + " bytes in " + lines);
    }
    return lines;
  }

  private RuntimeException damaged(String what) {
    return node.damaged("the directory of resources " + what);
  }

  long size(long nameLines) {
    return Layout.entrySize(nameLines, members);
  }

  /** The name of an entry, or "" if it is free. */
  String name(long entry) {
    long lines = nameLines(entry);
    byte[] name = new byte[Math.clamp(window.get(entry) & 0xFFFF_FFFFL, 0, MAX_NAME_BYTES)];
    return Layout.nameLines(name.length) > lines
        ? ""
        : new String(bytes(entry, name), StandardCharsets.UTF_8);
  }

  private byte[] bytes(long entry, byte[] name) {
    window.getBytes(entry + 1, name, 0, name.length);
    return name;
  }

  /**
   * Makes an entry whose place nobody uses. What an earlier one of the same place has in the
   * agent's inbox stays: a rank that is gone may put it there late, and the list goes through it.
   */
  void make(long entry, long nameLines, byte[] name, boolean isNew) {
    long lockLine = entry + nameLines;
    for (long i = entry + 1; i < entry + size(nameLines); i++) {
      boolean stays = i == lockLine + Layout.ATTENTION || i == lockLine + Layout.NEXT;
      if (i != lockLine + Layout.TOKEN && (isNew || !stays)) {
        window.setRelease(i, 0);
      }
    }
    if (node.agent() >= 0) {
      window.setRelease(lockLine + Layout.STATE, closed());
      window.setRelease(lockLine + Layout.TOKEN, LockWords.STALE);
    } else {
      window.setRelease(lockLine + Layout.TOKEN, window.get(Layout.FIRST_TOKEN));
    }
    window.putBytes(entry + 1, name, 0, name.length);
    window.set(entry, nameLines << Integer.SIZE | name.length);
  }

  /** The STATE of a resource that the node has no permission for. */
  private long closed() {
    return LockWords.ONE_PENDING + node.agent() + 1;
  }

  /** Frees an entry that nobody uses. Later ones begin with a higher token than it has had. */
  void free(long entry, long nameLines) {
    long token = window.get(entry + nameLines + Layout.TOKEN) & ~LockWords.STALE;
    window.set(Layout.FIRST_TOKEN, Math.max(window.get(Layout.FIRST_TOKEN), token + 1));
    window.set(entry, nameLines << Integer.SIZE);
    window.set(Layout.RECLAIMED, window.get(Layout.RECLAIMED) + 1);
  }

  private long line(long lockLine, int member) {
    return lockLine + Layout.LINE + (long) member * Layout.RANK_WORDS;
  }

  /** Counts the {@link RankLock}s that this rank has of a resource. */
  void use(long lockLine, int more) {
    window.getAndAdd(line(lockLine, node.me()) + Layout.USES, more);
  }

  /**
   * Whether no rank has a {@link RankLock} of a resource, and none has left anything there: then
   * nobody touches its words, before a rank takes it up again under DIRECTORY_LOCK, but the agent.
   * A counter that stands at anything but 0 is in use.
   *
   * @param gone the ranks that will never touch anything
   */
  boolean isUnused(long lockLine, boolean[] gone) {
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (window.get(line(lockLine, rank) + Layout.USES) != 0 && !gone[rank]) {
        return false;
      }
    }
    long state = window.get(lockLine + Layout.STATE);
    boolean nobodyWrites =
        node.agent() >= 0
            ? LockWords.owner(state) == 0 || LockWords.owner(state) == node.agent() + 1
            : LockWords.isFree(state);
    return nobodyWrites
        && isMended(lockLine, gone)
        && window.get(lockLine + Layout.ATTENTION) == 0
        && window.get(lockLine + Layout.CLEAR) == 0
        && window.get(lockLine + Layout.VALUE) == 0
        && window.get(lockLine + Layout.TRIES) == window.get(lockLine + Layout.ENDED_TRIES)
        && isLeftByRanks(lockLine);
  }

  /**
   * Whoever recovers and dies over it has others go on, unless there is nothing left to recover.
   */
  private boolean isMended(long lockLine, boolean[] gone) {
    long recoverer = window.get(lockLine + Layout.RECOVERER);
    return recoverer == 0
        || (recoverer > 0 && recoverer <= gone.length && gone[(int) recoverer - 1]);
  }

  private boolean isLeftByRanks(long lockLine) {
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (isIn(lockLine, rank)) {
        return false;
      }
    }
    return true;
  }

  private boolean isIn(long lockLine, int rank) {
    long line = line(lockLine, rank);
    long reads = window.get(line + Layout.READS);
    return LockWords.holds(reads) != 0
        || LockWords.waiting(reads) != 0
        || LockWords.phase(window.get(line + Layout.REQUEST)) != LockWords.NONE
        || window.get(line + Layout.WAITING_READERS) != 0;
  }

  /** Whether this rank's words say that a thread of it holds, owns or asks. */
  boolean isUsedHere(long lockLine) {
    return isIn(lockLine, node.me())
        || LockWords.owner(window.get(lockLine + Layout.STATE)) == node.me() + 1;
  }

  /** Whether the node has no permission for a resource: what the agent needs to free it. */
  boolean isClosed(long lockLine) {
    return (int) window.get(lockLine + Layout.STATE) == (int) closed();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.Values;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Gives each resource name its entry in the window, for as long as anybody needs it.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>Entries are made and freed under DIRECTORY_LOCK only. What was made or freed is told by the
 *       changes, of which the last {@link Layout#CHANGES} are known; who has missed more looks at
 *       the whole directory.
 *   <li>A rank says under DIRECTORY_LOCK that it uses an entry, before it touches its words, and no
 *       more when its last {@link RankLock} of that name cannot be reached any more (USES). So an
 *       entry that nobody uses and whose words say that nobody is in it can be freed under
 *       DIRECTORY_LOCK, and no request needs to look whether its entry is still there.
 *   <li>In a job of several nodes the agent frees, when the node has given its permission back.
 * </ol>
 *
 * <p>What is read without DIRECTORY_LOCK is for messages; but for the agent, which has freed itself
 * what was freed.
 */
public final class Directory {
  static final int MAX_NAME = DirectoryEntries.MAX_NAME;

  /** With fewer names than this nobody looks for those that are not needed. */
  static final int FEW = 1024;

  /** All ranks together keep what they need no more of no more than this part of the window. */
  private static final int PART = 4;

  private final RankContext node;
  private final NodeWindow window;
  private final DirectoryEntries entries;
  private final DirectoryLock lock;
  private final Map<String, Long> lockLines = new HashMap<>();
  private final Map<Long, Named> names = new HashMap<>();

  /** An entry in use. */
  private record Named(String name, long entry) {}

  /** The free entries, by the lines of their names; from the first on, so that few are touched. */
  private final List<TreeSet<Long>> free =
      IntStream.rangeClosed(0, DirectoryEntries.MAX_NAME_LINES)
          .mapToObj(lines -> new TreeSet<Long>())
          .toList();

  private long end;
  private long seen;

  /** With as many names as this it is looked for those that are not needed. */
  private int enough;

  private final int few;

  public Directory(RankContext node) {
    this.node = node;
    this.window = node.window();
    this.entries = new DirectoryEntries(node);
    this.lock = new DirectoryLock(node);
    this.end = entries.first();
    long room = (window.words() - end) / Layout.entryWords(Long.BYTES, node.members());
    this.few = Math.clamp(room / PART / node.ranks(), 1, FEW);
    this.enough = few;
  }

  /** With as many names as this nobody need look for those that are not needed. */
  int few() {
    return few;
  }

  /**
   * Gives the index of the lock line of a resource, which is new if no rank has named it before,
   * and counts that this rank uses it once more. To be followed by {@link #leave}.
   *
   * @return less than 0 if there is no room; then it may be tried again
   */
  public long use(String name) {
    checkEntry(name);
    lock.lock(name);
    try {
      return alone(() -> useAlone(name));
    } finally {
      lock.unlock();
    }
  }

  /** Guards the maps, which all threads of this rank share. */
  private <T extends @Nullable Object> T alone(Supplier<T> piece) {
    return node.threads().alone(this, piece);
  }

  private long useAlone(String name) {
    readNew(); // another rank may have named it meanwhile
    Long known = lockLines.get(name);
    long lockLine = known != null ? known : make(name);
    if (lockLine >= 0) {
      entries.use(lockLine, 1);
    }
    return lockLine;
  }

  /** Ends a {@link #use}: whoever had that lock cannot reach it any more. */
  public void leave(long lockLine) {
    entries.use(lockLine, -1);
  }

  /** Whether a thread of this rank holds or asks for a resource that the rank uses. */
  boolean isUsedHere(long lockLine) {
    return entries.isUsedHere(lockLine);
  }

  /** Gives the index of the lock line of a resource that a rank of this node has named, or null. */
  public @Nullable Long known(String name) {
    return this.<@Nullable Long>alone(() -> {
      readNew();
      return lockLines.get(name);
    });
  }

  /**
   * Refuses what is the name of no entry: neither a user's resource nor a counter's.
   *
   * @throws IllegalArgumentException with the reason
   */
  public static void checkEntry(String name) {
    check(CallNames.given(name));
  }

  /**
   * Refuses what users may not name a resource.
   *
   * @throws IllegalArgumentException with the reason
   */
  public static void check(String name) {
    if (name.isBlank()) {
      throw invalid(name, "is blank");
    }
    if (name.length() > MAX_NAME) {
      throw invalid(
          name, "has %d characters, and the longest has %d".formatted(name.length(), MAX_NAME));
    }
    for (int i = 0; i < name.length(); i++) {
      if (Character.isISOControl(name.charAt(i))) {
        throw invalid(
            name,
            "has the control character U+%04X at index %d".formatted((int) name.charAt(i), i));
      }
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
      throw invalid(name, "has an unpaired surrogate, so it is not valid Unicode");
    }
  }

  private static IllegalArgumentException invalid(String name, String why) {
    return new IllegalArgumentException(
        ("A resource name has 1 to %d characters, is not blank and has no control"
                + " characters, but '%s' %s.")
            .formatted(MAX_NAME, Values.shown(name), why));
  }

  /** Gives the lock lines of all resources that have an entry. */
  public List<Long> lockLines() {
    return alone(() -> {
      readNew();
      return List.copyOf(lockLines.values());
    });
  }

  /** Gives the quoted name of the resource whose lock line stands at an index. */
  public String nameAt(long lockLine) {
    String name = name(lockLine);
    return name == null ? "an unknown resource" : CallNames.quoted(name);
  }

  /** Gives the name of the resource whose lock line stands at an index, or null. */
  public @Nullable String name(long lockLine) {
    return this.<@Nullable String>alone(() -> {
      readNew();
      Named named = names.get(lockLine);
      return named == null ? null : named.name();
    });
  }

  /** How much of the window the names need. */
  public DirectoryUse namesUse() {
    return alone(this::namesUseAlone);
  }

  private DirectoryUse namesUseAlone() {
    readNew();
    long free = 0;
    for (int lines = 1; lines < this.free.size(); lines++) {
      free += this.free.get(lines).size() * entries.size((long) lines * Layout.LINE);
    }
    for (long lockLine : unused()) {
      Named named = names.get(lockLine);
      free += named == null ? 0 : entries.size(lockLine - named.entry());
    }
    long room = window.words() - entries.first();
    long used = end - entries.first() - free;
    return new DirectoryUse(lockLines.size(), window.get(Layout.RECLAIMED), used, room);
  }

  // What has changed.

  private void readNew() {
    long changes = window.get(Layout.DIRECTORY_CHANGES);
    if (changes == seen) {
      return;
    }
    if (changes > seen && changes - seen < Layout.CHANGES) {
      for (long number = seen; number < changes; number++) {
        read(window.get(change(number)));
      }
      // Who makes the next change may be at the first of these already.
      if (window.get(Layout.DIRECTORY_CHANGES) - seen < Layout.CHANGES) {
        seen = changes;
        return;
      }
    }
    readAll(); // first: one that is cut short is to be done again
    seen = changes;
  }

  private long change(long number) {
    return Layout.change(node.members(), node.jobSize(), number);
  }

  private void readAll() {
    lockLines.clear();
    names.clear();
    free.forEach(TreeSet::clear);
    long to = entries.end();
    for (long entry = entries.first(); entry < to; ) {
      entry += read(entry);
    }
  }

  /** Notes what an entry is now; gives its size. */
  private long read(long entry) {
    long nameLines = entries.nameLines(entry);
    long lockLine = entry + nameLines;
    String name = entries.name(entry);
    Named before =
        name.isEmpty() ? names.remove(lockLine) : names.put(lockLine, new Named(name, entry));
    if (before != null && !before.name().equals(name)) {
      lockLines.remove(before.name(), lockLine);
    }
    TreeSet<Long> freeOnes = free.get((int) nameLines / Layout.LINE);
    if (name.isEmpty()) {
      freeOnes.add(entry);
    } else {
      lockLines.put(name, lockLine);
      freeOnes.remove(entry);
    }
    end = Math.max(end, entry + entries.size(nameLines));
    return entries.size(nameLines);
  }

  private void tell(long entry) {
    long changes = window.get(Layout.DIRECTORY_CHANGES);
    window.set(change(changes), entry);
    window.set(Layout.DIRECTORY_CHANGES, changes + 1);
    readNew();
  }

  // Under DIRECTORY_LOCK.

  private long make(String name) {
    end = entries.end();
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    int lines = (int) Layout.nameLines(bytes.length) / Layout.LINE;
    enough = Math.min(enough, Math.max(few, 2 * lockLines.size()));
    if (free.get(lines).isEmpty() && lockLines.size() >= enough) {
      sweep();
    }
    long entry = freeOrNew(lines);
    if (entry < 0) {
      sweep();
      entry = freeOrNew(lines);
    }
    for (int more = lines + 1; entry < 0 && more < free.size(); more++) {
      entry = first(more);
    }
    if (entry < 0) {
      return -1;
    }
    boolean isNew = entry == end;
    long nameLines = isNew ? (long) lines * Layout.LINE : entries.nameLines(entry);
    lock.checkHeld();
    entries.make(entry, nameLines, bytes, isNew);
    if (isNew) {
      window.set(Layout.DIRECTORY_END, entry + entries.size(nameLines));
    }
    tell(entry);
    return entry + nameLines;
  }

  private long freeOrNew(int lines) {
    long entry = first(lines);
    boolean fits = end + entries.size((long) lines * Layout.LINE) <= window.words();
    return entry < 0 && fits ? end : entry;
  }

  private long first(int lines) {
    TreeSet<Long> ones = free.get(lines);
    return ones.isEmpty() ? -1 : ones.first();
  }

  /** Frees the entries that nobody needs, or has the agent do so. */
  private void sweep() {
    if (node.agent() >= 0) {
      window.set(Layout.SWEEP, 1);
      node.ringAgent();
    } else {
      unused().forEach(this::free);
    }
    enough = Math.max(few, 2 * lockLines.size());
  }

  /**
   * The lock lines of the resources that no rank uses, or has left anything of. Looks for no dead
   * ranks: of those listeners are told, who may name a resource themselves.
   */
  private List<Long> unused() {
    boolean[] gone = new boolean[node.ranks()];
    for (int rank = 0; rank < gone.length; rank++) {
      gone[rank] = node.life(rank) >= RankContext.LEFT;
    }
    return lockLines.values().stream()
        .filter(lockLine -> entries.isUnused(lockLine, gone))
        .toList();
  }

  private void free(long lockLine) {
    Named named = names.get(lockLine);
    if (named != null) {
      lock.checkHeld();
      entries.free(named.entry(), lockLine - named.entry());
      tell(named.entry());
    }
  }

  // The agent's.

  /** What the agent does with a resource that no rank uses. */
  public interface Retirement {
    /**
     * Gives the node's permission back, or begins to.
     *
     * @return whether the node has none any more, and nothing that was sent before is to come
     */
    boolean isRetired(long lockLine);

    /** Its entry is free: the index may be that of another resource from now on. */
    void freed(long lockLine);
  }

  /**
   * Frees what no rank uses and what is retired, for the agent.
   *
   * @return false if somebody else changes the directory: it is to be tried again
   */
  public boolean tryFree(Retirement retirement) {
    if (!lock.tryLock()) {
      return false;
    }
    try {
      return alone(() -> freeRetired(retirement));
    } finally {
      lock.unlock();
    }
  }

  private boolean freeRetired(Retirement retirement) {
    readNew();
    for (long lockLine : unused()) {
      if (retirement.isRetired(lockLine) && entries.isClosed(lockLine)) {
        free(lockLine);
        retirement.freed(lockLine);
      }
    }
    return true;
  }
}

package io.mpilock.protocol;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.Values;
import io.mpilock.transport.NodeWindow;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Gives each resource name its lines in the window. Entries are only ever appended, under
 * DIRECTORY_LOCK, and DIRECTORY_END is moved last, so what stands before it is whole and never
 * changes; a rank that dies while it appends leaves nothing behind but the lock, which the next one
 * takes over.
 */
final class Directory {
  static final int MAX_NAME = 255;

  /** A character takes at most 3 bytes in UTF-8, and a pair of surrogates 4. */
  private static final int MAX_NAME_BYTES = 3 * MAX_NAME;

  private final Node node;
  private final NodeWindow window;
  private final Bell bell;
  private final Map<String, Long> homes = new HashMap<>();
  private final Map<Long, String> names = new HashMap<>();
  private long read;

  Directory(Node node) {
    this.node = node;
    this.window = node.window();
    this.bell = new Bell(window, Layout.DIRECTORY_BELL);
    this.read = Layout.directory(node.members(), node.jobSize());
  }

  /**
   * Gives the index of the home line of a resource, which is new if no rank has named it before.
   */
  long home(String name) {
    check(name);
    Long known = known(name);
    return known != null ? known : append(name);
  }

  /** Gives the index of the home line of a resource that a rank of this node has named, or null. */
  synchronized @Nullable Long known(String name) {
    readNew();
    return homes.get(name);
  }

  static void check(String name) {
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
        "A resource name has 1 to %d characters, not all blank and none of control, but '%s' %s."
            .formatted(MAX_NAME, Values.shown(name), why));
  }

  /** Gives the home lines of all resources that ranks of this node have named. */
  synchronized List<Long> homes() {
    readNew();
    return List.copyOf(homes.values());
  }

  /** Gives the quoted name of the resource whose home line stands at an index. */
  synchronized String nameAt(long home) {
    readNew();
    String name = names.get(home);
    return name == null ? "an unknown resource" : OwnCalls.quoted(name);
  }

  /** Gives the name of the resource whose home line stands at an index, or null. */
  synchronized @Nullable String name(long home) {
    readNew();
    return names.get(home);
  }

  private void readNew() {
    long end = window.get(Layout.DIRECTORY_END);
    while (read < end) {
      int length = nameLength(window.get(read), end);
      byte[] name = new byte[length];
      window.getBytes(read + 1, name, 0, length);
      String text = new String(name, StandardCharsets.UTF_8);
      homes.put(text, read + Layout.nameLines(length));
      names.put(read + Layout.nameLines(length), text);
      read += Layout.entryWords(length, node.members());
    }
  }

  /** Looks at a length that another process wrote before it is used as one. */
  private int nameLength(long length, long end) {
    if (length < 1
        || length > MAX_NAME_BYTES
        || end > window.words()
        || Layout.entryWords((int) length, node.members()) > end - read) {
      throw node.damaged(
          "an entry of the directory of resources says that it has " + length + " bytes");
    }
    return (int) length;
  }

  private long append(String name) {
    lock(name);
    try {
      return appendAlone(name);
    } finally {
      window.set(Layout.DIRECTORY_LOCK, 0);
      node.leave();
      bell.ring();
    }
  }

  private synchronized long appendAlone(String name) {
    readNew(); // another rank may have named it meanwhile
    Long known = homes.get(name);
    if (known != null) {
      return known;
    }
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    long entry = read;
    long words = Layout.entryWords(bytes.length, node.members());
    if (entry + words > window.words()) {
      throw ProcessLock.full(name, window.words());
    }
    for (long i = entry; i < entry + words; i++) {
      window.setRelease(i, 0);
    }
    if (node.agent() >= 0) {
      long home = entry + Layout.nameLines(bytes.length);
      window.setRelease(home + Layout.STATE, LockWords.ONE_PENDING + node.agent() + 1);
      window.setRelease(home + Layout.TOKEN, LockWords.STALE);
    }
    window.set(entry, bytes.length);
    window.putBytes(entry + 1, bytes, 0, bytes.length);
    window.set(Layout.DIRECTORY_END, entry + words);
    readNew();
    return entry + Layout.nameLines(bytes.length);
  }

  /**
   * Waits until nobody else names a resource; for as long as a process stands still that does,
   * unless this thread is interrupted or the controller closed. To be followed by {@link
   * Node#leave}.
   */
  private void lock(String name) {
    Namer namer = new Namer(name);
    if (namer.tryLock()) {
      return;
    }
    Patience patience = new Patience(node, name, node.nanoTime(), Patience.FOREVER, namer);
    namer.check();
    while (!namer.tryLock()) {
      if (!patience.pause(bell, () -> window.get(Layout.DIRECTORY_LOCK) == 0)) {
        throw node.isClosed()
            ? node.closedFailure()
            : new LockInterruptedException(
                "Thread '%s' of rank %d was interrupted while it waited to name resource '%s'."
                    .formatted(Thread.currentThread().getName(), node.myJobRank(), name));
      }
    }
  }

  /** A thread that waits to name a resource. */
  private final class Namer implements Patience.Watch {
    private final String name;
    private long gone;

    Namer(String name) {
      this.name = name;
    }

    boolean tryLock() {
      long holder = holder();
      if (holder != 0 && holder != gone) {
        return false;
      }
      if (!node.enter()) {
        throw node.closedFailure();
      }
      if (window.compareAndSet(Layout.DIRECTORY_LOCK, holder, node.me() + 1)) {
        return true;
      }
      node.leave();
      return false;
    }

    private long holder() {
      long holder = window.get(Layout.DIRECTORY_LOCK);
      if (holder < 0 || holder > node.members()) {
        throw node.damaged("the lock of the directory of resources is held by " + holder);
      }
      return holder;
    }

    @Override
    public void check() {
      long holder = holder();
      if (holder != 0 && node.isGone((int) holder - 1)) {
        gone = holder;
      }
    }

    @Override
    public String describe(long waitedNanos) {
      long holder = holder();
      return "Thread '%s' of %s has waited %s to name resource '%s'%s."
          .formatted(
              Thread.currentThread().getName(),
              node.who(node.me()),
              Node.seconds(waitedNanos),
              name,
              holder == 0
                  ? ""
                  : ", while %s names one; that takes no time, so look whether its process is stopped"
                      .formatted(node.who((int) holder - 1)));
    }
  }
}

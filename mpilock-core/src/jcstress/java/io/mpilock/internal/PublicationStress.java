/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.call.ShareStream;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.ZI_Result;

/** What one rank puts into the window for others to find: names, decisions, chunks. */
final class PublicationStress {
  private PublicationStress() {}

  /** DIRECTORY_END after the entry. */
  @JCStressTest
  @Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "Not there yet.")
  @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "Whole.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "An entry that is not whole.")
  @State
  public static class DirectoryEntry {
    private final Slice words = new Slice();
    private final Directory mine = new Directory(words.node(0));
    private final Directory theirs = new Directory(words.node(1));

    @Actor
    public void append() {
      mine.use("orders");
    }

    @Actor
    public void look(I_Result result) {
      int found = 0;
      for (long lockLine : theirs.lockLines()) {
        boolean whole =
            "orders".equals(theirs.name(lockLine))
                && lockLine == Slice.lockLine() + Layout.nameLines(6)
                && words.get(lockLine + Layout.STATE) == 0;
        found += whole ? 1 : 100;
      }
      result.r1 = found;
    }
  }

  /** Two ranks name one resource, and another one each. */
  @JCStressTest
  @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "One line for one name.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Two lines for one name, or one for two.")
  @State
  public static class SameName {
    private final Slice words = new Slice();
    private final Directory mine = new Directory(words.node(0));
    private final Directory theirs = new Directory(words.node(1));
    private final long first = Slice.lockLine() + Layout.nameLines(1);

    @Actor
    public void first(II_Result result) {
      result.r1 = (int) (mine.use("a") - first);
    }

    @Actor
    public void second(II_Result result) {
      result.r2 = (int) (theirs.use("a") - first);
    }
  }

  /** Under DIRECTORY_LOCK: no two names on one line. */
  @JCStressTest
  @Outcome(
      id = {"0, 1", "1, 0"},
      expect = Expect.ACCEPTABLE,
      desc = "One behind the other.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Two names on one line, or nowhere.")
  @State
  public static class TwoNames {
    private final Slice words = new Slice();
    private final Directory mine = new Directory(words.node(0));
    private final Directory theirs = new Directory(words.node(1));

    private static int number(long lockLine) {
      return (int) ((lockLine - Slice.lockLine()) / Layout.entryWords(1, Slice.RANKS));
    }

    @Actor
    public void first(II_Result result) {
      result.r1 = number(mine.use("a"));
    }

    @Actor
    public void second(II_Result result) {
      result.r2 = number(theirs.use("b"));
    }
  }

  /** One rank's part of a single write: what came of its call. */
  static String call(CollectiveCalls collectives, RankLock lock, int writer, long nanos) {
    try {
      collectives.singleWrite(lock, writer, nanos, (isWriter, time, bytes, failure) -> {});
      return "go";
    } catch (LockTimeoutException e) {
      return "late";
    } catch (CollectiveMismatchException e) {
      return "mismatch";
    }
  }

  /** The slots of a call, and one compare-and-set on DECISION: all go, or all fail alike. */
  @JCStressTest
  @Outcome(id = "go, go", expect = Expect.ACCEPTABLE, desc = "Both were in time.")
  @Outcome(id = "mismatch, late", expect = Expect.ACCEPTABLE, desc = "The second gave up.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "The ranks see two decisions.")
  @State
  public static class DecisionAgainstTimeOut {
    private final Slice words = new Slice();
    private final RankContext mine = words.node(0);
    private final RankContext theirs = words.node(1);
    private final CollectiveCalls myCalls = new CollectiveCalls(mine, lockLine -> "r");
    private final CollectiveCalls theirCalls = new CollectiveCalls(theirs, lockLine -> "r");
    private final RankLock myLock = new RankLock("r", new RankThreads(mine), Slice.lockLine());
    private final RankLock theirLock = new RankLock("r", new RankThreads(theirs), Slice.lockLine());

    @Actor
    public void first(LL_Result result) {
      result.r1 = call(myCalls, myLock, 0, ThreadHold.FOREVER);
    }

    @Actor
    public void second(LL_Result result) {
      result.r2 = call(theirCalls, theirLock, 0, 0);
    }
  }

  /** Two ranks that each say that the other is to write. */
  @JCStressTest
  @Outcome(id = "mismatch, mismatch", expect = Expect.ACCEPTABLE, desc = "Both are told.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "A rank is not told that they disagree.")
  @State
  public static class DecisionOnDisagreement {
    private final Slice words = new Slice();
    private final RankContext mine = words.node(0);
    private final RankContext theirs = words.node(1);
    private final CollectiveCalls myCalls = new CollectiveCalls(mine, lockLine -> "r");
    private final CollectiveCalls theirCalls = new CollectiveCalls(theirs, lockLine -> "r");
    private final RankLock myLock = new RankLock("r", new RankThreads(mine), Slice.lockLine());
    private final RankLock theirLock = new RankLock("r", new RankThreads(theirs), Slice.lockLine());

    @Actor
    public void first(LL_Result result) {
      result.r1 = call(myCalls, myLock, 1, ThreadHold.FOREVER);
    }

    @Actor
    public void second(LL_Result result) {
      result.r2 = call(theirCalls, theirLock, 0, ThreadHold.FOREVER);
    }
  }

  private static final byte[] ONES = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  private static final byte[] TWOS = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};

  /** The value of all bytes, or -1 if they differ. */
  private static int value(byte[] bytes, int length) {
    if (length != bytes.length) {
      return -1;
    }
    for (byte each : bytes) {
      if (each != bytes[0]) {
        return -1;
      }
    }
    return bytes[0];
  }

  /** PRODUCED after the chunk: bytes have no order of their own. */
  @JCStressTest
  @Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "Not there yet.")
  @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "Whole.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "A chunk that is not whole.")
  @State
  public static class ChunkProduced {
    private final Slice words = new Slice();
    private final ShareStream writer = new ShareStream(words.node(0), 1, 0, 0);
    private final ShareStream reader = new ShareStream(words.node(1), 1, 0, 1);

    @Actor
    public void put() {
      writer.put(ShareStream.DATA, ONES, 0, ONES.length);
    }

    @Actor
    public void take(I_Result result) {
      if (reader.isProduced()) {
        byte[] bytes = new byte[ONES.length];
        result.r1 =
            reader.kind() == ShareStream.DATA && reader.take(bytes) == bytes.length
                ? value(bytes, bytes.length)
                : -2;
      }
    }
  }

  /** PROGRESS after the reading: a chunk of the ring is filled again only then. */
  @JCStressTest
  @Outcome(
      id = {"true, 1", "false, 1"},
      expect = Expect.ACCEPTABLE,
      desc = "The first chunk.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "A chunk that was filled again under its reader.")
  @State
  public static class ChunkReused {
    private final Slice words = new Slice();
    private final ShareStream writer = new ShareStream(words.node(0), 1, 0, 0);
    private final ShareStream reader = new ShareStream(words.node(1), 1, 0, 1);

    public ChunkReused() {
      for (int i = 0; i < Layout.RING_CHUNKS; i++) {
        writer.put(ShareStream.DATA, ONES, 0, ONES.length);
      }
    }

    @Actor
    public void put(ZI_Result result) {
      if (writer.hasRoom()) {
        writer.put(ShareStream.DATA, TWOS, 0, TWOS.length);
        result.r1 = true;
      }
    }

    @Actor
    public void take(ZI_Result result) {
      byte[] bytes = new byte[ONES.length];
      result.r2 = value(bytes, reader.take(bytes));
    }
  }
}

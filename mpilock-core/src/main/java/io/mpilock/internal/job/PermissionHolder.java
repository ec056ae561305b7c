/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.NONE;

import java.util.function.Consumer;

/**
 * One resource at a node that uses it: the permission that the node has, what its ranks want, and
 * what its home wants back.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>The ranks of this node are let in by the gate for no more than {@code held}, and {@code
 *       held} is no more than what the home has on record for this node. It is lowered only after
 *       the gate has closed to that, and a yield is sent in the same step.
 *   <li>The permission is kept until it is recalled, used or not.
 *   <li>A request is sent only while no recall is unanswered: what the home gets after a request
 *       and before the yield was sent before both. A request is taken back at any time.
 *   <li>A granted permission lets in who waits before a later recall is looked at, so it is used at
 *       least once; the gate closes before anybody who comes later.
 *   <li>A holder that is retired is as a new one: the node has nothing, asks for nothing and is
 *       owed no message. For it has asked for nothing and was granted nothing since it said that it
 *       retires, and the answer to that came after all that the home had sent before.
 * </ol>
 *
 * <p>Long for the same reason as {@link PermissionServer}.
 */
public final class PermissionHolder {

  /** The node's part of the lock, as the holder sees it. None of the methods waits. */
  public interface Gate {
    /**
     * Notes which tries there are: those that would rather be refused than wait for a hold. To be
     * called before {@link #wanted}: the permission that is asked for then is theirs, too.
     */
    void noteTries();

    /**
     * What ranks of this node wait for.
     *
     * @return EXCLUSIVE before SHARED, or NONE
     */
    Permission wanted();

    /**
     * Whether there are noted tries that no question covers yet.
     *
     * @return true if there may be
     */
    boolean isTried();

    /** A question covers the noted tries from now on. */
    void coverTries();

    /** No question covers any try any more. */
    void uncoverTries();

    /** Makes the tries that are covered give up; not those that have begun since. */
    void refuseTries();

    /** Has the tries look at their own node again. */
    void ringTries();

    /**
     * Takes the ranks' part back to a limit: nobody new gets in for more, and who is in leaves in
     * time.
     *
     * @param limit NONE or SHARED
     * @return false if somebody is still in: to be called again when the node's state has changed
     */
    boolean close(Permission limit);

    /**
     * Lets ranks in, those that wait before others; also ends a closing that is under way or, with
     * what the node keeps, one that is done.
     *
     * @param permission SHARED or EXCLUSIVE
     */
    void open(Permission permission);

    /**
     * The token of the last write that the node knows of.
     *
     * @return the token
     */
    long token();

    /**
     * Sets the token that came with a grant; before the gate is opened.
     *
     * @param token the token
     */
    void token(long token);

    /**
     * What a counter stands at on this node.
     *
     * @return the value, or 0 of all else
     */
    long value();

    /**
     * Sets what a counter stands at, which came with a grant; before the gate is opened.
     *
     * @param value the value
     */
    void value(long value);

    /**
     * A rank of this node that died in its write.
     *
     * @return the rank, or -1
     */
    int deadWriter();

    /**
     * Gives everybody a failure from now on.
     *
     * @param rank who died in its write
     */
    void poison(int rank);

    /**
     * Whether a rank can write nothing any more.
     *
     * @param rank who was lost in its write
     * @return false if it is of this node, and its process has not ended
     */
    boolean hasEnded(int rank);

    /**
     * Ends the poison. The ranks are let in for nothing then, until the gate is opened: also if the
     * words cannot be set right yet, and so still say that they are poisoned.
     */
    void clear();
  }

  /** Where a holder's messages to the home go. */
  public interface Outbox {

    /**
     * Sends each as the message of its name.
     *
     * @param resource the resource
     * @param send takes a message to the home
     * @return the outbox
     */
    static Outbox sending(String resource, Consumer<? super Message.OfLock> send) {
      return new Outbox() {
        @Override
        public void request(Permission wanted, long tries) {
          send.accept(new Message.Request(resource, wanted, tries));
        }

        @Override
        public void plead(long tries) {
          send.accept(new Message.Plead(resource, tries));
        }

        @Override
        public void cancel() {
          send.accept(new Message.Cancel(resource));
        }

        @Override
        public void yielded(Permission kept, long token, long value, int deadWriter) {
          send.accept(new Message.Yield(resource, kept, token, value, deadWriter));
        }

        @Override
        public void settled() {
          send.accept(new Message.Settled(resource));
        }

        @Override
        public void clear(int rank) {
          send.accept(new Message.Clear(resource, rank));
        }

        @Override
        public void retire(Permission held, long token, long value) {
          send.accept(new Message.Retire(resource, held, token, value));
        }
      };
    }

    /**
     * Asks for a permission; takes the place of an earlier request.
     *
     * @param wanted SHARED or EXCLUSIVE
     * @param tries a number for those who want to be refused rather than to wait, or 0
     */
    void request(Permission wanted, long tries);

    /**
     * Asks whether a recall that cannot be answered yet still stands: only it keeps tries out.
     *
     * @param tries a number for all tries of this node
     */
    void plead(long tries);

    /** Takes the request back. */
    void cancel();

    /**
     * Gives a permission up.
     *
     * @param kept what the node still has
     * @param token the token of its last write
     * @param value what a counter stands at
     * @param deadWriter a rank that died in its write, or -1
     */
    void yielded(Permission kept, long token, long value, int deadWriter);

    /** Tells that all that this node knows has been sent. */
    void settled();

    /**
     * Gives a poisoned resource free.
     *
     * @param rank the writer that died
     */
    void clear(int rank);

    /**
     * Gives back what this node has, if that is all that it was granted; to be answered.
     *
     * @param held what it had
     * @param token the token of its last write; 0 if it had nothing
     * @param value what a counter stands at; 0 if it had nothing
     */
    void retire(Permission held, long token, long value);
  }

  /** What covers tries. */
  private enum Question {
    /** There are none. */
    NONE,
    /** In a request. */
    REQUEST,
    /** In a plea. */
    PLEA
  }

  private final Gate gate;
  private final Outbox outbox;
  private Permission held = NONE;
  private Permission limit = EXCLUSIVE;
  private Permission asked = NONE;

  /** What waits for an answer for tries. */
  private Question question = Question.NONE;

  /** What they are called there. */
  private long tries;

  private boolean poisoned;

  /** It has said that it retires, and nothing was asked for or granted since. */
  private boolean retires;

  /** The home has not answered that. One at a time: so the answer is to the last. */
  private boolean retireUnanswered;

  /**
   * Makes the holder of a resource that this node has no permission for.
   *
   * @param gate the node's part, closed
   * @param outbox where the messages go
   */
  public PermissionHolder(Gate gate, Outbox outbox) {
    this.gate = gate;
    this.outbox = outbox;
  }

  /** Looks at the node: to be called when its state has changed, and now and then. */
  public void look() {
    gate.noteTries();
    boolean mayAsk = !isRecalled() || giveUp();
    if (poisoned) {
      return;
    }
    Permission wanted = gate.wanted();
    if (!held.isBelow(wanted)) {
      if (asked != NONE) {
        asked = NONE;
        lose(Question.REQUEST);
        outbox.cancel();
      }
    } else if (mayAsk) {
      ask(wanted);
    }
    if (!mayAsk && question != Question.PLEA && isTried()) {
      name(Question.PLEA);
      outbox.plead(tries);
    }
  }

  private void ask(Permission wanted) {
    boolean tried = isTried();
    if (wanted != asked || (tried && question != Question.REQUEST)) {
      asked = wanted;
      retires = false;
      if (tried) {
        name(Question.REQUEST);
      }
      outbox.request(wanted, tried ? tries : 0);
    }
  }

  /** Whether there are tries whom somebody has to answer; one question at a time. */
  private boolean isTried() {
    return question != Question.NONE || gate.isTried();
  }

  /** All tries that were noted get a new name, for this question. */
  private void name(Question next) {
    gate.coverTries();
    tries++;
    question = next;
  }

  /** A question is over, without an answer for those who still try. */
  private void lose(Question what) {
    if (question == what) {
      question = Question.NONE;
      gate.uncoverTries();
    }
  }

  /**
   * Tells whether the home waits for this node.
   *
   * @return true while a recall is not answered
   */
  public boolean isRecalled() {
    return limit.isBelow(held);
  }

  /**
   * Tells whether this node waits for the home.
   *
   * @return true while a request is not answered
   */
  public boolean isAsking() {
    return !poisoned && asked != NONE;
  }

  /** Does what was recalled, if nobody is in the way any more. */
  private boolean giveUp() {
    if (!gate.close(limit)) {
      if (isTried()) {
        gate.ringTries();
      }
      return false;
    }
    int dead = gate.deadWriter();
    held = dead < 0 ? limit : NONE;
    poisoned = dead >= 0;
    lose(Question.PLEA);
    outbox.yielded(held, gate.token(), gate.value(), dead);
    if (poisoned) {
      return false;
    }
    if (held != NONE) {
      open(held);
    }
    return true;
  }

  /**
   * The home grants a permission.
   *
   * @param permission what the node has from now on
   * @param token the token of the last write
   * @param value what a counter stands at
   */
  public void granted(Permission permission, long token, long value) {
    if (poisoned || !held.isBelow(permission)) {
      return;
    }
    held = permission;
    limit = EXCLUSIVE;
    retires = false;
    lose(Question.PLEA);
    if (!held.isBelow(asked)) {
      asked = NONE;
      lose(Question.REQUEST);
    }
    gate.value(value);
    gate.token(token);
    open(permission);
    look();
  }

  private void open(Permission permission) {
    gate.open(permission);
    if (permission == EXCLUSIVE) {
      lose(question); // the tries see by themselves, unless it is closed again before that
    }
  }

  /**
   * The home says what the node may keep.
   *
   * @param newLimit the most that it may keep
   */
  public void recalled(Permission newLimit) {
    boolean before = isRecalled();
    limit = newLimit;
    if (before && !isRecalled() && !poisoned) {
      lose(Question.PLEA);
      open(held);
    }
    look();
  }

  /** The home asks whether all that this node knows has been sent. */
  public void settle() {
    look();
    outbox.settled();
  }

  /**
   * The home says that somebody holds, or waits for, what was tried.
   *
   * @param whom what these tries were called; others are not meant
   */
  public void refused(long whom) {
    if (whom == tries && question != Question.NONE) {
      question = Question.NONE;
      gate.refuseTries();
      look();
    }
  }

  /**
   * The home says that a writer died.
   *
   * @param rank the writer
   */
  public void poisoned(int rank) {
    if (!poisoned) {
      poisoned = true;
      retires = false;
      held = NONE; // what was asked for counts again if the resource is given free: see cleared
      gate.poison(rank);
    }
  }

  /**
   * A rank of this node, or the home, gives the resource free. Nothing, if it is not poisoned by
   * that writer, or that one may write still.
   *
   * @param rank the writer that died
   */
  public void clear(int rank) {
    if (gate.deadWriter() != rank || !gate.hasEnded(rank)) {
      return;
    }
    if (!poisoned) { // the home does not know yet
      poisoned = true;
      retires = false;
      held = NONE;
      asked = NONE;
      outbox.yielded(NONE, gate.token(), gate.value(), rank);
    }
    outbox.clear(rank);
  }

  /** The home says that the resource is poisoned no more. */
  public void cleared() {
    if (poisoned) {
      poisoned = false;
      limit = EXCLUSIVE;
      lose(question);
      gate.clear();
      boolean mayBeQueued = asked != NONE; // the request may have come after it was given free
      asked = NONE;
      look();
      if (mayBeQueued && asked == NONE) {
        outbox.cancel();
      }
    }
  }

  /**
   * None of this node's ranks has the name any more: gives back what the node has. May be called
   * again as long as that is so, until {@link #isRetired}; a rank that has it again only asks.
   */
  public void retire() {
    if (retires || retireUnanswered) {
      return;
    }
    look(); // takes back what nobody asks for, and answers a recall
    if (poisoned || asked != NONE || isRecalled()) {
      return;
    }
    boolean closed = gate.close(NONE);
    if (gate.deadWriter() >= 0) {
      return;
    }
    if (!closed) {
      if (held != NONE) {
        gate.open(held); // somebody is in after all
      }
      return;
    }
    Permission had = held;
    held = NONE;
    lose(question);
    retires = true;
    retireUnanswered = true;
    outbox.retire(had, had == NONE ? 0 : gate.token(), had == NONE ? 0 : gate.value());
  }

  /** The home has heard that this node retires, and all that it had sent before has come. */
  public void retired() {
    retireUnanswered = false;
  }

  /**
   * Whether this holder is as a new one, and may be dropped if no rank of the node has the name.
   *
   * @return true from the answer to {@link #retire} until a rank asks or something is granted
   */
  public boolean isRetired() {
    return retires && !retireUnanswered;
  }

  /**
   * What the node has.
   *
   * @return the permission
   */
  public Permission held() {
    return held;
  }
}

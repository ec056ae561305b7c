/*
 * The node level of mpilock as a model for Spin: one resource's lock among the ranks of a node.
 *
 * It follows io.mpilock.internal.node.NodeLock, Recovery and NodeGate access by access. docs/architecture.md ("A read", "A write",
 * "The death of a rank", "The node level as a model") has the words and the steps in prose, and a table of what stands
 * where. Names in comments are the Java methods. Memory is sequentially consistent, as it is for get, set, getAndAdd and
 * compareAndSet in Java.
 *
 * One step is one access to a word of the window, but for these, which change nothing:
 *   - A loop of get and compareAndSet that goes round until it succeeds (giveTo, takeFree, markDraining, ...) is one
 *     step: a turn that fails changes nothing, and in the last turn nothing came between. So is tryOwn, which goes on to
 *     ask if it fails, and the compareAndSet of releaseOwnership: if it fails, somebody had asked at some moment.
 *   - What a waiter does between two looks. It spins: the next look that finds what it waits for is a step that is
 *     possible whenever that is so; looks that find nothing change nothing. Or it sleeps on a bell, and then only a ring
 *     wakes it: a lost wake-up is a deadlock here, though the code looks again every 20 ms. Bell.sleep counts the sleeper
 *     and looks in one step; bell.pml shows that this is what the bell's words do. A thread that sleeps does not give up;
 *     one that spins may at any time. That is enough: nobody can tell the two apart but by the ring.
 *   - A ring with nobody asleep is no step: who goes to sleep after the change sees it.
 *   - INTENT has a meaning only for the mender, so without CRASH it is set with the step after, and so is the NONE that
 *     follows on it. DRAINS is there with CRASH only.
 *   - TOKEN is not a number but a mask of the threads that have got it since it was set.
 *   - Words for diagnosis are left out (WAITING_READERS, WRITER_THREAD, ...).
 *
 * Options (-D): RANKS, ROUNDS; THREADS and TWO_IN_ONE (the first two threads are of rank 0); PHASE_FAIR; READERS, a mask of
 * threads that only read, and WRITERS, of threads that only write; PATIENT (nobody gives up); ORDER (writers in order, too; with
 * TWO_IN_ONE all threads, and HANDOVERS=0);
 * CRASH (one rank stops at any step), with CLEARS (what is poisoned may be given free, once; not with LATE: the process has ended), with LATE (it gives itself up, between its steps, and goes on), RELEASE (on-holder-death=release); AGENT (the node is one of several; not with CRASH),
 * RECALLS (how often the home recalls). ONLY and the name of a check in capitals leave out all other checks. FAULT=n plants
 * a fault: NodeModelTest has the list.
 *
 * Left out: the agent's inbox (that it is told is one step), tries (TRIES, REFUSALS), close, a write that ends as a read.
 */

#ifndef RANKS
#define RANKS 3
#endif
#ifndef THREADS
#define THREADS RANKS
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef FAULT
#define FAULT 0
#endif
#ifndef READERS
#define READERS 0
#endif
#ifndef WRITERS
#define WRITERS 0
#endif
#ifndef HANDOVERS
#define HANDOVERS 1
#endif
#ifdef AGENT
#define MEMBERS (RANKS + 1)
#define AGENTS RANKS /* the agent's number among the members */
#define IS_AGENTS (OWNER(state) == AGENTS + 1)
#define BATCHED
#else
#define MEMBERS RANKS
#endif
#ifdef PHASE_FAIR
#define BATCHED
#endif

#ifdef TWO_IN_ONE
#define RANK(t) ((t) - ((t) > 0))
#define ONE_THREAD_EACH 0
#else
#define RANK(t) (t)
#define ONE_THREAD_EACH 1
#endif

#ifdef PATIENT
#define MAY_GIVE_UP false
#else
#define MAY_GIVE_UP true
#endif

#define BIT(n) (1 << (n))
#define NOBODY 15

/* ---- LockWords ------------------------------------------------------------------------------------------------ */

/* STATE: sequence (4 bits, so that it wraps around) | pending (3) | owner (3) */
#define ONE_SEQUENCE 64
#define FIRST_STATE (14 * ONE_SEQUENCE)
#define ONE_PENDING 8
#define POISONED 7
#define SEQUENCE(s) (((s) >> 6) & 15)
#define PENDING(s) (((s) >> 3) & 7)
#define OWNER(s) ((s) & 7)
#define WITH_OWNER(s, o) (((s) & 1016) | (o))
#define WITH_PENDING(s, p) (((s) & 967) | ((p) << 3))
#define IS_FREE(s) (((s) & 63) == 0)
#define ASKED_ONCE_MORE(s) (((s) + ONE_SEQUENCE + ONE_PENDING) & 1023)

/* REQUEST: sequence | phase (3) */
#define NONE 0
#define WAITING 1
#define CLAIMED 2
#define INTENT 3
#define ABANDONED 4
#define RETURNING 5
#define PHASE(r) ((r) & 7)
#define SEQUENCE_OF(r) ((r) >> 3)
#define REQUEST(s, p) (((s) << 3) | (p))
#define IS_CLAIM(r) (PHASE(r) == CLAIMED || PHASE(r) == ABANDONED || PHASE(r) == RETURNING)
#define IS_BEFORE(a, b) ((((a) - (b)) & 15) >= 8)

/* READS: batch (3) | draining (1) | waiting (2) | holds (2) */
#define HOLDS(r) ((r) & 3)
#define WAITS(r) (((r) >> 2) & 3)
#define DRAINING 16
#define ONE_WAITING 4
#define BATCH(r) ((r) >> 5)
#define IS_LAST_OF_DRAINED(r) (((r) & DRAINING) != 0 && HOLDS(r) == 1)
#define ADMITTED(r) ((((r) & 243) + WAITS(r) + 32) & 255)

/* ---- The window ----------------------------------------------------------------------------------------------- */

#ifdef AGENT
short state = FIRST_STATE + ONE_PENDING + AGENTS + 1;
bool told; /* the resource is in the agent's inbox, or its bell was rung */
#else
short state = FIRST_STATE;
#endif
byte request[MEMBERS];
byte reads[RANKS];
byte asleepR; /* threads that sleep on the reader bell */
byte asleepW; /* threads that sleep on the writer bell of their rank */
byte fresh;   /* threads for which retake's compareAndSet may find STATE as it was */

#ifdef CRASH
byte dead = NOBODY; /* the rank that has stopped */
bool noticed;       /* its LIFE says so: isGone */
bool drains[RANKS];
byte mender = NOBODY;
byte over[MEMBERS]; /* settle: requests that are to be cleared; one process mends at a time */
#ifdef LATE
#define STOPPED(r) false
byte going = NOBODY; /* Node.gone: that rank enters no more */
byte inside;         /* Node.inside: threads between enter and leave */
bool goneOn;         /* the thread of the rank that is gone has come to its end */
#else
#define STOPPED(r) (dead == (r))
#endif
#define IS_GONE(r) (noticed && dead == (r))
#define ANY_DEAD (dead != NOBODY)
#else
#define ANY_DEAD false
#define IS_GONE(r) false
#endif

#ifdef TWO_IN_ONE
bool mutex[RANKS];        /* WriteQueue.mutex, while it is held for more than one step */
byte first[RANKS] = NOBODY; /* WriteQueue.first: the thread whose number REQUEST shows */
byte behind[RANKS] = NOBODY; /* the one that stands behind it, */
byte number2[RANKS];      /* and its number */
byte handovers[RANKS];
#define THREADS_OF(r) ((r) == 0 -> 3 : BIT((r) + 1))
#else
#define THREADS_OF(r) BIT(r)
#endif

#define RING_READERS asleepR = 0
#ifdef AGENT
#define RING(r) told = told || (r) == AGENTS; asleepW = asleepW & ~THREADS_OF(r)
#else
#define RING(r) asleepW = asleepW & ~THREADS_OF(r)
#endif

/* ---- What the properties speak of; the protocol never looks at it ---------------------------------------------- */

byte writing = NOBODY; /* the thread that writes */
byte reading;          /* threads that read */
byte asking;           /* threads whose request is counted: from its number until it owns no more, or gave up */
byte finished;         /* threads that are done, or dead */
byte readsLast;        /* threads that have got TOKEN, and it is still that of the last write */
#ifdef ORDER
#ifdef TWO_IN_ONE
byte placed;           /* threads that have a place: a request that is published, or one behind it */
#endif
byte earlier[THREADS]; /* ranks that had published a request when this thread took its number, and wait still; with
                          TWO_IN_ONE threads that had a place then */
#endif
#ifdef PHASE_FAIR
byte passed[THREADS];  /* how many writes began since this thread counted itself among the waiting readers */
#endif
#ifdef CRASH
bool dirty;            /* the dead had begun to write */
bool deadOwned;         /* the dead owned the write, and neither waited for readers nor had claimed the next */
#endif
#ifdef CLEARS
bool clearing;         /* the mender gives free what is poisoned */
bool cleared;          /* once is enough */
#define CLEARING (clearing && OWNER(state) == POISONED)
#define MAY_CLEAR (noticed && dead != me && (mender == NOBODY || mender == dead) && OWNER(state) == POISONED && !cleared)
#else
#define CLEARING false
#endif

#ifdef AGENT
#define SHARED 1
#define EXCLUSIVE 2
byte permission;       /* what the home has on record for this node: NONE, SHARED or EXCLUSIVE */
#define NEEDS(p) CHECK_PERMISSION(permission >= p)
#else
#define NEEDS(p) skip
#endif

/* A failed assert prints the name of its property. */
hidden byte exclusion, writer_first, order, tokens_grow, no_trace, poison, batch_goes_first, claimed_is_owned, only_owner_gives, permitted;

#if defined(ONLY) && !defined(EXCLUSION)
#define CHECK_EXCLUSION(c) skip
#else
#define CHECK_EXCLUSION(c) exclusion = (c); assert(exclusion)
#endif
#if defined(ONLY) && !defined(WRITER_FIRST)
#define CHECK_WRITER_FIRST(c) skip
#else
#define CHECK_WRITER_FIRST(c) writer_first = (c); assert(writer_first)
#endif
#if defined(ONLY) && !defined(TOKENS_GROW)
#define CHECK_TOKENS(c) skip
#else
#define CHECK_TOKENS(c) tokens_grow = (c); assert(tokens_grow)
#endif
#if defined(ONLY) && !defined(NO_TRACE)
#define CHECK_TRACE(c) skip
#else
#define CHECK_TRACE(c) no_trace = (c); assert(no_trace)
#endif
#if defined(ONLY) && !defined(PERMITTED)
#define CHECK_PERMISSION(c) skip
#else
#define CHECK_PERMISSION(c) permitted = (c); assert(permitted)
#endif
#if defined(ONLY) && !defined(ONLY_OWNER_GIVES)
#define CHECK_OWNER(c) skip
#else
#define CHECK_OWNER(c) only_owner_gives = (c); assert(only_owner_gives)
#endif
#if defined(ONLY)
#define CHECK_CLAIM(c) skip
#else
#define CHECK_CLAIM(c) claimed_is_owned = (c); assert(claimed_is_owned)
#endif
#if defined(ONLY) && !defined(BATCH_GOES_FIRST)
#define CHECK_BATCH(c) skip
#else
#define CHECK_BATCH(c) batch_goes_first = (c); assert(batch_goes_first)
#endif
#if defined(ONLY) && !defined(POISON)
#define CHECK_POISON(c) skip
#else
#define CHECK_POISON(c) poison = (c); assert(poison)
#endif

/*
 * Writers in order: a request that was published before another took its number is granted before it. That is what the
 * code promises; two that ask at the same moment may be granted either way.
 */
#if defined(ORDER) && defined(TWO_IN_ONE)
#define note_published_before(t) earlier[t] = placed
#define note_placed(t) placed = placed | BIT(t)
#define waits_no_more(r) skip
#define leaves_place(t) \
  placed = placed & ~BIT(t); earlier[0] = earlier[0] & ~BIT(t); earlier[1] = earlier[1] & ~BIT(t); earlier[2] = earlier[2] & ~BIT(t)
#define CHECK_ORDER(t) skip
#define CHECK_ORDER_OF_THREAD(t) order = (earlier[t] == 0); assert(order); earlier[t] = 0; leaves_place(t)
#else
#define note_placed(t) skip
#define leaves_place(t) skip
#define CHECK_ORDER_OF_THREAD(t) skip
#ifdef ORDER
#define IF_PUBLISHED(n) (PHASE(request[n]) == WAITING -> BIT(n) : 0)
#if RANKS == 2
#define note_published_before(t) earlier[t] = IF_PUBLISHED(0) | IF_PUBLISHED(1)
#define waits_no_more(r) earlier[0] = earlier[0] & ~BIT(r); earlier[1] = earlier[1] & ~BIT(r)
#else
#define note_published_before(t) earlier[t] = IF_PUBLISHED(0) | IF_PUBLISHED(1) | IF_PUBLISHED(2)
#define waits_no_more(r) \
  earlier[0] = earlier[0] & ~BIT(r); earlier[1] = earlier[1] & ~BIT(r); earlier[2] = earlier[2] & ~BIT(r)
#endif
#define CHECK_ORDER(t) order = (earlier[t] == 0); assert(order); earlier[t] = 0
#else
#define note_published_before(t) skip
#define waits_no_more(r) skip
#define CHECK_ORDER(t) skip
#endif
#endif

#ifdef CRASH
#define DIRTY(t) CHECK_POISON(IS_LATE(t) || !dirty)
#else
#define DIRTY(t) skip
#endif

/* Phase-fair: readers that wait when a write ends go before the next writer, so that each sees one write begin at most. */
#ifdef PHASE_FAIR
#define NOT_PASSED(t) passed[t] = 0
#define PASS(n) passed[n] = (WAITS(reads[n]) != 0 -> passed[n] + 1 : 0)
#if RANKS == 2
#define NOTE_PASSED PASS(0); PASS(1); CHECK_BATCH(passed[0] < 2 && passed[1] < 2)
#else
#define NOTE_PASSED PASS(0); PASS(1); PASS(2); CHECK_BATCH(passed[0] < 2 && passed[1] < 2 && passed[2] < 2)
#endif
#else
#define NOTE_PASSED skip
#define NOT_PASSED(t) skip
#endif

/* Node.enter and leave: what takes several steps is not done by a rank that is gone; and it goes only in between. */
#ifdef LATE
#define IS_LATE(t) (dead == (t))
#ifdef RELEASE
#define IS_EXEMPT(t) IS_LATE(t) /* its write was given to others */
#else
#define IS_EXEMPT(t) false
#endif
#define MAY_ENTER (going != me || FAULT == 40)
#define MAY_FINISH (going == NOBODY || (ANY_DEAD && going != me))
#define ENTER inside = inside | BIT(me)
#define LEAVE inside = inside & ~BIT(me)
#else
#define IS_LATE(t) false
#define IS_EXEMPT(t) false
#define MAY_ENTER true
#define MAY_FINISH true
#define ENTER skip
#define LEAVE skip
#endif
/* takeBack: the owner has given up, and is not gone. A look that finds nothing changes nothing. */
#define MAY_BE_TAKEN_BACK \
  (OWNER(state) != 0 && OWNER(state) != POISONED && PHASE(request[OWNER(state) - 1]) == ABANDONED \
   && !IS_GONE(OWNER(state) - 1) && FAULT != 32)

/* Exclusion is looked at when a read or a write begins. It ends with the first step of its release.
 * Writers first: when a read begins, by its second look, no write is held or requested. */
inline begins_to_read(t) {
  CHECK_EXCLUSION(IS_LATE(t) || writing == NOBODY);
  DIRTY(t);
  NEEDS(SHARED);
  reading = (IS_LATE(t) -> reading : reading | BIT(t))
}
inline begins_to_write(t) {
  CHECK_EXCLUSION(IS_EXEMPT(t) || (writing == NOBODY && reading == 0));
  DIRTY(t);
  NEEDS(EXCLUSIVE);
  NOTE_PASSED;
  writing = (IS_EXEMPT(t) -> writing : t)
}

/* ---- Threads --------------------------------------------------------------------------------------------------- */

#ifdef AGENT
#define AGENT_FIRST agentFirst = true
#define LOOK_AT_AGENT \
  if \
  :: agentFirst && PHASE(request[AGENTS]) == WAITING -> \
       best = AGENTS; number = SEQUENCE_OF(request[AGENTS]); again = true; at = 0; end = 0; agentFirst = false \
  :: agentFirst && PHASE(request[AGENTS]) != WAITING -> agentFirst = false \
  :: !agentFirst -> \
       compare(at); \
       at++; \
       compare_own() \
  fi
#else
#define AGENT_FIRST skip
#define LOOK_AT_AGENT compare(at); at++; compare_own()
#endif

/* One look of firstRequest: best is the rank of the first request so far, number its sequence. */
inline compare(i) {
  if
  :: PHASE(request[i]) == WAITING && (best == NOBODY || IS_BEFORE(SEQUENCE_OF(request[i]), number)) ->
       best = i;
       number = SEQUENCE_OF(request[i])
  :: else
  fi
}
inline compare_own() {
  if
  :: ONE_THREAD_EACH && at == me && at < end -> compare(me); at++
  :: else
  fi
}
inline start_scan() {
  at = 0; end = MEMBERS; best = NOBODY; number = 0; again = false;
  AGENT_FIRST;
  compare_own()
}
#define START_SCAN start_scan()
#define END_SCAN at = 0; end = 0; best = 0; number = 0; again = false

/*
 * firstRequest: what was looked at before the one that was found is looked at once more. The own request is compared
 * with the look before it: only this thread and the owner change it, and this thread is the owner, or asks for nothing.
 */
#define LOOK \
  at < end -> \
  LOOK_AT_AGENT; \
  if \
  :: at == end && !again && best != NOBODY && FAULT != 11 -> again = true; at = 0; end = best; compare_own() \
  :: else \
  fi
#define LOOKED (at >= end)

/* A loop over the holds of all ranks. Nobody but this thread counts in the own line. */
#define FIRST_HOLDS at = (ONE_THREAD_EACH && me == 0 -> 1 : 0)
#define NEXT_HOLDS at++; at = (ONE_THREAD_EACH && at == me -> at + 1 : at)
#define IS_LAST_HOLDS (at + 1 >= RANKS || (ONE_THREAD_EACH && me == RANKS - 1 && at + 2 >= RANKS))

#define MAY_READ(t) (left > 0 && !(WRITERS & BIT(t)))
#define MAY_WRITE(t) (left > 0 && !(READERS & BIT(t)))
#define STOP_WRITING(t) writing = (writing == t -> NOBODY : writing)
#define IS_UNCHANGED (state == now && (fresh & BIT(t)) != 0)
#ifdef LATE
#define OWNS_LATE deadOwned = deadOwned || IS_LATE(me)
#define ENDS_LATE dirty = dirty && !IS_LATE(me)
#else
#define OWNS_LATE skip
#define ENDS_LATE skip
#endif
#define ASKS(t) asking = (IS_LATE(t) -> asking : asking | BIT(t))
#define GRANTED (PHASE(request[me]) == CLAIMED && OWNER(state) == me + 1)
#ifdef TWO_IN_ONE
#define AFTER_CLAIM TO_UNLINK
#else
#define AFTER_CLAIM TO_NEXT
#endif
#define COUNTED_OFF(s) ((s) - (counted -> ONE_PENDING : 0))
#define ASKS_NO_MORE(t) asking = (counted -> asking & ~BIT(t) : asking)
#define GOT_TOO_EARLY(t) readsLast = (FAULT == 16 -> readsLast | BIT(t) : readsLast)
#define TAKE_NUMBER(t) \
  state = ASKED_ONCE_MORE(state); mine = SEQUENCE(state); ASKS(t); GOT_TOO_EARLY(t); note_published_before(t)

#define TAKE_NUMBER_ONLY(t) \
  state = (state + ONE_SEQUENCE) & 1023; mine = SEQUENCE(state); ASKS(t); note_published_before(t)

#ifdef TWO_IN_ONE
#define HAND_OVER mayHandOver = true
#define NO_HAND_OVER mayHandOver = false
#else
#define HAND_OVER skip
#define NO_HAND_OVER skip
#endif

#if RANKS == 2
#define NO_REQUEST (request[0] == NONE && request[1] == NONE)
#define NOBODY_CLAIMED (!IS_CLAIM(request[0]) && !IS_CLAIM(request[1]))
#define NO_READS ((reads[0] | reads[1]) % 32 == 0)
#define NO_HOLDS ((reads[0] | reads[1]) % 16 == 0)
#define AT_INTENT(n) (dead != (n) && PHASE(request[n]) == INTENT)
#define NOBODY_LIVE_AT_INTENT (!AT_INTENT(0) && !AT_INTENT(1))
#else
#define NO_REQUEST (request[0] == NONE && request[1] == NONE && request[2] == NONE)
#define NOBODY_CLAIMED (!IS_CLAIM(request[0]) && !IS_CLAIM(request[1]) && !IS_CLAIM(request[2]))
#define NO_READS ((reads[0] | reads[1] | reads[2]) % 32 == 0)
#define NO_HOLDS ((reads[0] | reads[1] | reads[2]) % 16 == 0)
#define AT_INTENT(n) (dead != (n) && PHASE(request[n]) == INTENT)
#define NOBODY_LIVE_AT_INTENT (!AT_INTENT(0) && !AT_INTENT(1) && !AT_INTENT(2))
#endif
#ifdef AGENT
#if RANKS == 2
#define NOBODY_GAVE_UP (PHASE(request[0]) < ABANDONED && PHASE(request[1]) < ABANDONED)
#else
#define NOBODY_GAVE_UP (PHASE(request[0]) < ABANDONED && PHASE(request[1]) < ABANDONED && PHASE(request[2]) < ABANDONED)
#endif
#define AT_REST_AGAIN true /* the agent may be at something */
#define NOTHING_READ NO_HOLDS
#else
#define NOTHING_READ NO_READS
#define AT_REST_AGAIN IS_FREE(state)
#endif
#define ALL_THREADS (BIT(THREADS) - 1)

#ifdef CRASH
/* A slice of sleep ends, which matters only if who was to ring has died. */
#define SLICE_ENDS ANY_DEAD
/*
 * When a waiter mends. Recovery.isNeeded says so more often; then mend finds nothing to do, as long as a rank that lives
 * owns, and is needed again.
 */
#define IS_MENDING_NEEDED \
  (HOLDS(reads[dead]) + WAITS(reads[dead]) != 0 || OWNER(state) == dead + 1 \
   || (OWNER(state) == 0 && PHASE(request[dead]) != NONE))
#define MAY_MEND (noticed && dead != me && (mender == NOBODY || mender == dead) && IS_MENDING_NEEDED)
#define STOP(n) \
  !(finished & BIT(n)) && (finished | BIT(n)) != ALL_THREADS -> \
  dead = n; \
  finished = finished | BIT(n); \
  dirty = DIRTIES && writing == n; \
  deadOwned = OWNER(state) == n + 1 && NOBODY_CLAIMED && !drains[n]; \
  writing = (writing == n -> NOBODY : writing); \
  reading = reading & ~BIT(n); \
  asking = asking & ~BIT(n); \
  asleepR = asleepR & ~BIT(n); \
  asleepW = asleepW & ~BIT(n); \
  waits_no_more(n)
#ifdef RELEASE
#define DIRTIES false
#else
#define DIRTIES true
#endif
#endif

/*
 * STATE that says that nobody owns or asks is always the same here: numbers only matter among requests that are there
 * together. So the table is smaller, and numbers wrap around in each run with three requests. What was got from STATE
 * before that is not fresh any more: there the sequence would tell that it has changed.
 */
#define SET_AT_REST(s) state = (s); fresh = (IS_FREE(state) -> 0 : fresh); state = (IS_FREE(state) -> FIRST_STATE : state)

/* The end of a request that may be over with this step, of the owner that passes on. */
#define GIVE(o) CHECK_OWNER(OWNER(state) == me + 1); SET_AT_REST(WITH_OWNER(COUNTED_OFF(state), o)); ASKS_NO_MORE(t); counted = false

/* A ring with nobody asleep is no step: who goes to sleep after the change sees it. */
#define NO_READER_SLEEPS (asleepR == 0 || FAULT == 19)
#ifdef AGENT
#define NO_WRITER_SLEEPS(r) ((r) == AGENTS -> told : (asleepW & THREADS_OF(r)) == 0)
#else
#define NO_WRITER_SLEEPS(r) ((asleepW & THREADS_OF(r)) == 0)
#endif

#ifdef PHASE_FAIR
#define PHASE_FAIRLY true
#else
#define PHASE_FAIRLY false
#endif

/* where subroutines go back to */
#define TO_NEXT 0
#define TO_GRANT 1
#define TO_MEND 2
#define TO_READ 3
#define TO_ASK 4
#define TO_DRAIN 5
#define TO_END 6
#define TO_BATCH 8
#define TO_UNLINK 9


#define IS_DRAINER_ASLEEP (OWNER(state) != 0 && OWNER(state) != POISONED && !NO_WRITER_SLEEPS(OWNER(state) - 1))

#if defined(CRASH) || defined(TWO_IN_ONE)
#define WITHDRAWN(s) REQUEST(s, INTENT)
#define WITHDRAW_ENDS skip
#else
#define WITHDRAWN(s) NONE
#define WITHDRAW_ENDS mine = 0
#endif

#ifdef AGENT
#define TELL_AND_NEXT tell_and_next
#define TO_AGENT 7
#define OPEN 0
#define ASKING 1
#define DRAINED 2
#define CLOSED 3
#define READABLE 4
#ifndef RECALLS
#define RECALLS 2
#endif
byte gate;      /* NodeGate.state */
byte held;      /* PermissionHolder.held */
byte limit;     /* PermissionHolder.limit */
byte asked;     /* PermissionHolder.asked */
byte wanted;    /* NodeLock.wanted, while it looks */
#else
#define TELL_AND_NEXT next
#endif

#ifdef CRASH
#define ALL_LEFT skip
#define LEFT_AT w_left_now
#else
#define ALL_LEFT begins_to_write(t)
#define LEFT_AT w_token
#endif

proctype Thread(byte t; byte me) {
  byte left;      /* rounds */
  byte mine;      /* the sequence of the own request, or the batch in which this thread began to wait */
  byte at, end, best, number;
  bool again;     /* firstRequest looks once more */
  bool counted;   /* passOn: the own request leaves pending with the next step */
  bool tooLate;   /* the wait was given up: what is granted now is released */
  byte then;      /* where passOn goes on */
#ifdef AGENT
  bool agentFirst; /* firstRequest looks at the agent's request first */
#endif
  short now;      /* what was got from STATE, or from READS */
#ifdef TWO_IN_ONE
  bool mayHandOver;
#endif
#ifdef CRASH
  byte after;     /* where mend goes on */
  byte keep;      /* what at was before mend */
#endif

  {
  left = ROUNDS;
#ifdef AGENT
  if
  :: d_step { me == AGENTS -> left = RECALLS; gate = CLOSED; limit = EXCLUSIVE } goto agent
  :: me != AGENTS
  fi;
#endif
next:
  /*
   * A round, whose first step is the first that may change something: a look of tryRead or tryOwn that fails changes
   * nothing, nor does a try that goes away then. A reader that spins is here, too: it looks until pending is 0, or goes
   * away. A reader that sleeps, though, is only woken by the bell.
   */
  if
  :: MAY_READ(t) && PENDING(state) == 0 -> goto r_count
#ifndef BATCHED
  :: d_step { MAY_READ(t) && PENDING(state) != 0 && OWNER(state) != POISONED -> asleepR = asleepR | BIT(t) }
     goto r_sleep
#else
  :: d_step { MAY_READ(t) -> mine = BATCH(reads[me]); reads[me] = reads[me] + ONE_WAITING; NOT_PASSED(t) } goto b_tell
#endif
  :: d_step { /* tryOwn, step 1 of a write */
       MAY_WRITE(t) && IS_FREE(state) ->
       left--; state = ASKED_ONCE_MORE(state) + me + 1; ASKS(t); FIRST_HOLDS; OWNS_LATE
     } goto w_unread
#ifdef TWO_IN_ONE
  :: d_step {
       MAY_WRITE(t) && !mutex[me] && first[me] == NOBODY && request[me] == NONE ->
       left--; mutex[me] = true; first[me] = t; request[me] = INTENT
     } goto w_number
  :: d_step { MAY_WRITE(t) && !mutex[me] && first[me] == NOBODY && MAY_BE_TAKEN_BACK -> then = TO_NEXT } goto t_look
  :: d_step {
       MAY_WRITE(t) && !mutex[me] && first[me] != NOBODY -> /* WriteQueue.join, behind another */
       left--; behind[me] = t; TAKE_NUMBER_ONLY(t); number2[me] = mine; note_placed(t)
     } goto w_queue
#elif defined(CRASH)
  :: d_step { MAY_WRITE(t) && request[me] == NONE && MAY_ENTER -> left--; ENTER; request[me] = (FAULT == 13 -> NONE : INTENT) }
     goto w_number
  :: d_step { MAY_WRITE(t) && MAY_BE_TAKEN_BACK -> then = TO_NEXT } goto t_look
#else
  :: d_step { MAY_WRITE(t) && request[me] == NONE -> left--; TAKE_NUMBER(t) } goto w_publish
  :: d_step { MAY_WRITE(t) && MAY_BE_TAKEN_BACK -> then = TO_NEXT } goto t_look
#endif
  :: d_step { /* awaitRequest: what this rank gave up is not over */
       MAY_WRITE(t) && PHASE(request[me]) >= ABANDONED && !MAY_BE_TAKEN_BACK -> asleepW = asleepW | BIT(t)
     } goto w_await
  :: d_step { left == 0 && MAY_FINISH && (finished | BIT(t)) != ALL_THREADS -> finished = finished | BIT(t) } goto done
  :: d_step { left == 0 && MAY_FINISH && (finished | BIT(t)) == ALL_THREADS -> finished = finished | BIT(t) } goto last
#ifdef CRASH
#ifdef CLEARS
  :: d_step { left > 0 && OWNER(state) == POISONED -> left-- } goto next
  :: d_step { MAY_CLEAR -> mender = me; clearing = true; after = TO_ASK } goto clear_poison
#else
  :: d_step { left > 0 && OWNER(state) == POISONED -> left = 0 } goto next
#endif
#endif
#ifdef LATE
  :: d_step { IS_LATE(t) -> left = 0; goneOn = true } goto done
#endif
  fi;

  /* ---- A read. Step 1 is above. */
r_count: /* step 2 */
  reads[me] = reads[me] + 1
r_look: /* step 3 */
  if
  :: d_step {
       PENDING(state) == 0 || FAULT == 1 ->
       left--; CHECK_WRITER_FIRST(asking == 0 || IS_LATE(t)); begins_to_read(t)
     } goto r_hold
  :: PENDING(state) != 0 && FAULT != 1
  fi;
  /* it did not get in: releaseRead */
  if
  :: d_step { IS_LAST_OF_DRAINED(reads[me]) -> reads[me] = reads[me] - 1 } goto r_ring
  :: d_step { !IS_LAST_OF_DRAINED(reads[me]) -> reads[me] = reads[me] - 1 } goto next
  fi;
r_hold: /* it reads, and then: releaseRead */
  if
  :: d_step { IS_LAST_OF_DRAINED(reads[me]) -> reading = reading & ~BIT(t); reads[me] = reads[me] - 1 } goto r_ring
  :: d_step { !IS_LAST_OF_DRAINED(reads[me]) -> reading = reading & ~BIT(t); reads[me] = reads[me] - 1 } goto next
  fi;
r_ring: /* ringDrainer */
  if
  :: d_step { IS_DRAINER_ASLEEP && FAULT != 7 -> best = OWNER(state) }
  :: !IS_DRAINER_ASLEEP || FAULT == 7 -> goto next
  fi;
  if
  :: d_step { RING(best - 1); best = 0 } goto next
  fi;

#ifndef BATCHED
r_sleep: /* awaitNoWriter */
  if
  :: (asleepR & BIT(t)) == 0 -> goto next
#ifdef LATE
  :: d_step { going == me -> asleepR = asleepR & ~BIT(t) } goto next
#endif
#ifdef CRASH
  :: d_step { SLICE_ENDS && (PENDING(state) == 0 || OWNER(state) == POISONED) -> asleepR = asleepR & ~BIT(t) } goto next
  :: d_step { SLICE_ENDS && MAY_BE_TAKEN_BACK -> asleepR = asleepR & ~BIT(t); then = TO_NEXT } goto t_look
  :: d_step { MAY_MEND -> asleepR = asleepR & ~BIT(t); mender = me; after = TO_READ } goto mend
#endif
  fi;
#else
  /* awaitBatch. It spins at b_look. */
b_tell: /* tellAgentOwner */
#ifdef AGENT
  if
  :: d_step { IS_AGENTS && FAULT != 22 -> told = true }
  :: !IS_AGENTS || FAULT == 22
  fi;
#endif
b_look:
  if
  :: d_step { BATCH(reads[me]) != mine -> mine = 0; NOT_PASSED(t); left--; begins_to_read(t) } goto r_hold
  :: d_step { BATCH(reads[me]) == mine && PENDING(state) == 0 -> now = reads[me] } goto b_pending
  :: MAY_GIVE_UP || OWNER(state) == POISONED -> goto b_leave
  :: d_step {
       BATCH(reads[me]) == mine && PENDING(state) != 0 && OWNER(state) != POISONED -> asleepR = asleepR | BIT(t)
     } goto b_sleep
  fi;
b_pending:
  if
  :: PENDING(state) == 0
  :: d_step { PENDING(state) != 0 -> now = 0 } goto b_look
  fi;
  if
  :: d_step { reads[me] == now -> reads[me] = reads[me] - ONE_WAITING + 1; now = 0; NOT_PASSED(t) }
  :: d_step { reads[me] != now -> now = 0 } goto b_look
  fi;
  if
  :: d_step { PENDING(state) == 0 -> mine = 0; left--; CHECK_WRITER_FIRST(asking == 0 || IS_LATE(t)); begins_to_read(t) } goto r_hold
  :: PENDING(state) != 0
  fi;
  if /* waitAgain */
  :: d_step {
       IS_LAST_OF_DRAINED(reads[me]) -> mine = BATCH(reads[me]); reads[me] = reads[me] + ONE_WAITING - 1; NOT_PASSED(t)
     }
  :: d_step {
       !IS_LAST_OF_DRAINED(reads[me]) -> mine = BATCH(reads[me]); reads[me] = reads[me] + ONE_WAITING - 1; NOT_PASSED(t)
     } goto b_tell
  fi;
  if /* ringDrainer */
  :: d_step { IS_DRAINER_ASLEEP -> best = OWNER(state) }
  :: !IS_DRAINER_ASLEEP -> goto b_tell
  fi;
  if
  :: d_step { RING(best - 1); best = 0 } goto b_tell
  fi;
b_sleep:
  if
  :: (asleepR & BIT(t)) == 0 -> goto b_look
#ifdef LATE
  :: d_step { going == me -> asleepR = asleepR & ~BIT(t) } goto b_leave
#endif
#ifdef CRASH
  :: d_step {
       SLICE_ENDS && (BATCH(reads[me]) != mine || PENDING(state) == 0 || OWNER(state) == POISONED) ->
       asleepR = asleepR & ~BIT(t)
     } goto b_look
  :: d_step { SLICE_ENDS && MAY_BE_TAKEN_BACK -> asleepR = asleepR & ~BIT(t); then = TO_BATCH } goto t_look
  :: d_step { MAY_MEND -> asleepR = asleepR & ~BIT(t); mender = me; after = TO_READ } goto mend
#endif
  fi;
b_leave: /* leaveBatch; if it was let in at the last moment it gives that back */
  if
  :: d_step {
       BATCH(reads[me]) == mine || FAULT == 18 ->
       mine = 0; NOT_PASSED(t); left--; reads[me] = reads[me] - (WAITS(reads[me]) > 0 -> ONE_WAITING : 0)
     } goto TELL_AND_NEXT
  :: d_step { BATCH(reads[me]) != mine && FAULT != 18 -> mine = 0; NOT_PASSED(t); left-- } goto r_hold
  fi;
#endif

  /* ---- A write. */
w_await:
  if
  :: (asleepW & BIT(t)) == 0 -> goto next
#ifdef LATE
  :: d_step { going == me -> asleepW = asleepW & ~BIT(t) } goto next
#endif
#ifdef CRASH
  :: d_step { SLICE_ENDS && (request[me] == NONE || OWNER(state) == POISONED) -> asleepW = asleepW & ~BIT(t) } goto next
  :: d_step { SLICE_ENDS && MAY_BE_TAKEN_BACK -> asleepW = asleepW & ~BIT(t); then = TO_NEXT } goto t_look
  :: d_step { MAY_MEND -> asleepW = asleepW & ~BIT(t); mender = me; after = TO_ASK } goto mend
#endif
  fi;
w_unread: /* isUnread, after step 1 */
  if
  :: d_step { HOLDS(reads[at]) == 0 && !IS_LAST_HOLDS -> NEXT_HOLDS } goto w_unread
  :: d_step { HOLDS(reads[at]) == 0 && IS_LAST_HOLDS -> at = 0; begins_to_write(t) } goto w_token
  :: d_step { HOLDS(reads[at]) != 0 -> FIRST_HOLDS } goto w_drain
  fi;

  /* step 2: awaitOwnership. Without a death INTENT says no more than NONE, so it is set with the number. */
#if defined(CRASH) || defined(TWO_IN_ONE)
w_number:
  if
  :: d_step { TAKE_NUMBER(t) }
  fi;
#endif
w_publish:
#ifdef TWO_IN_ONE
  d_step { request[me] = REQUEST(mine, WAITING); mutex[me] = false; note_placed(t) }
#elif defined(LATE)
  d_step { request[me] = REQUEST(mine, WAITING); LEAVE }
#else
  request[me] = REQUEST(mine, WAITING)
#endif
#ifdef AGENT
  if /* tellAgentOwner */
  :: d_step { IS_AGENTS && FAULT != 23 -> told = true }
  :: !IS_AGENTS || FAULT == 23
  fi;
#endif
#ifdef TWO_IN_ONE
  goto w_grant;
w_queue: /* it parks until it is the first, or gives up in its place; the first finds out that the lock is poisoned */
  if
  :: first[me] == t -> goto w_grant
  :: d_step {
       MAY_GIVE_UP && !mutex[me] && first[me] != t ->
       behind[me] = NOBODY; number2[me] = 0; mine = 0; asking = asking & ~BIT(t); leaves_place(t)
     } goto next
  fi;
#endif
w_grant:
  /*
   * step 3: awaitGrant, which spins here. It looks at REQUEST and then at STATE; one step is enough, since nobody has a
   * claim while owner is 0, and of a claimed request the rank stays the owner.
   */
  if
  :: GRANTED -> goto w_claimed
  :: d_step {
       OWNER(state) == 0 && MAY_ENTER -> ENTER; state = WITH_OWNER(state, me + 1); START_SCAN;
       CHECK_CLAIM(PHASE(request[me]) == WAITING)
     } goto w_first
  :: d_step {
       !GRANTED && OWNER(state) != 0 && OWNER(state) != POISONED -> asleepW = asleepW | BIT(t)
     }
     goto w_sleep
  :: MAY_GIVE_UP || OWNER(state) == POISONED || !MAY_ENTER -> goto w_withdraw
  fi;
w_sleep:
  if
  :: (asleepW & BIT(t)) == 0 -> goto w_grant
#ifdef LATE
  :: d_step { going == me -> asleepW = asleepW & ~BIT(t) } goto w_withdraw
#endif
#ifdef CRASH
  :: d_step {
       SLICE_ENDS && (GRANTED || OWNER(state) == 0 || OWNER(state) == POISONED) ->
       asleepW = asleepW & ~BIT(t)
     } goto w_grant
  :: d_step { SLICE_ENDS && MAY_BE_TAKEN_BACK -> asleepW = asleepW & ~BIT(t); then = TO_GRANT } goto t_look
  :: d_step { MAY_MEND -> asleepW = asleepW & ~BIT(t); mender = me; after = TO_GRANT } goto mend
#endif
  fi;
w_first: /* it found owner 0 and took it: is it the first? */
  if
  :: d_step { LOOK } goto w_first
#ifdef TWO_IN_ONE
  :: d_step { LOOKED && best == me -> END_SCAN; CHECK_ORDER_OF_THREAD(t) } goto w_pass
#else
  :: d_step {
       LOOKED && best == me ->
       END_SCAN; LEAVE; CHECK_ORDER(t)
     } goto w_claimed
#endif
  :: d_step { LOOKED && best != me -> START_SCAN; then = TO_GRANT } goto pass_on
  fi;
w_claimed: /* endRequest; or after the wait was given up, and then releaseOwnership */
  if
#ifdef TWO_IN_ONE
  :: d_step { OWNER(state) == me + 1 && SEQUENCE_OF(request[me]) == mine && !tooLate -> CHECK_ORDER_OF_THREAD(t) } goto w_pass
  :: d_step { OWNER(state) == me + 1 && tooLate -> leaves_place(t) } goto w_pass
  :: OWNER(state) == me + 1 && SEQUENCE_OF(request[me]) != mine && !tooLate && FAULT != 26 -> goto w_instead
  :: d_step { OWNER(state) == me + 1 && SEQUENCE_OF(request[me]) != mine && !tooLate && FAULT == 26 -> CHECK_ORDER_OF_THREAD(t) }
     goto w_pass
#else
  :: d_step { MAY_ENTER && !tooLate -> request[me] = NONE; mine = 0; waits_no_more(me); FIRST_HOLDS } goto w_drain
  :: d_step { MAY_ENTER && tooLate -> request[me] = NONE; mine = 0; tooLate = false } goto release
  :: d_step { !MAY_ENTER -> mine = 0; tooLate = false } goto next
#endif
  fi;
#ifdef TWO_IN_ONE
w_instead: /* it ends the claim of one who gave up: asks as the owner, and releases */
  if
  :: d_step { !mutex[me] -> mutex[me] = true; request[me] = INTENT }
  fi;
  state = state + ONE_PENDING;
  d_step { request[me] = REQUEST(mine, WAITING); mutex[me] = false; then = TO_GRANT }
  goto release;
w_pass: /* WriteQueue.leave of one that was granted: endRequest */
  if
  :: d_step { !mutex[me] && behind[me] == NOBODY -> request[me] = NONE; first[me] = NOBODY; mine = 0 } goto w_passed
  :: d_step { !mutex[me] && behind[me] != NOBODY -> mutex[me] = true; request[me] = INTENT }
  fi;
  state = (FAULT == 27 -> ASKED_ONCE_MORE(state) : state + ONE_PENDING);
  d_step {
    request[me] = REQUEST((FAULT == 27 -> SEQUENCE(state) : number2[me]), WAITING); mutex[me] = false;
    first[me] = behind[me]; behind[me] = NOBODY; number2[me] = 0; mine = 0
  }
w_passed:
  if
  :: d_step { tooLate -> tooLate = false } goto release
  :: d_step { !tooLate -> FIRST_HOLDS } goto w_drain
  fi;
#endif
w_withdraw: /* withdraw */
  if
#ifdef TWO_IN_ONE
  :: d_step { /* replace */
       !mutex[me] && behind[me] != NOBODY && request[me] == REQUEST(mine, WAITING) ->
       request[me] = REQUEST(number2[me], WAITING); asking = asking & ~BIT(t); leaves_place(t); mine = 0;
       first[me] = (FAULT == 28 -> first[me] : behind[me]); behind[me] = NOBODY; number2[me] = 0
     } goto next
  :: d_step { /* claimed, and not named yet: the next ends it. Of the claimed one it stays counted */
       !mutex[me] && behind[me] != NOBODY && PHASE(request[me]) == CLAIMED && OWNER(state) != me + 1 ->
       asking = asking & ~BIT(t); leaves_place(t); mine = 0; first[me] = behind[me]; behind[me] = NOBODY; number2[me] = 0
     } goto next
  :: d_step { !mutex[me] && behind[me] == NOBODY && request[me] == REQUEST(mine, WAITING) -> mutex[me] = true; request[me] = WITHDRAWN(mine); leaves_place(t) }
#else
  :: d_step { MAY_ENTER && request[me] == REQUEST(mine, WAITING) -> ENTER; request[me] = WITHDRAWN(mine); waits_no_more(me) }
  :: d_step { !MAY_ENTER -> mine = 0 } goto next /* whoever mends sees to it */
#endif
#ifdef TWO_IN_ONE
  :: d_step { !mutex[me] && behind[me] == NOBODY && PHASE(request[me]) != WAITING -> mutex[me] = true } goto w_abandon
  :: d_step { !mutex[me] && behind[me] != NOBODY && GRANTED -> tooLate = true } goto w_claimed
#else
  :: MAY_ENTER && PHASE(request[me]) == CLAIMED && FAULT != 3 -> goto w_abandon
  :: d_step { PHASE(request[me]) != WAITING && FAULT == 3 -> mine = 0 } goto next
#endif
  fi;
  if /* dropPending */
  :: d_step {
       (PENDING(state) != 1 || NO_READER_SLEEPS) && FAULT != 6 ->
       SET_AT_REST(state - ONE_PENDING); asking = asking & ~BIT(t); WITHDRAW_ENDS
     } goto w_undone
  :: d_step {
       PENDING(state) == 1 && !NO_READER_SLEEPS && FAULT != 6 ->
       SET_AT_REST(state - ONE_PENDING); asking = asking & ~BIT(t)
     }
  :: d_step { FAULT == 6 -> asking = asking & ~BIT(t); WITHDRAW_ENDS } goto w_undone
  fi;
  if
  :: d_step { RING_READERS; WITHDRAW_ENDS } goto w_undone
  fi;
w_undone:
#if defined(CRASH) || defined(TWO_IN_ONE)
  if
#ifdef TWO_IN_ONE
  :: d_step { request[me] = NONE; mine = 0; mutex[me] = false; first[me] = NOBODY } goto next
#else
  :: d_step { request[me] = NONE; mine = 0; LEAVE } goto next
#endif
  fi;
#else
  goto TELL_AND_NEXT;
#endif
#ifdef AGENT
tell_and_next: /* tellAgentOwner: there is one request less */
  if
  :: d_step { IS_AGENTS -> told = true } goto next
  :: !IS_AGENTS -> goto next
  fi;
#endif

w_abandon: /* it is claimed: stopAsking looks at owner, abandon marks it, and takeBack looks at owner again */
  if
  :: d_step { OWNER(state) == POISONED -> request[me] = NONE; mine = 0; then = AFTER_CLAIM } goto passed_on
#ifdef TWO_IN_ONE
  :: d_step { OWNER(state) == me + 1 -> tooLate = true; mutex[me] = false } goto w_claimed
#else
  :: d_step { OWNER(state) == me + 1 -> tooLate = true } goto w_claimed
#endif
  :: OWNER(state) != POISONED && OWNER(state) != me + 1
  fi;
  if
#ifdef LATE
  :: PHASE(request[me]) != CLAIMED -> goto w_withdraw
#endif
  :: d_step {
       FAULT != 29 && PHASE(request[me]) == CLAIMED -> request[me] = REQUEST(mine, ABANDONED); mine = 0; asking = asking & ~BIT(t); leaves_place(t);
       then = AFTER_CLAIM
     } goto t_look
  :: d_step {
       FAULT == 29 -> request[me] = REQUEST(mine, ABANDONED); mine = 0; asking = asking & ~BIT(t); leaves_place(t);
       then = AFTER_CLAIM
     } goto passed_on
  fi;

  /* ---- takeBack: of a member that had given up when it was named the owner, in its name. STATE before REQUEST. */
t_look:
  if
  :: OWNER(state) == 0 || OWNER(state) == POISONED || !MAY_ENTER -> goto passed_on
  :: d_step { OWNER(state) != 0 && OWNER(state) != POISONED && MAY_ENTER -> ENTER; now = state; fresh = fresh | BIT(t); best = OWNER(state) - 1 }
  fi;
t_retake:
  if
  :: d_step { (PHASE(request[best]) != ABANDONED || IS_GONE(best)) -> now = 0; fresh = fresh & ~BIT(t) } goto passed_on
  :: PHASE(request[best]) == ABANDONED && !IS_GONE(best) && best != me
  :: PHASE(request[best]) == ABANDONED && !IS_GONE(best) && best == me -> goto t_own
  fi;
  if
  :: d_step { IS_UNCHANGED -> state = WITH_OWNER(state - ONE_PENDING, me + 1); now = 0; fresh = fresh & ~BIT(t) } goto t_over
  :: d_step { !IS_UNCHANGED && OWNER(state) == best + 1 -> now = state; fresh = fresh | BIT(t) } goto t_retake
  :: d_step { !IS_UNCHANGED && OWNER(state) != best + 1 -> now = 0; fresh = fresh & ~BIT(t) } goto passed_on
  fi;
t_own: /* takeOwnBack */
  if
  :: d_step {
       PHASE(request[me]) == ABANDONED ->
       request[me] = (FAULT == 31 -> request[me] : REQUEST(SEQUENCE_OF(request[me]), RETURNING));
       now = 0; fresh = fresh & ~BIT(t)
     }
  :: d_step { PHASE(request[me]) != ABANDONED -> now = 0; fresh = fresh & ~BIT(t) } goto passed_on
  fi;
t_own_again: /* STATE before REQUEST: as long as that is there, this rank has not become the owner by anything else */
  if
  :: d_step { OWNER(state) == me + 1 -> now = state; fresh = fresh | BIT(t) }
  :: OWNER(state) != me + 1 -> goto passed_on
  fi;
  if
  :: PHASE(request[me]) == RETURNING || FAULT == 31 || FAULT == 35
  :: d_step { PHASE(request[me]) != RETURNING && FAULT != 31 && FAULT != 35 -> now = 0; fresh = fresh & ~BIT(t) } goto passed_on
  fi;
  if
  :: d_step { IS_UNCHANGED -> state = state - ONE_PENDING; now = 0; fresh = fresh & ~BIT(t) }
  :: d_step { !IS_UNCHANGED -> now = 0; fresh = fresh & ~BIT(t) } goto t_own_again
  fi;
t_over:
  if
  :: d_step { NO_WRITER_SLEEPS(best) || FAULT == 33 -> request[best] = NONE; NO_HAND_OVER; START_SCAN } goto pass_on
  :: d_step { !NO_WRITER_SLEEPS(best) && FAULT != 33 -> request[best] = NONE }
  fi;
  if
  :: d_step { RING(best); NO_HAND_OVER; START_SCAN } goto pass_on
  fi;

w_drain: /* step 4: awaitNoReaders */
#ifdef CRASH
  drains[me] = true;
#endif
w_left: /* haveLeft and awaitNoReader, which spins here; DRAINING of the last rank is taken back before the next */
  if
  :: d_step { (HOLDS(reads[at]) == 0 || FAULT == 2) && !(reads[at] & DRAINING) && !IS_LAST_HOLDS -> NEXT_HOLDS } goto w_left
  :: d_step { (HOLDS(reads[at]) == 0 || FAULT == 2) && !(reads[at] & DRAINING) && IS_LAST_HOLDS -> at = 0; ALL_LEFT }
     goto LEFT_AT
  :: HOLDS(reads[at]) == 0 && (reads[at] & DRAINING) -> goto w_unmark
  :: d_step { /* markDraining, counted asleep */
       HOLDS(reads[at]) != 0 ->
       reads[at] = (FAULT == 8 -> reads[at] : reads[at] | DRAINING); asleepW = asleepW | BIT(t)
     }
     goto w_asleep
  :: d_step { MAY_GIVE_UP && HOLDS(reads[at]) != 0 -> tooLate = true } goto w_unmark
  fi;
w_asleep:
  if
  :: (asleepW & BIT(t)) == 0 -> goto w_left
#ifdef LATE
  :: d_step { going == me -> asleepW = asleepW & ~BIT(t); tooLate = true } goto w_unmark
#endif
#ifdef CRASH
  :: d_step { SLICE_ENDS && HOLDS(reads[at]) == 0 -> asleepW = asleepW & ~BIT(t) } goto w_left
  :: d_step { MAY_MEND -> asleepW = asleepW & ~BIT(t); mender = me; after = TO_DRAIN } goto mend
#endif
  fi;
w_unmark: /* unmarkDraining */
  if
  :: d_step { !tooLate && !IS_LAST_HOLDS -> reads[at] = reads[at] & ~DRAINING; NEXT_HOLDS } goto w_left
  :: d_step { !tooLate && IS_LAST_HOLDS -> reads[at] = reads[at] & ~DRAINING; at = 0; ALL_LEFT } goto LEFT_AT
  :: d_step { tooLate -> reads[at] = reads[at] & ~DRAINING; at = 0; tooLate = false }
  fi;
#ifdef CRASH
  if
  :: d_step { drains[me] = false; OWNS_LATE }
  fi;
#endif
  goto release;
#ifdef CRASH
w_left_now:
  if /* endDraining, between enter and leave: so who finds the rank gone, and at this, knows that it will not write */
  :: d_step { MAY_ENTER || FAULT == 41 -> drains[me] = false; begins_to_write(t) }
  :: d_step { !MAY_ENTER && FAULT != 41 -> drains[me] = false; OWNS_LATE } goto release
  fi;
#endif

w_token: /* step 5: beginWrite gets TOKEN and sets it to the next */
#ifdef LATE
  if
  :: readsLast = readsLast | BIT(t)
  fi;
  if
#ifdef RELEASE /* by compareAndSet: others may write, who got what a rank had that is gone */
  :: d_step { FAULT != 43 && (readsLast & BIT(t)) != 0 -> readsLast = 0 } goto release
  :: d_step { FAULT != 43 && (readsLast & BIT(t)) == 0 && !IS_LATE(t) -> skip } goto w_token
  :: d_step { FAULT != 43 && (readsLast & BIT(t)) == 0 && IS_LATE(t) -> skip } goto release
  :: d_step { FAULT == 43 -> CHECK_TOKENS(readsLast & BIT(t)); readsLast = 0 } goto release
#else
  :: d_step { CHECK_TOKENS(readsLast & BIT(t)); readsLast = 0 } goto release
#endif
  fi;
#endif
  readsLast = (FAULT == 16 -> readsLast : readsLast | BIT(t));
  if
  :: d_step { CHECK_TOKENS(readsLast & BIT(t)); readsLast = 0 } goto release
  fi;

  /* ---- step 6: releaseOwnership. */
release:
#ifdef PHASE_FAIR
  if /* admitReaders */
  :: d_step {
       at < RANKS ->
       STOP_WRITING(t);
       again = again || WAITS(reads[at]) != 0;
       reads[at] = (WAITS(reads[at]) != 0 && FAULT != 17 -> ADMITTED(reads[at]) : reads[at]);
       at++
     } goto release
  :: d_step { at == RANKS && again -> at = 0; again = false; RING_READERS }
  :: d_step { at == RANKS && !again -> at = 0 }
  fi;
#endif
  if
  :: d_step {
       PENDING(state) == 1 && (!IS_LATE(t) || OWNER(state) == me + 1 || FAULT == 39) ->
       CHECK_OWNER(OWNER(state) == me + 1);
       STOP_WRITING(t); ENDS_LATE; asking = asking & ~BIT(t); SET_AT_REST(state - ONE_PENDING - (me + 1))
     } goto ring_readers
  :: d_step {
       PENDING(state) != 1 && MAY_ENTER && (!IS_LATE(t) || OWNER(state) == me + 1) ->
       ENTER; STOP_WRITING(t); counted = true; START_SCAN; HAND_OVER
     }
#ifdef LATE
  :: d_step { PENDING(state) != 1 && !MAY_ENTER -> STOP_WRITING(t) } goto next
  :: d_step { IS_LATE(t) && OWNER(state) != me + 1 -> STOP_WRITING(t) } goto next
#endif
  fi;

pass_on: /* passOn */
#ifdef TWO_IN_ONE
  if /* nextRequest */
  :: d_step {
       mayHandOver && handovers[me] < HANDOVERS && PHASE(request[me]) == WAITING ->
       handovers[me]++; best = me; number = SEQUENCE_OF(request[me]); at = 0; end = 0
     } goto found
  :: d_step { !(mayHandOver && handovers[me] < HANDOVERS && PHASE(request[me]) == WAITING) -> handovers[me] = 0 }
  fi;
pass_on_to_first:
  if
  :: d_step { LOOK } goto pass_on_to_first
  :: LOOKED && best == NOBODY -> goto set_free
  :: LOOKED && best != NOBODY
  fi;
found:
  if /* giveTo, to the own rank: before the claim */
  :: d_step { best == me && counted && FAULT != 12 -> GIVE(me + 1) }
  :: best != me || !counted || FAULT == 12
  fi;
#endif
give_to_found:
  if
#ifndef TWO_IN_ONE
  :: d_step { LOOK } goto give_to_found
  :: LOOKED && best == NOBODY -> goto set_free
#endif
  :: d_step { /* claim */
       LOOKED && best != NOBODY &&
       (request[best] == REQUEST(number, WAITING) || (FAULT == 5 && PHASE(request[best]) == WAITING)) ->
       CHECK_ORDER(best);
       waits_no_more(best);
       request[best] = REQUEST(SEQUENCE_OF(request[best]), CLAIMED)
     }
  :: d_step {
       LOOKED && best != NOBODY &&
       !(request[best] == REQUEST(number, WAITING) || (FAULT == 5 && PHASE(request[best]) == WAITING)) ->
       if
       :: FAULT != 20 -> START_SCAN
       :: else
       fi
     }
     goto pass_on
  fi;
  if /* giveTo */
  :: d_step { (best != me || FAULT == 12) && !NO_WRITER_SLEEPS(best) -> GIVE(best + 1) }
  :: d_step { (best != me || FAULT == 12) && NO_WRITER_SLEEPS(best) -> GIVE(best + 1) } goto given
  :: best == me && FAULT != 12
  fi;
  if
  :: d_step { RING(best) }
  fi;
given: /* it may have given up before it was named: retake */
  if
  :: best == me || PHASE(request[best]) != ABANDONED || FAULT == 30 -> goto passed_on
  :: best != me && PHASE(request[best]) == ABANDONED && FAULT != 30
  fi;
  if
  :: d_step { OWNER(state) == best + 1 -> now = state; fresh = fresh | BIT(t) } goto t_retake
  :: OWNER(state) != best + 1 -> goto passed_on
  fi;
set_free:
  if
  :: d_step { PENDING(COUNTED_OFF(state)) == 0 -> GIVE(0) } goto ring_readers
  :: d_step { PENDING(COUNTED_OFF(state)) != 0 -> GIVE(0); NO_HAND_OVER; START_SCAN }
  fi;
look_again:
  if
  :: d_step { LOOK } goto look_again
  :: LOOKED && best == NOBODY || FAULT == 4 -> goto passed_on
  :: d_step { LOOKED && best != NOBODY && OWNER(state) == 0 && FAULT != 4 -> state = WITH_OWNER(state, me + 1); START_SCAN }
     goto pass_on
  :: LOOKED && best != NOBODY && OWNER(state) != 0 && FAULT != 4 -> goto passed_on
  fi;
ring_readers:
  if
  :: d_step { !NO_READER_SLEEPS -> RING_READERS }
  :: NO_READER_SLEEPS
  fi;
passed_on:
  if
  :: d_step { then == TO_NEXT -> END_SCAN; NO_HAND_OVER; LEAVE } goto next
  :: d_step { then == TO_GRANT -> END_SCAN; NO_HAND_OVER; ASKS(t); then = 0; LEAVE } goto w_grant
#ifdef TWO_IN_ONE
  :: d_step { then == TO_UNLINK -> END_SCAN; NO_HAND_OVER; then = 0; mutex[me] = false; first[me] = NOBODY } goto next
#endif
#ifdef AGENT
  :: d_step { then == TO_AGENT -> END_SCAN; then = 0 } goto a_look
#endif
#ifdef CRASH
  :: d_step { then == TO_MEND -> END_SCAN; then = 0 } goto m_end
  :: d_step { then == TO_END -> END_SCAN; then = 0; LEAVE } goto last
#ifdef PHASE_FAIR
  :: d_step { then == TO_BATCH -> END_SCAN; then = 0; LEAVE } goto b_look
#endif
#endif
  fi;

#ifdef AGENT
  /*
   * ---- The agent: NodeGate, and PermissionHolder as far as the gate sees it. It waits for nothing but news: that it was told, or a
   * message from the home. The home grants what is asked, and recalls RECALLS times, to whichever limit, and may take a
   * recall back.
   */
agent:
end_agent:
  if
  :: d_step { told -> told = false } goto a_look
  :: d_step { asked > held && limit >= held -> held = asked; permission = asked; asked = NONE; wanted = held } goto a_open
  :: d_step { left > 0 && limit == EXCLUSIVE && held > NONE -> left--; limit = NONE } goto a_look
  :: d_step { left > 0 && limit == EXCLUSIVE && held == EXCLUSIVE -> left--; limit = SHARED } goto a_look
  :: d_step { limit < held -> limit = EXCLUSIVE; wanted = held } goto a_open
  fi;

a_look: /* PermissionHolder.look */
  if
  :: limit < held -> goto a_close
  :: limit >= held
  fi;
a_want: /* wanted: it looks at each rank's REQUEST and READS */
  if
  :: d_step { at < RANKS && !again && PHASE(request[at]) == WAITING -> wanted = EXCLUSIVE; at = RANKS; again = false } goto a_want
  :: d_step { at < RANKS && !again && PHASE(request[at]) != WAITING -> again = true } goto a_want
  :: d_step { at < RANKS && again -> wanted = (WAITS(reads[at]) != 0 -> SHARED : wanted); again = false; at++ } goto a_want
  :: d_step { at == RANKS -> at = 0; asked = (held < wanted -> wanted : NONE); wanted = NONE } goto agent
  fi;

a_close: /* NodeGate.close */
  if
  :: d_step { gate == OPEN && IS_FREE(state) -> state = ASKED_ONCE_MORE(state) + AGENTS + 1; gate = DRAINED } goto a_drain
  :: d_step {
       gate == OPEN && !IS_FREE(state) && request[AGENTS] == NONE ->
       state = ASKED_ONCE_MORE(state); mine = SEQUENCE(state); gate = ASKING
     } goto a_ask
  :: gate == OPEN && !IS_FREE(state) && request[AGENTS] != NONE && !MAY_BE_TAKEN_BACK -> goto agent /* whoever ends it tells */
  :: d_step { gate == OPEN && MAY_BE_TAKEN_BACK -> then = TO_AGENT } goto t_look
  :: d_step { gate == READABLE && limit == NONE -> state = state + ONE_PENDING; gate = DRAINED } goto a_drain
  :: gate == READABLE && limit == SHARED -> goto a_yield
  :: gate == ASKING -> goto a_finish
  :: gate == DRAINED -> goto a_drain
  fi;
a_ask: /* startAsking */
  request[AGENTS] = REQUEST(mine, WAITING);
a_finish: /* tryFinishAsking gets STATE, and then looks at REQUEST */
  best = OWNER(state);
  if
  :: d_step { PHASE(request[AGENTS]) == CLAIMED && best != AGENTS + 1 -> best = 0 } goto agent
  :: d_step { PHASE(request[AGENTS]) == CLAIMED && best == AGENTS + 1 -> best = 0 }
  :: d_step { PHASE(request[AGENTS]) != CLAIMED && best != 0 -> best = 0 } goto agent
  :: PHASE(request[AGENTS]) != CLAIMED && best == 0 -> goto a_take
  fi;
a_own:
  if
  :: d_step { request[AGENTS] = NONE; mine = 0; gate = DRAINED } goto a_drain
  fi;
a_take: /* takeFree */
  if
  :: d_step { OWNER(state) == 0 -> state = WITH_OWNER(state, AGENTS + 1) } goto a_own
  :: OWNER(state) != 0 -> goto agent
  fi;
a_drain:
  if
  :: limit == SHARED -> goto a_readers
  :: d_step { limit != SHARED -> at = 0; again = false }
  fi;
a_mark: /* haveReadersLeft */
  if
  :: d_step { at < RANKS && HOLDS(reads[at]) == 0 -> at++ } goto a_mark
  :: d_step { at < RANKS && HOLDS(reads[at]) != 0 -> reads[at] = reads[at] | DRAINING; again = FAULT != 24; at++ } goto a_mark
  :: d_step { at == RANKS && again -> at = 0; again = false } goto agent
  :: d_step { at == RANKS && !again -> at = 0 }
  fi;
a_unmark: /* stopDraining */
  if
  :: d_step { at < RANKS -> reads[at] = reads[at] & ~DRAINING; at++ } goto a_unmark
  :: d_step { at == RANKS -> at = 0; gate = CLOSED } goto a_yield
  fi;
a_yield: /* PermissionHolder.giveUp: the yield, and then what the node keeps */
  if
  :: d_step {
       CHECK_PERMISSION(writing == NOBODY && (limit != NONE || reading == 0));
       held = limit; permission = limit; limit = EXCLUSIVE
     } goto a_want
  fi;

a_open: /* NodeGate.open(wanted) */
  if
  :: d_step { wanted == SHARED && gate != DRAINED && gate != CLOSED -> wanted = NONE } goto a_look
  :: d_step { wanted == SHARED && (gate == DRAINED || gate == CLOSED) -> wanted = NONE } goto a_readers
  :: d_step { wanted == EXCLUSIVE && gate == OPEN -> wanted = NONE } goto a_look
  :: d_step { wanted == EXCLUSIVE && gate == ASKING -> wanted = NONE; gate = OPEN } goto a_stop
  :: d_step { wanted == EXCLUSIVE && gate == READABLE -> wanted = NONE; gate = OPEN; counted = false }
  :: d_step { wanted == EXCLUSIVE && (gate == DRAINED || gate == CLOSED) -> wanted = NONE; gate = OPEN; counted = true }
  fi;
a_undrain:
  if
  :: d_step { at < RANKS -> reads[at] = reads[at] & ~DRAINING; at++ } goto a_undrain
  :: d_step { at == RANKS -> START_SCAN; then = TO_AGENT } goto pass_on
  fi;
a_stop: /* stopAsking, or finishClaim and releaseOwnership */
  if
  :: d_step { PHASE(request[AGENTS]) == WAITING -> request[AGENTS] = NONE; mine = 0 } goto a_drop
  :: PHASE(request[AGENTS]) != WAITING
  fi;
  if
  :: d_step { OWNER(state) == AGENTS + 1 -> request[AGENTS] = NONE; mine = 0; then = TO_AGENT } goto release
  :: OWNER(state) != AGENTS + 1
  fi;
  if
  :: d_step { request[AGENTS] = REQUEST(mine, ABANDONED); mine = 0; then = TO_AGENT } goto t_look
  fi;
a_readers: /* letReadersIn: stopDraining, wanted, admitReaders, dropPending */
  if
  :: d_step { at < RANKS -> reads[at] = reads[at] & ~DRAINING; at++ } goto a_readers
  :: d_step { at == RANKS -> at = 0; gate = READABLE }
  fi;
a_who:
  if
  :: d_step { at < RANKS && PHASE(request[at]) == WAITING && !PHASE_FAIRLY -> at = 0 } goto a_drop
  :: d_step { at < RANKS && (PHASE(request[at]) != WAITING || PHASE_FAIRLY) -> at++ } goto a_who
  :: d_step { at == RANKS -> at = 0 }
  fi;
a_admit:
  if
  :: d_step { at < RANKS -> reads[at] = (WAITS(reads[at]) != 0 -> ADMITTED(reads[at]) : reads[at]); at++ } goto a_admit
  :: d_step { at == RANKS -> at = 0; RING_READERS }
  fi;
a_drop: /* dropPending */
  if
  :: d_step { PENDING(state) == 1 -> SET_AT_REST(state - ONE_PENDING) }
  :: d_step { PENDING(state) != 1 -> SET_AT_REST(state - ONE_PENDING) } goto a_opened
  fi;
  if
  :: d_step { RING_READERS }
  fi;
a_opened:
  if
  :: limit < held -> goto a_yield
  :: limit >= held -> goto a_look
  fi;
#endif

#ifdef CRASH
/* It may be returning by now, which it cannot get on with: the owner is another. */
#define IS_OVER(n) (request[n] == over[n] || (PHASE(over[n]) == ABANDONED && request[n] == over[n] + 1 && FAULT != 38))
#ifdef LATE
#define HAS_GONE_ON goneOn
#else
#define HAS_GONE_ON true
#endif
#define CLEAR(n) request[n] = (over[n] != NONE && IS_OVER(n) -> NONE : request[n]); over[n] = NONE
#if MEMBERS == 2
#define FORGET_OVER over[0] = 0; over[1] = 0
#else
#define FORGET_OVER over[0] = 0; over[1] = 0; over[2] = 0
#endif
  /* ---- Recovery.mend. isNeeded is the guard of MAY_MEND, and MENDER is taken in the same step. */
mend:
  if
  :: d_step { MAY_ENTER -> ENTER; keep = at; at = 0 }
  :: !MAY_ENTER -> goto m_end
  fi;
  if /* mendReads */
  :: d_step {
       HOLDS(reads[dead]) + WAITS(reads[dead]) != 0 -> reads[dead] = reads[dead] & 240
     }
  :: HOLDS(reads[dead]) + WAITS(reads[dead]) == 0 -> goto m_write
  fi;
  if /* ringDrainer */
  :: d_step { IS_DRAINER_ASLEEP -> best = OWNER(state) }
  :: !IS_DRAINER_ASLEEP -> goto m_write
  fi;
  d_step { RING(best - 1); best = 0 }
m_write: /* mendWrite */
  if
  :: d_step { OWNER(state) == 0 -> now = state }
  :: OWNER(state) == dead + 1 -> goto m_settle
  :: OWNER(state) != 0 && OWNER(state) != dead + 1 -> goto m_end
  fi;
  if /* isAskedByGone */
  :: PHASE(request[dead]) != NONE
  :: d_step { PHASE(request[dead]) == NONE -> now = 0 } goto m_end
  fi;
  if
  :: d_step { state == now -> state = WITH_OWNER(state, me + 1); now = 0 } goto m_settle
  :: d_step { state != now -> now = 0 } goto m_end
  fi;
#ifdef CLEARS
  goto m_settle;
clear_poison: /* clearPoison */
  if
  :: d_step { MAY_ENTER -> ENTER; keep = at; at = 0 }
  :: !MAY_ENTER -> goto m_end
  fi;
#endif
m_settle: /* settle: number counts, best is the heir, again says that somebody is at INTENT */
  if
  :: d_step {
       OWNER(state) == me + 1 || (FAULT == 36 && OWNER(state) != dead + 1) ->
       now = state; fresh = fresh | BIT(t); number = 0; best = NOBODY; again = false; at = 0
     } goto m_count
  :: d_step { CLEARING -> now = state; fresh = fresh | BIT(t); number = (FAULT == 46 -> 1 : 0); best = NOBODY; again = false; at = 0 } goto m_count
  :: d_step { OWNER(state) == dead + 1 -> now = state; fresh = fresh | BIT(t); number = 0; best = NOBODY; again = false; at = 0 }
  :: d_step { /* somebody took it back from the dead */
       OWNER(state) != dead + 1 && OWNER(state) != me + 1 && !CLEARING && FAULT != 36 -> number = 0; best = 0; again = false; at = 0; now = 0
     } goto m_end
  fi;
m_written: /* hasWritten */
#ifdef RELEASE
  goto m_count;
#else
  if
  :: drains[dead] || FAULT == 10 || (FAULT == 42 && counted) -> goto m_count
  :: !drains[dead] && FAULT != 10 && !(FAULT == 42 && counted)
  fi;
m_claimed: /* isClaimed */
  if
  :: d_step { at < MEMBERS && !IS_CLAIM(request[at]) -> at++ } goto m_claimed
  :: d_step { at < MEMBERS && IS_CLAIM(request[at]) && FAULT != 15 -> at = 0 } goto m_count
  :: d_step { at < MEMBERS && IS_CLAIM(request[at]) && FAULT == 15 -> at++ } goto m_claimed
  :: d_step { at == MEMBERS -> at = 0 }
  fi;
  if /* poison, in place of that owner */
  :: d_step {
       OWNER(state) == dead + 1 || FAULT == 37 ->
       state = WITH_PENDING(WITH_OWNER(state, POISONED), PENDING(state) + 1); best = 0; now = 0; counted = false;
       CHECK_POISON(deadOwned)
     }
  :: d_step { OWNER(state) != dead + 1 && FAULT != 37 -> best = 0; now = 0 } goto m_end /* somebody took it back */
  fi;
  d_step { RING_READERS }
m_ring_all:
  if
  :: d_step { at < MEMBERS -> RING(at); at++ } goto m_ring_all
  :: d_step { at == MEMBERS -> at = 0 } goto m_end
  fi;
#endif
m_count:
  if
  :: d_step {
       at < MEMBERS ->
       if
       :: at == dead && FAULT != 9 -> /* a claim of the dead owner tells, while it owns, that it has not written */
            over[at] = (OWNER(now) == dead + 1 && IS_CLAIM(request[at]) -> NONE : request[at])
       :: else ->
            if
            :: PHASE(request[at]) == INTENT -> again = again || (FAULT != 14 && !(FAULT == 45 && CLEARING))
            :: PHASE(request[at]) == WAITING -> number = (FAULT == 44 && CLEARING -> number : number + 1)
            :: PHASE(request[at]) == CLAIMED && !CLEARING -> number++; best = at
            :: PHASE(request[at]) == CLAIMED && CLEARING -> again = true /* it sees the poison, and ends its request */
            :: PHASE(request[at]) == ABANDONED || PHASE(request[at]) == RETURNING -> /* what it was to get goes to another */
                 over[at] = request[at]; number = (FAULT == 34 -> number + 1 : number)
            :: PHASE(request[at]) == NONE
            fi
       fi;
       at++
     } goto m_count
  :: d_step { at == MEMBERS && !again -> at = ((OWNER(now) == dead + 1 && FAULT != 21) || CLEARING -> 0 : MEMBERS) }
  :: d_step { at == MEMBERS && again && NOBODY_LIVE_AT_INTENT -> at = 0; again = false; FORGET_OVER } goto m_settle
  fi;
m_clear: /* what is over, before anybody owns who might claim it; not if this one owns */
  if
  :: d_step { at < MEMBERS -> CLEAR(at); at++ } goto m_clear
  :: d_step { at == MEMBERS -> at = 0 }
  fi;
  if
  :: d_step {
       IS_UNCHANGED ->
       fresh = fresh & ~BIT(t);
       counted = OWNER(now) == dead + 1; /* the dead owner's request goes last */
       now = 0;
#ifdef CLEARS
       dirty = dirty && !CLEARING;
#endif
       state = WITH_PENDING(WITH_OWNER(state, (best != NOBODY -> best : me) + 1), number);
       number = 0
     }
  :: d_step { !IS_UNCHANGED -> FORGET_OVER; counted = FAULT == 42 } goto m_settle
  fi;
m_over:
  if
  :: d_step { at < MEMBERS -> CLEAR(at); at++ } goto m_over
  :: d_step { at == MEMBERS -> at = 0 }
  fi;
  if
  :: d_step { counted || FAULT == 9 -> request[dead] = NONE; counted = false }
  :: !counted && FAULT != 9
  fi;
  if
  :: d_step { best != NOBODY -> RING(best); best = 0; then = TO_MEND } goto t_look /* it may have given up since */
  :: d_step { best == NOBODY -> best = 0 }
  fi;
#ifdef PHASE_FAIR
m_admit: /* admitReaders */
  if
  :: d_step {
       at < RANKS ->
       again = again || WAITS(reads[at]) != 0;
       reads[at] = (WAITS(reads[at]) != 0 -> ADMITTED(reads[at]) : reads[at]);
       at++
     } goto m_admit
  :: d_step { at == RANKS && again -> at = 0; again = false; RING_READERS }
  :: d_step { at == RANKS && !again -> at = 0 }
  fi;
#endif
  if
  :: d_step { START_SCAN; then = TO_MEND } goto pass_on
  fi;
m_end:
  if
#ifdef CLEARS
  :: d_step { cleared = cleared || clearing; clearing = false; mender = NOBODY; fresh = fresh & ~BIT(t); at = keep; keep = 0; LEAVE }
#else
  :: d_step { mender = NOBODY; fresh = fresh & ~BIT(t); at = keep; keep = 0; LEAVE }
#endif
  fi;
  if
  :: d_step { after == TO_READ -> after = 0 }
#ifdef PHASE_FAIR
     goto b_look
#else
     goto next
#endif
  :: d_step { after == TO_ASK -> after = 0 } goto next
  :: d_step { after == TO_GRANT -> after = 0 } goto w_grant
  :: d_step { after == TO_DRAIN -> after = 0 } goto w_left
  :: d_step { after == TO_END -> after = 0 } goto last
  fi;
#endif

last: /* the last thread that ends looks at what is left */
#ifdef CRASH
  if
  :: !ANY_DEAD || (noticed && HAS_GONE_ON && !IS_MENDING_NEEDED && !MAY_BE_TAKEN_BACK)
  :: d_step { noticed && MAY_BE_TAKEN_BACK -> then = TO_END } goto t_look
  :: d_step { MAY_MEND -> mender = me; after = TO_END } goto mend
#ifdef CLEARS
  :: d_step { MAY_CLEAR -> mender = me; clearing = true; after = TO_END } goto clear_poison
#endif
  fi;
  if
  :: d_step { CHECK_TRACE(OWNER(state) == POISONED || (IS_FREE(state) && NO_REQUEST && NO_HOLDS)) } goto done
  fi
#else
#ifdef AGENT
  if /* the agent may be about to take ownership back */
  :: NOBODY_GAVE_UP
  fi;
#endif
  if
  :: d_step { CHECK_TRACE(AT_REST_AGAIN && NO_REQUEST && NOTHING_READ && (asleepR | asleepW) == 0) } goto done
  fi
#endif
  }
#ifdef CRASH
  unless {
    d_step { STOPPED(t) -> left = 0; now = 0; fresh = fresh & ~BIT(t); mine = 0; END_SCAN; counted = false; tooLate = false; then = 0; after = 0; keep = 0 }
  }
#endif
  ;
done:
end_done:
  false
}

#ifdef CRASH
/* One rank stops at any step, and at any time after that the others see that it did. At least one lives on. */
proctype Crash() {
#ifdef LATE
  if
  :: d_step { !(finished & BIT(0)) && (finished | BIT(0)) != ALL_THREADS -> going = 0 }
  :: d_step { !(finished & BIT(1)) && (finished | BIT(1)) != ALL_THREADS -> going = 1 }
  :: finished == ALL_THREADS -> goto done
  fi;
  if
  :: d_step { !(inside & BIT(0)) && going == 0 && STOP(0); noticed = true }
  :: d_step { !(inside & BIT(1)) && going == 1 && STOP(1); noticed = true }
  fi;
#else
  if
  :: d_step { STOP(0) }
  :: d_step { STOP(1) }
#if RANKS > 2
  :: d_step { STOP(2) }
#endif
  :: finished == ALL_THREADS -> goto done
  fi;
  noticed = true;
#endif
done:
end_done:
  false
}
#endif

init {
  atomic {
    run Thread(0, RANK(0));
#if THREADS > 1
    run Thread(1, RANK(1));
#endif
#if THREADS > 2
    run Thread(2, RANK(2));
#endif
#ifdef CRASH
    run Crash();
#endif
#ifdef AGENT
    run Thread(AGENTS, AGENTS);
#endif
    skip
  }
}

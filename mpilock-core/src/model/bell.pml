/*
 * The bell on which waits sleep, as a model for Spin: io.mpilock.internal.window.Bell, access by access, and below it a futex
 * (NodeWindow.sleepWhile and wake), which looks at its word and goes to sleep in one step.
 *
 * Two threads sleep, each until the level that it waits for; two raise the level by one and ring. In the code a sleep ends
 * after a slice of 20 ms at the latest; here only a wake ends it, so that a lost wake-up is a deadlock. node.pml relies on
 * this: it counts a sleeper and looks at what is waited for in one step.
 *
 * Options (-D): FAULT=n plants a fault.
 */

#ifndef FAULT
#define FAULT 0
#endif

byte level;
byte epoch;
byte sleepers;
byte inFutex; /* threads that the kernel has put to sleep */

#define BIT(n) (1 << (n))

proctype Sleeper(byte t; byte wanted) {
  byte seen;
  do
  :: level >= wanted -> break
  :: level < wanted -> /* Bell.sleep */
       if
       :: FAULT != 1 -> sleepers++
       :: FAULT == 1
       fi;
       if
       :: FAULT != 2 -> seen = epoch
       :: FAULT == 2
       fi;
       if
       :: level >= wanted
       :: level < wanted ->
            if
            :: FAULT == 1 -> sleepers++
            :: FAULT == 2 -> seen = epoch
            :: FAULT != 1 && FAULT != 2
            fi;
            if /* sleepWhile */
            :: d_step { epoch == seen -> inFutex = inFutex | BIT(t) }
               (inFutex & BIT(t)) == 0
            :: epoch != seen
            fi
       fi;
       sleepers--
  od;
end_done:
  false
}

proctype Ringer() {
  if
  :: FAULT != 3 -> level++
  :: FAULT == 3
  fi;
  if /* Bell.ring */
  :: sleepers != 0 ->
       if
       :: FAULT != 4 -> epoch++
       :: FAULT == 4
       fi;
       inFutex = 0
  :: sleepers == 0
  fi;
  if
  :: FAULT == 3 -> level++
  :: FAULT != 3
  fi;
end_done:
  false
}

init {
  atomic {
    run Sleeper(0, 1);
    run Sleeper(1, 2);
    run Ringer();
    run Ringer()
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came of the notes of one rank: distributions for each resource and mode, the last events,
 * and those that waited longest. Guarded by its monitor.
 */
final class LockAccount implements NoteSink {
  private static final int WORST_WAITS = 100;
  private static final int USES = LockUse.values().length;

  /** By 1 more than the resource's number, then by use. */
  private final @Nullable ModeFigures[] figures;

  private final int events;
  private final LastEvents last;
  private final WorstWaits worst;
  private long ended;

  /**
   * Makes one.
   *
   * @param resources how many there may be, beside that of number -1
   * @param events how many events to keep
   * @param late how many later events a note may come behind
   */
  LockAccount(int resources, int events, int late) {
    this.figures = new @Nullable ModeFigures[(resources + 1) * USES];
    this.events = events;
    this.last = new LastEvents(events == 0 ? 0 : events + late);
    this.worst = new WorstWaits(Math.min(events, WORST_WAITS));
  }

  @Override
  public void take(long kind, long beginNanos, long waitNanos, long holdNanos, String thread) {
    ModeFigures of = figures(kind);
    if (NoteKind.isGrant(kind)) {
      of.granted(waitNanos, NoteKind.contended(kind));
      return;
    }
    switch (NoteKind.outcome(kind)) {
      case GRANTED -> {
        if (NoteKind.use(kind) == LockUse.SINGLE_WRITE && NoteKind.contended(kind)) {
          of.waited(waitNanos); // of a rank that does not write
        } else {
          of.held(holdNanos);
        }
      }
      case GAVE_UP -> of.gaveUp(waitNanos);
      case FAILED -> of.failed(waitNanos);
    }
    ended++;
    last.take(kind, beginNanos, waitNanos, holdNanos, thread);
    worst.take(kind, beginNanos, waitNanos, holdNanos, thread);
  }

  private ModeFigures figures(long kind) {
    int at = (NoteKind.resource(kind) + 1) * USES + NoteKind.use(kind).code();
    ModeFigures known = figures[at];
    if (known == null) {
      known = new ModeFigures();
      figures[at] = known;
    }
    return known;
  }

  /** How many requests have ended. */
  long ended() {
    return ended;
  }

  /** The figures of a resource, by use. */
  List<ModeRecord> modes(int resource, String name) {
    List<ModeRecord> records = new ArrayList<>();
    for (LockUse use : LockUse.values()) {
      ModeFigures of = figures[(resource + 1) * USES + use.code()];
      if (of != null) {
        records.add(of.snapshot(name, use));
      }
    }
    return records;
  }

  /** Copies the events, so that whoever reads them holds up nobody who notes. */
  KeptEvents events() {
    return new KeptEvents(events, last.copy(), worst.copy());
  }
}

package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** What one rank came to with one resource. A mode's figures are made with its first use. */
final class ResourceFigures {
  private final int index;
  private final String name;
  private final AtomicReferenceArray<ModeFigures> byUse =
      new AtomicReferenceArray<>(LockUse.values().length);

  ResourceFigures(int index, String name) {
    this.index = index;
    this.name = name;
  }

  /** Its number among the resources of the rank. */
  int index() {
    return index;
  }

  String name() {
    return name;
  }

  ModeFigures of(LockUse use) {
    ModeFigures figures = byUse.getAcquire(use.code());
    return figures != null ? figures : make(use);
  }

  private ModeFigures make(LockUse use) {
    byUse.compareAndSet(use.code(), null, new ModeFigures());
    return byUse.get(use.code());
  }

  List<ModeRecord> snapshot() {
    List<ModeRecord> records = new ArrayList<>();
    for (LockUse use : LockUse.values()) {
      ModeFigures figures = byUse.get(use.code());
      if (figures != null) {
        records.add(figures.snapshot(name, use));
      }
    }
    return records;
  }
}

package io.mpilock.spring.report;

import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.transport.Member;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Records what happens to the locks of one rank, in bounded memory: distributions for each resource
 * and mode, the last events, and those that waited longest. Threads share no lock, nothing is
 * allocated for an event, and the clock is read once, at its end.
 */
final class LockRecorder implements LockListener {
  /** Resources beyond the limit are counted together, under this name. */
  static final String OTHERS = "(others)";

  static final int MOST_RESOURCES = 64;
  private static final int WORST_WAITS = 100;

  private final ConcurrentMap<String, ResourceFigures> resources = new ConcurrentHashMap<>();
  private final List<ResourceFigures> byIndex = new ArrayList<>(); // guarded by itself
  private final ResourceFigures others = new ResourceFigures(-1, OTHERS);
  private final ThreadLocal<OpenHolds> open = ThreadLocal.withInitial(OpenHolds::new);
  private volatile boolean full; // no resource gets figures of its own any more
  private final EventRing events;
  private final WorstWaits worst;
  private final long startNanoTime;
  private final long startEpochNanos;

  /**
   * Makes a recorder.
   *
   * @param events how many events to keep; 0 keeps figures alone
   */
  LockRecorder(int events) {
    this.events = new EventRing(events);
    this.worst = new WorstWaits(Math.min(events, WORST_WAITS));
    this.startNanoTime = System.nanoTime();
    Instant now = Instant.now();
    this.startEpochNanos = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
  }

  @Override
  public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
    LockUse use = LockUse.of(mode);
    figures(resource).of(use).granted(waitNanos, contended);
    open.get().push(resource, use, waitNanos, contended);
  }

  @Override
  public void released(String resource, LockMode mode, long holdNanos) {
    LockUse use = LockUse.of(mode);
    ResourceFigures figures = figures(resource);
    figures.of(use).held(holdNanos);
    long taken = open.get().take(resource, use);
    boolean known = taken != OpenHolds.UNKNOWN;
    add(
        known ? taken >>> 1 : 0,
        holdNanos,
        EventKind.of(figures.index(), use, LockOutcome.GRANTED, known && (taken & 1) != 0));
  }

  @Override
  public void timedOut(String resource, LockMode mode, long waitNanos) {
    ResourceFigures figures = figures(resource);
    figures.of(LockUse.of(mode)).gaveUp(waitNanos);
    add(waitNanos, 0, EventKind.of(figures.index(), LockUse.of(mode), LockOutcome.GAVE_UP, true));
  }

  @Override
  public void failed(String resource, LockMode mode, long waitNanos, RuntimeException failure) {
    ResourceFigures figures = figures(resource);
    figures.of(LockUse.of(mode)).failed(waitNanos);
    add(waitNanos, 0, EventKind.of(figures.index(), LockUse.of(mode), LockOutcome.FAILED, true));
  }

  @Override
  public void singleWrite(
      String resource, boolean writer, long nanos, long sharedBytes, @Nullable Throwable failure) {
    ResourceFigures figures = figures(resource);
    ModeFigures single = figures.of(LockUse.SINGLE_WRITE);
    LockOutcome outcome = failure == null ? LockOutcome.GRANTED : LockOutcome.FAILED;
    if (failure != null) {
      single.failed(nanos);
    } else if (writer) {
      single.held(nanos);
    } else {
      single.waited(nanos);
    }
    boolean holds = writer && failure == null;
    add(
        holds ? 0 : nanos,
        holds ? nanos : 0,
        EventKind.of(figures.index(), LockUse.SINGLE_WRITE, outcome, !holds));
  }

  private void add(long waitNanos, long holdNanos, long kind) {
    long begin = System.nanoTime() - holdNanos - waitNanos;
    String thread = Thread.currentThread().getName();
    events.add(begin, waitNanos, holdNanos, kind, thread);
    worst.add(begin, waitNanos, holdNanos, kind, thread);
  }

  private ResourceFigures figures(String resource) {
    ResourceFigures figures = resources.get(resource);
    return figures != null ? figures : full ? others : register(resource);
  }

  private ResourceFigures register(String resource) {
    synchronized (byIndex) {
      if (byIndex.size() == MOST_RESOURCES) {
        return resources.getOrDefault(resource, others);
      }
      return resources.computeIfAbsent(
          resource,
          name -> {
            ResourceFigures made = new ResourceFigures(byIndex.size(), name);
            byIndex.add(made);
            full = byIndex.size() == MOST_RESOURCES;
            return made;
          });
    }
  }

  /** What was recorded until now. */
  RankRecord snapshot(Member member) {
    List<ResourceFigures> all;
    synchronized (byIndex) {
      all = new ArrayList<>(byIndex);
    }
    List<ModeRecord> modes = new ArrayList<>();
    all.forEach(figures -> modes.addAll(figures.snapshot()));
    modes.addAll(others.snapshot());
    Set<LockEvent> kept = new HashSet<>(); // one that waited long may be among the last, too
    EventSink sink =
        (begin, wait, hold, kind, thread) -> kept.add(event(all, begin, wait, hold, kind, thread));
    events.forEach(sink);
    worst.forEach(sink);
    return new RankRecord(
        member.rank(),
        member.host(),
        member.pid(),
        startEpochNanos,
        epochNanos(System.nanoTime()),
        events.added(),
        modes,
        kept.stream().sorted(Comparator.comparingLong(LockEvent::beginNanos)).toList());
  }

  private LockEvent event(
      List<ResourceFigures> all, long begin, long wait, long hold, long kind, String thread) {
    int resource = EventKind.resource(kind);
    return new LockEvent(
        resource >= 0 && resource < all.size() ? all.get(resource).name() : OTHERS,
        EventKind.use(kind),
        EventKind.outcome(kind),
        EventKind.contended(kind),
        thread.isEmpty() ? "(unnamed)" : thread, // a virtual thread
        epochNanos(begin),
        wait,
        hold);
  }

  private long epochNanos(long nanoTime) {
    return startEpochNanos + (nanoTime - startNanoTime);
  }
}

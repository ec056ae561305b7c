package io.mpilock.spring.jfr;

import io.mpilock.LockListener;
import io.mpilock.LockMode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes an event of each wait, hold and single write. */
final class FlightListener implements LockListener {

  /** More than these at once are not remembered: what another thread ends would stay for good. */
  private static final int MOST_HOLDS = 64;

  private record Key(String resource, LockMode mode) {}

  /** What the calling thread waits for, which is one thing at a time, and what it holds. */
  private static final class Open {
    private @Nullable LockWaitEvent wait;
    private final Map<Key, LockHoldEvent> holds = new LinkedHashMap<>();

    void add(Key key, LockHoldEvent hold) {
      holds.put(key, hold);
      if (holds.size() > MOST_HOLDS) {
        holds.remove(holds.keySet().iterator().next());
      }
    }
  }

  private final int rank;
  private final ThreadLocal<Open> open = ThreadLocal.withInitial(Open::new);

  FlightListener(int rank) {
    this.rank = rank;
  }

  /** Whether anybody records one of the events. */
  static boolean isWanted() {
    return new LockWaitEvent().isEnabled()
        || new LockHoldEvent().isEnabled()
        || new SingleWriteEvent().isEnabled();
  }

  @Override
  public void requested(String resource, LockMode mode) {
    LockWaitEvent event = new LockWaitEvent();
    event.begin();
    open.get().wait = event;
  }

  @Override
  public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
    waited(resource, mode, "granted", contended);
    LockHoldEvent hold = new LockHoldEvent();
    hold.begin();
    open.get().add(new Key(resource, mode), hold);
  }

  @Override
  public void timedOut(String resource, LockMode mode, long waitNanos) {
    waited(resource, mode, "timeout", true);
  }

  @Override
  public void failed(String resource, LockMode mode, long waitNanos, RuntimeException failure) {
    waited(resource, mode, "failed", true);
  }

  private void waited(String resource, LockMode mode, String outcome, boolean contended) {
    Open mine = open.get();
    LockWaitEvent event = mine.wait;
    mine.wait = null;
    if (event != null) { // null if this listener came in the midst of the request
      event.mode = name(mode);
      event.contended = contended;
      commit(event, resource, outcome);
    }
  }

  @Override
  public void released(String resource, LockMode mode, long holdNanos) {
    LockHoldEvent event = open.get().holds.remove(new Key(resource, mode));
    if (event != null) {
      event.mode = name(mode);
      commit(event, resource, "granted");
    }
  }

  @Override
  public void singleWrite(
      String resource, boolean writer, long nanos, long sharedBytes, @Nullable Throwable failure) {
    SingleWriteEvent event = new SingleWriteEvent();
    event.writer = writer;
    event.time = nanos;
    event.shared = sharedBytes;
    commit(event, resource, failure == null ? "success" : "failed");
  }

  private void commit(LockEvent event, String resource, String outcome) {
    event.end();
    if (event.shouldCommit()) {
      event.resource = resource;
      event.rank = rank;
      event.outcome = outcome;
      event.commit();
    }
  }

  private static String name(LockMode mode) {
    return switch (mode) {
      case READ -> "read";
      case WRITE -> "write";
    };
  }
}

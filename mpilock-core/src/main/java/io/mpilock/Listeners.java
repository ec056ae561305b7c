/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The listeners of a controller, as one. The lock's path reads one field: null means that nobody
 * listens.
 */
final class Listeners {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private List<LockListener> registered = List.of();
  private volatile @Nullable LockListener current;

  @Nullable LockListener current() {
    return current;
  }

  synchronized void add(LockListener listener) {
    List<LockListener> more = new ArrayList<>(registered);
    more.add(listener);
    use(more);
  }

  synchronized void remove(LockListener listener) {
    List<LockListener> fewer = new ArrayList<>(registered);
    fewer.remove(listener);
    use(fewer);
  }

  /** The log may throw too: over a failure whose text cannot be made, or for want of memory. */
  static void warn(String what, Object listener, Throwable failure) {
    try {
      LOG.log(System.Logger.Level.WARNING, what + listener.getClass().getName(), failure);
    } catch (Throwable untold) {
      // The lock goes on.
    }
  }

  private void use(List<LockListener> listeners) {
    registered = List.copyOf(listeners);
    current = registered.isEmpty() ? null : new Guarded(registered);
  }

  /** Calls each listener; whatever it throws is logged once and cannot break the lock. */
  private static final class Guarded implements LockListener {
    private final LockListener[] targets;
    private volatile boolean complained;

    Guarded(List<LockListener> targets) {
      this.targets = targets.toArray(LockListener[]::new);
    }

    @Override
    public void requested(String resource, LockMode mode) {
      for (LockListener target : targets) {
        try {
          target.requested(resource, mode);
        } catch (Throwable e) {
          complain(target, e);
        }
      }
    }

    @Override
    public void granted(
        String resource, LockMode mode, long waitNanos, boolean contended, long now) {
      for (LockListener target : targets) {
        try {
          target.granted(resource, mode, waitNanos, contended, now);
        } catch (Throwable e) {
          complain(target, e);
        }
      }
    }

    @Override
    public void released(String resource, LockMode mode, long holdNanos, long now) {
      for (LockListener target : targets) {
        try {
          target.released(resource, mode, holdNanos, now);
        } catch (Throwable e) {
          complain(target, e);
        }
      }
    }

    @Override
    public void timedOut(String resource, LockMode mode, long waitNanos) {
      each(target -> target.timedOut(resource, mode, waitNanos));
    }

    @Override
    public void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {
      each(target -> target.failed(resource, mode, waitNanos, failure));
    }

    @Override
    public void singleWrite(
        String resource, boolean writer, long nanos, long bytes, @Nullable Throwable failure) {
      each(target -> target.singleWrite(resource, writer, nanos, bytes, failure));
    }

    @Override
    public void collective(
        String resource, CollectiveCall call, long nanos, long bytes, @Nullable Throwable failure) {
      each(target -> target.collective(resource, call, nanos, bytes, failure));
    }

    @Override
    public void stalled(String resource, String report) {
      each(target -> target.stalled(resource, report));
    }

    private void each(Consumer<LockListener> call) {
      for (LockListener target : targets) {
        try {
          call.accept(target);
        } catch (Throwable e) {
          complain(target, e);
        }
      }
    }

    private void complain(LockListener target, Throwable failure) {
      if (!complained) {
        complained = true;
        warn("A LockListener threw an exception, which is ignored: ", target, failure);
      }
    }
  }
}

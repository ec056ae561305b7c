/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.call.TurnsCall;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.RankLock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/** The collective calls of a resource that take no lock. */
final class RankCalls {
  private final RankLock process;
  private final CollectiveCalls collectives;
  private final Listeners listeners;

  RankCalls(RankLock process, CollectiveCalls collectives, Listeners listeners) {
    this.process = process;
    this.collectives = collectives;
    this.listeners = listeners;
  }

  void barrier(long nanos) {
    collectives.barrier(process, nanos, telling(CollectiveCall.BARRIER));
  }

  @SuppressWarnings("unchecked") // each rank gives a T
  <T extends @Nullable Object> List<T> allGather(T value, long nanos) {
    List<T> all = new ArrayList<>();
    exchange(CollectiveCall.ALL_GATHER, value, (each, _) -> all.add((T) each), nanos);
    return Collections.unmodifiableList(all);
  }

  @SuppressWarnings("unchecked") // each rank gives a T
  <T extends @Nullable Object> void allGather(
      T value, ObjIntConsumer<? super T> taker, long nanos) {
    exchange(CollectiveCall.ALL_GATHER, value, (each, rank) -> taker.accept((T) each, rank), nanos);
  }

  @SuppressWarnings("unchecked") // each rank gives a T
  <T extends @Nullable Object> Optional<List<T>> gather(T value, long nanos) {
    List<T> all = new ArrayList<>();
    exchange(CollectiveCall.GATHER, value, (each, _) -> all.add((T) each), nanos);
    return collectives.isMaster()
        ? Optional.of(Collections.unmodifiableList(all))
        : Optional.empty();
  }

  private void exchange(
      CollectiveCall name,
      @Nullable Object value,
      ObjIntConsumer<@Nullable Object> taker,
      long nanos) {
    long kind = name == CollectiveCall.GATHER ? Verdict.GATHER : Verdict.ALL_GATHER;
    TurnsCall call = collectives.turns(kind, process, nanos, taker, telling(name));
    try {
      call.awaitTurn();
      call.share(value);
      call.awaitAll();
    } catch (Throwable failure) {
      leave(call, failure);
      throw failure;
    }
    close(call);
  }

  <T extends @Nullable Object, E extends Throwable> T inOrder(long nanos, LockedAction<T, E> action)
      throws E {
    TurnsCall call =
        collectives.turns(
            Verdict.IN_ORDER, process, nanos, (_, _) -> {}, telling(CollectiveCall.IN_ORDER));
    T result;
    try {
      call.awaitTurn();
      result = action.run();
      call.pass();
      call.awaitAll();
    } catch (Throwable failure) {
      leave(call, failure);
      throw failure;
    }
    close(call);
    return result;
  }

  private static void leave(TurnsCall call, Throwable failure) {
    try {
      call.leave(failure);
    } catch (Throwable cut) { // before it had begun
      call.leave(failure);
    }
  }

  private static void close(TurnsCall call) {
    try {
      call.close();
    } catch (Throwable cut) {
      call.leave(cut); // if it is not left
      throw cut;
    }
  }

  private CollectiveCalls.Outcome telling(CollectiveCall call) {
    return (_, nanos, bytes, failure) -> {
      LockListener listener = listeners.current();
      if (listener != null) {
        listener.collective(process.name(), call, nanos, bytes, failure);
      }
    };
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Ranks of a node on simulated words, for a test in one thread: while the rank that is tested
 * sleeps, the script says what the others do, one step for each sleep. Without a script, and in
 * threads that a step starts, a sleep takes all the time that it may and nothing happens.
 */
public final class ScriptedNode {
  static final long STALL_NANOS = 2_000_000_000;

  final Simulation simulation;
  public final List<String> stalls = new ArrayList<>();
  private final Deque<Runnable> script = new ArrayDeque<>();
  private final Thread tested = Thread.currentThread();
  private int accessesLeft = -1;
  private Runnable atAccess = () -> {};
  private final AtomicLong now = new AtomicLong(1_000_000_000);

  public ScriptedNode(Simulation simulation) {
    this.simulation = simulation;
  }

  public long now() {
    return now.get();
  }

  public void pass(long nanos) {
    now.addAndGet(nanos);
  }

  /** What happens in the next sleep that has no step yet. */
  public void meanwhile(Runnable step) {
    script.add(step);
  }

  /** What happens just before an access to the window, the first of which has the number 0. */
  public void beforeAccess(int number, Runnable step) {
    accessesLeft = number;
    atAccess = step;
  }

  /** Nothing happens in that many sleeps but that time passes. */
  public void sleeps(int count) {
    for (int i = 0; i < count; i++) {
      script.add(() -> {});
    }
  }

  public boolean isPlayed() {
    return script.isEmpty();
  }

  public RankContext node(int rank) {
    RankContext simulated = simulation.node(rank, Simulation.settings(false, 0, false));
    NodeWindow window =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("sleepWhile")) {
                    sleep((Long) arguments[2]);
                    return null;
                  }
                  if (accessesLeft-- == 0) {
                    atAccess.run();
                  }
                  try {
                    return method.invoke(simulated.window(), arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    CoreSettings settings =
        new CoreSettings(
            0,
            false,
            Set.of(),
            0,
            false,
            true,
            Duration.ofNanos(STALL_NANOS),
            Duration.ofSeconds(30),
            Duration.ofSeconds(4),
            1,
            (value, out) -> out.write((byte[]) value),
            in -> in.readAllBytes(),
            (resource, report) -> stalls.add(resource + ": " + report));
    return new RankContext(
        simulated.communicator(), window, settings, new RankContext.Pace(0, 0, now::get));
  }

  private void sleep(long nanos) {
    now.addAndGet(nanos);
    Runnable step = Thread.currentThread().equals(tested) ? script.poll() : null;
    if (step != null) {
      step.run();
    }
  }
}

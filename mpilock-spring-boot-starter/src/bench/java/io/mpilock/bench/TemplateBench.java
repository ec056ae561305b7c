/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.mpilock.ControllerOptions;
import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.Until;
import io.mpilock.spring.jfr.LockFlightRecording;
import io.mpilock.spring.metrics.MpilockMetrics;
import io.mpilock.spring.observation.LockObservations;
import io.mpilock.spring.report.LockReport;
import io.mpilock.transport.local.LocalCluster;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import jdk.jfr.RecordingState;

/**
 * What the template, the meters, the report, the Flight Recorder and the observations cost over the
 * plain controller, in one JVM with one rank; beside the looks at the clock that a wait and a hold
 * need, and the two timers of Micrometer that these are told to.
 */
public final class TemplateBench {
  private static final String CLOCK = "two looks at the clock";

  private TemplateBench() {}

  /**
   * Measures.
   *
   * @param args the number of rounds and the milliseconds of each
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    long nanos = Long.parseLong(args[1]) * 1_000_000;
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    SimpleMeterRegistry registryOfAll = new SimpleMeterRegistry();
    try (WindowController plain = controller();
        WindowController metered = controller();
        WindowController recorded = controller();
        WindowController told = controller();
        MpilockMetrics metrics = MpilockMetrics.bind(metered, registry, true);
        MpilockMetrics metricsOfAll = MpilockMetrics.bind(told, registryOfAll, true);
        LockFlightRecording flight = LockFlightRecording.bind(told)) {
      LockReport report = LockReport.record(recorded, 10_000);
      LockReport reportOfAll = LockReport.record(told, 10_000);
      LockTemplate template = LockTemplate.of(plain);
      LockTemplate withMeters = LockTemplate.of(metered);
      LockTemplate withReport = LockTemplate.of(recorded);
      LockTemplate withAll = LockTemplate.of(told);
      LockTemplate unobserved =
          LockObservations.template(
              plain, _ -> Until.TRANSACTION, ObservationRegistry.create(), null);
      ObservationRegistry listened = ObservationRegistry.create();
      listened.observationConfig().observationHandler(context -> true);
      LockTemplate observed =
          LockObservations.template(plain, _ -> Until.TRANSACTION, listened, null);
      Timer wait = Timer.builder("wait").register(registry);
      Timer hold = Timer.builder("hold").register(registry);
      print(
          "LockTemplate over the plain controller, one JVM: ns",
          new Rounds()
              .add(CLOCK, TemplateBench::clock)
              .add("the same, and two timers of Micrometer", count -> timers(wait, hold, count))
              .add("controller write", count -> writes(plain, count))
              .add("template write", count -> templateWrites(template, count))
              .add("template write with meters", count -> templateWrites(withMeters, count))
              .add("template write with report", count -> templateWrites(withReport, count))
              .add(
                  "template write with meters, report and Flight Recorder",
                  count -> templateWrites(withAll, count))
              .add(
                  "template write with observations nobody hears",
                  count -> templateWrites(unobserved, count))
              .add("template write with observations", count -> templateWrites(observed, count))
              .add("controller read", count -> reads(plain, count))
              .add("template read", count -> templateReads(template, count))
              .add("template read with meters", count -> templateReads(withMeters, count))
              .add("template read with report", count -> templateReads(withReport, count))
              .add(
                  "template read with meters, report and Flight Recorder",
                  count -> templateReads(withAll, count))
              .add(
                  "template read with observations nobody hears",
                  count -> templateReads(unobserved, count))
              .add("template read with observations", count -> templateReads(observed, count))
              .run(rounds, nanos));
      try (Recording recording = recording()) {
        if (recording.getState() != RecordingState.RUNNING) {
          throw new IllegalStateException("nothing is recorded");
        }
        print(
            "The same while a recording runs that wants waits of 1 ms and holds of 10 ms: ns",
            new Rounds()
                .add(CLOCK, TemplateBench::clock)
                .add("controller write", count -> writes(plain, count))
                .add(
                    "template write with meters, report and Flight Recorder",
                    count -> templateWrites(withAll, count))
                .add("controller read", count -> reads(plain, count))
                .add(
                    "template read with meters, report and Flight Recorder",
                    count -> templateReads(withAll, count))
                .run(rounds, nanos));
      }
      report.discard();
      reportOfAll.discard();
    }
  }

  /** With the thresholds that the events name. */
  private static Recording recording() {
    Recording recording = new Recording();
    recording.enable("mpilock.LockWait");
    recording.enable("mpilock.LockHold");
    recording.start();
    return recording;
  }

  private static void print(String title, Map<String, Rounds.Cost> costs) {
    Tables.head(
        title,
        "",
        "median",
        "least",
        "most",
        "to the controller",
        "more than the controller",
        "that, to two looks at the clock",
        "bytes allocated");
    double[] clock = rounds(costs, CLOCK);
    costs.forEach((name, cost) -> {
      Figures figures = Figures.of(cost.rounds());
      double[] base =
          name.startsWith("controller") || name.startsWith("template")
              ? rounds(costs, "controller " + name.split(" ", -1)[1])
              : new double[clock.length];
      double[] more = new double[base.length];
      for (int i = 0; i < base.length; i++) {
        more[i] = cost.rounds()[i] - base[i];
      }
      Tables.row(
          name,
          figures.median(),
          figures.least(),
          figures.most(),
          Tables.ratio(cost.rounds(), base),
          Figures.of(more).median(),
          Tables.ratio(more, clock),
          (double) Math.round(cost.bytes()));
    });
  }

  private static double[] rounds(Map<String, Rounds.Cost> costs, String name) {
    return Objects.requireNonNull(costs.get(name), name).rounds();
  }

  /** As a lock that nobody is in the way of needs them: at its request and at its release. */
  private static void clock(int count) {
    for (int i = 0; i < count; i++) {
      long start = System.nanoTime();
      BenchRanks.touch(1);
      BenchRanks.touch(System.nanoTime() - start);
    }
  }

  private static void timers(Timer wait, Timer hold, int count) {
    for (int i = 0; i < count; i++) {
      long start = System.nanoTime();
      wait.record(0, TimeUnit.NANOSECONDS);
      hold.record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
    }
  }

  private static WindowController controller() {
    return WindowController.syncOwning(new LocalCluster(1).world(0), ControllerOptions.defaults());
  }

  private static void writes(WindowController controller, int count) {
    for (int i = 0; i < count; i++) {
      try (WriteLease write = controller.write()) {
        BenchRanks.touch(i);
      }
    }
  }

  private static void reads(WindowController controller, int count) {
    for (int i = 0; i < count; i++) {
      try (ReadLease read = controller.read()) {
        BenchRanks.touch(i);
      }
    }
  }

  private static void templateWrites(LockTemplate template, int count) {
    for (int i = 0; i < count; i++) {
      template.writeWithoutResult(() -> BenchRanks.touch(1));
    }
  }

  private static void templateReads(LockTemplate template, int count) {
    for (int i = 0; i < count; i++) {
      template.readWithoutResult(() -> BenchRanks.touch(1));
    }
  }
}

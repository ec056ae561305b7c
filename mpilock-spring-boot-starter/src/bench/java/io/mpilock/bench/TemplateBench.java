package io.mpilock.bench;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.mpilock.ControllerOptions;
import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.Until;
import io.mpilock.spring.metrics.MpilockMetrics;
import io.mpilock.spring.observation.LockObservations;
import io.mpilock.spring.report.LockReport;
import io.mpilock.transport.local.LocalCluster;
import java.util.Map;
import java.util.Objects;

/**
 * What the template, the meters, the report and the observations cost over the plain controller, in
 * one JVM with one rank.
 */
public final class TemplateBench {
  private TemplateBench() {}

  /**
   * Measures.
   *
   * @param args the number of rounds and the milliseconds of each
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (WindowController plain = controller();
        WindowController metered = controller();
        WindowController recorded = controller();
        MpilockMetrics metrics = MpilockMetrics.bind(metered, registry, true)) {
      LockTemplate template = LockTemplate.of(plain);
      LockTemplate withMeters = LockTemplate.of(metered);
      LockTemplate withReport = LockTemplate.of(recorded);
      LockTemplate unobserved =
          LockObservations.template(
              plain, _ -> Until.TRANSACTION, ObservationRegistry.create(), null);
      ObservationRegistry listened = ObservationRegistry.create();
      listened.observationConfig().observationHandler(context -> true);
      LockTemplate observed =
          LockObservations.template(plain, _ -> Until.TRANSACTION, listened, null);
      LockReport report = LockReport.record(recorded, 10_000);
      Map<String, Rounds.Cost> costs =
          new Rounds()
              .add("controller write", count -> writes(plain, count))
              .add("template write", count -> templateWrites(template, count))
              .add("template write with meters", count -> templateWrites(withMeters, count))
              .add("template write with report", count -> templateWrites(withReport, count))
              .add(
                  "template write with observations nobody hears",
                  count -> templateWrites(unobserved, count))
              .add("template write with observations", count -> templateWrites(observed, count))
              .add("controller read", count -> reads(plain, count))
              .add("template read", count -> templateReads(template, count))
              .add("template read with meters", count -> templateReads(withMeters, count))
              .add("template read with report", count -> templateReads(withReport, count))
              .add(
                  "template read with observations nobody hears",
                  count -> templateReads(unobserved, count))
              .add("template read with observations", count -> templateReads(observed, count))
              .run(Integer.parseInt(args[0]), Long.parseLong(args[1]) * 1_000_000);
      report.discard();
      Tables.head(
          "LockTemplate over the plain controller, one JVM: ns",
          "",
          "median",
          "least",
          "most",
          "to the controller",
          "more than the controller",
          "bytes allocated");
      costs.forEach((name, cost) -> {
        Figures figures = Figures.of(cost.rounds());
        double[] base = rounds(costs, "controller " + name.split(" ", -1)[1]);
        Tables.row(
            name,
            figures.median(),
            figures.least(),
            figures.most(),
            Tables.ratio(cost.rounds(), base),
            figures.median() - Figures.of(base).median(),
            (double) Math.round(cost.bytes()));
      });
    }
  }

  private static double[] rounds(Map<String, Rounds.Cost> costs, String name) {
    return Objects.requireNonNull(costs.get(name), name).rounds();
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

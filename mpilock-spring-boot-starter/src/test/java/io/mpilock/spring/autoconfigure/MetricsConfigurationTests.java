/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.metrics.MpilockMetrics;
import io.mpilock.spring.metrics.WorkMeters;
import io.mpilock.spring.progress.SharedWork;
import io.mpilock.spring.progress.WorkProgress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class MetricsConfigurationTests {
  private final SimpleMeterRegistry outer = new SimpleMeterRegistry();
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));

  private ApplicationContextRunner withOuterRegistry() {
    return runner.withInitializer(
        context -> context.getBeanFactory().registerSingleton("outerRegistry", outer));
  }

  @Test
  void locksAreMeteredIfThereIsARegistry() {
    withOuterRegistry()
        .run(context -> {
          context.getBean(LockTemplate.class).on("orders").write(() -> 0);
          assertThat(
                  outer
                      .get("mpilock.lock.hold")
                      .tags("rank", "0", "resource", "orders", "mode", "write")
                      .timer()
                      .count())
              .isEqualTo(1);
        });
  }

  @Test
  void theRegistryThatBootMakesIsFound() {
    runner
        .withConfiguration(
            AutoConfigurations.of(
                MetricsAutoConfiguration.class,
                CompositeMeterRegistryAutoConfiguration.class,
                SimpleMetricsExportAutoConfiguration.class))
        .run(context -> {
          assertThat(context).hasSingleBean(MpilockMetrics.class);
          context.getBean(LockTemplate.class).read(() -> 0);
          assertThat(context.getBean(MeterRegistry.class).get("mpilock.lock.wait").timers())
              .isNotEmpty();
        });
  }

  @Test
  void withoutARegistryThereAreNoMeters() {
    runner.run(context ->
        assertThat(context)
            .hasNotFailed()
            .hasSingleBean(WindowController.class)
            .doesNotHaveBean(MpilockMetrics.class));
  }

  @Test
  void withoutMicrometerTheContextStarts() {
    runner
        .withClassLoader(new FilteredClassLoader("io.micrometer"))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(WindowController.class));
  }

  @Test
  void metersCanBeSwitchedOff() {
    withOuterRegistry()
        .withPropertyValues("mpilock.metrics.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(MpilockMetrics.class));
  }

  @Test
  void theWorkThatRanksShareHasTheTagsOfTheRank() {
    withOuterRegistry()
        .run(context -> {
          WorkProgress progress = new WorkProgress(List.of(context.getBean(WorkMeters.class)));
          try (SharedWork _ = progress.begin("load", 10, 0, () -> 0)) {
            assertThat(outer.get("mpilock.work.done").tags("work", "load", "rank", "0").meters())
                .hasSize(1);
            assertThat(outer.get("mpilock.work.units").tags("work", "load", "rank", "0").meters())
                .hasSize(1);
          }
        });
  }

  @Test
  void theRankTagCanBeSwitchedOff() {
    withOuterRegistry()
        .withPropertyValues("mpilock.metrics.rank-tag=false")
        .run(context -> {
          context.getBean(LockTemplate.class).read(() -> 0);
          assertThat(outer.getMeters())
              .isNotEmpty()
              .allSatisfy(meter -> assertThat(meter.getId().getTag("rank")).isNull());
        });
  }

  @Test
  void resourcesBeyondTheMostShareTheirMeters() {
    withOuterRegistry()
        .withPropertyValues("mpilock.metrics.max-resources=0")
        .run(context -> {
          context.getBean(LockTemplate.class).on("orders").read(() -> 0);
          assertThat(outer.find("mpilock.lock.hold").tag("resource", "orders").timer()).isNull();
          assertThat(outer.find("mpilock.lock.hold").tag("resource", "(other)").timer())
              .isNotNull();
        });
  }

  @Test
  void withoutLocksThereIsNothingToMeter() {
    withOuterRegistry()
        .withPropertyValues("mpilock.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(MpilockMetrics.class));
  }

  @Test
  void closingTheContextRemovesTheMetersWhileTheControllerIsOpenAndThenClosesIt() {
    List<Meter> removedWhileOpen = new ArrayList<>();
    List<Meter> removedAfterwards = new ArrayList<>();
    List<WindowController> controllers = new ArrayList<>();
    withOuterRegistry()
        .run(context -> {
          WindowController controller = context.getBean(WindowController.class);
          controllers.add(controller);
          context.getBean(LockTemplate.class).write(() -> 0);
          context.getBean(LockTemplate.class).on("orders").read(() -> 0);
          int meters = outer.getMeters().size();
          outer
              .config()
              .onMeterRemoved(meter ->
                  (controller.isClosed() ? removedAfterwards : removedWhileOpen).add(meter));
          context.close();
          assertThat(removedWhileOpen).hasSize(meters).isNotEmpty();
        });
    assertThat(outer.getMeters()).isEmpty();
    assertThat(removedAfterwards).isEmpty();
    assertThat(controllers).singleElement().matches(WindowController::isClosed, "closed");
  }
}

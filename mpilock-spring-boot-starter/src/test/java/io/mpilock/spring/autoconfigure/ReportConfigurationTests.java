/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.mpilock.spring.LockTemplate;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.support.GenericApplicationContext;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class ReportConfigurationTests {
  @TempDir Path directory;

  private static ApplicationContextRunner runner() {
    return new ApplicationContextRunner()
        .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));
  }

  private String json() throws Exception {
    return Files.readString(directory.resolve("mpilock-report.json"));
  }

  @Test
  void aLoneRankReportsOnlyIfItIsAskedTo(CapturedOutput output) {
    runner().run(context -> context.getBean(LockTemplate.class).read(() -> 0));
    assertThat(output).doesNotContain("the locks of");
    runner()
        .withPropertyValues("mpilock.report.directory=" + directory)
        .run(context -> context.getBean(LockTemplate.class).read(() -> 0));
    assertThat(output).contains("the locks of 1 rank in");
  }

  @ParameterizedTest
  @ValueSource(strings = {"unset", "false"})
  void severalRanksReportUnlessItIsRefused(String enabled, CapturedOutput output) throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    String refusal = enabled.equals("false") ? "mpilock.report.enabled=false" : "any=1";
    onEachRank(
        cluster,
        rank ->
            runner()
                .withBean(Communicator.class, () -> cluster.world(rank))
                .withPropertyValues(refusal)
                .run(context -> context.getBean(LockTemplate.class).read(() -> 0)));
    assertThat(output.toString().contains("the locks of 2 ranks in"))
        .isEqualTo(enabled.equals("unset"));
  }

  @Test
  void oneRankReportsAtItsEnd(CapturedOutput output) throws Exception {
    runner()
        .withPropertyValues("mpilock.report.enabled=true", "mpilock.report.directory=" + directory)
        .run(context -> {
          context.getBean(LockTemplate.class).on("orders").write(() -> 0);
          assertThat(directory).isEmptyDirectory();
        });
    assertThat(output).contains("the locks of 1 rank in").contains("orders");
    assertThat(json()).contains("\"orders\"");
    assertThat(directory.resolve("mpilock-report.html")).exists();
  }

  @Test
  void withoutADirectoryThereAreNoFiles(CapturedOutput output) {
    runner()
        .withPropertyValues("mpilock.report.enabled=true")
        .run(context -> context.getBean(LockTemplate.class).read(() -> 0));
    assertThat(output).contains("the locks of 1 rank in").doesNotContain("timeline");
  }

  @Test
  void withoutLocksThereIsNothingToReport(CapturedOutput output) {
    runner()
        .withPropertyValues("mpilock.report.enabled=true", "mpilock.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(LockTemplate.class));
    assertThat(output).doesNotContain("the locks of");
  }

  @Test
  void tooManyEventsAreRefusedWithTheirProperty() {
    runner()
        .withPropertyValues("mpilock.report.enabled=true", "mpilock.report.events=-1")
        .run(context ->
            assertThat(context).getFailure().rootCause().hasMessageContaining("report.events"));
  }

  /** Locks when it is destroyed, as a bean that flushes a file would. */
  static final class Flushes implements DisposableBean {
    private final LockTemplate locks;

    Flushes(LockTemplate locks) {
      this.locks = locks;
    }

    @Override
    public void destroy() {
      locks.on("flush").write(() -> 0);
    }
  }

  @Test
  void allRanksAreInTheReportAndSoIsWhatBeansDoInTheirDestruction(CapturedOutput output)
      throws Exception {
    LocalCluster cluster = new LocalCluster(2, 1);
    onEachRank(
        cluster,
        rank ->
            runner()
                .withBean(Communicator.class, () -> cluster.world(rank))
                .withBean(Flushes.class)
                .withPropertyValues(
                    "mpilock.report.enabled=true", "mpilock.report.directory=" + directory)
                .run(context -> {
                  assertThat(context).hasNotFailed();
                  context.getBean(LockTemplate.class).on("orders").write(() -> 0);
                }));
    assertThat(json())
        .contains("\"missing\":[]")
        .contains("{\"resource\":\"flush\",\"mode\":\"write\",\"granted\":3,")
        .contains("{\"resource\":\"orders\",\"mode\":\"write\",\"granted\":3,");
    assertThat(output).contains("the locks of 3 ranks in");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).hasSize(2);
    }
  }

  /** The report, the lease that nobody gives back, and the other rank that does not close. */
  @Test
  void theWholeShutdownTakesNoLongerThanItsTimeOut() throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    Duration timeout = Duration.ofSeconds(4);
    CompletableFuture<Void> closed = new CompletableFuture<>();
    AtomicLong took = new AtomicLong();
    onEachRank(
        cluster,
        rank ->
            runner()
                .withBean(Communicator.class, () -> cluster.world(rank))
                .withPropertyValues("mpilock.shutdown-timeout=" + timeout)
                .run(context -> {
                  if (rank == 1) {
                    closed.join();
                    return;
                  }
                  CountDownLatch held = new CountDownLatch(1);
                  Thread.ofPlatform()
                      .daemon()
                      .start(() ->
                          context
                              .getBean(LockTemplate.class)
                              .writeWithoutResult(() -> {
                                held.countDown();
                                closed.join();
                              }));
                  held.await();
                  long start = System.nanoTime();
                  context.getSourceApplicationContext().close();
                  took.set(System.nanoTime() - start);
                  closed.complete(null);
                }));
    assertThat(Duration.ofNanos(took.get()))
        .as("one after the other they took three times as long")
        .isLessThan(timeout.multipliedBy(2));
  }

  @Test
  void theReportItselfIsNotMetered() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    List<Meter> removed = new ArrayList<>();
    runner()
        .withInitializer(
            context -> context.getBeanFactory().registerSingleton("outerRegistry", registry))
        .withPropertyValues("mpilock.report.enabled=true")
        .run(context -> {
          context.getBean(LockTemplate.class).write(() -> 0);
          registry.config().onMeterRemoved(removed::add);
        });
    assertThat(removed).isNotEmpty();
    assertThat(removed)
        .noneMatch(meter -> "mpilock.report".equals(meter.getId().getTag("resource")));
  }

  @Configuration(proxyBeanMethods = false)
  @Import(MpilockAutoConfiguration.class)
  static class OfOneRank {
    @Bean
    Communicator communicator() {
      return new LocalCluster(1).world(0);
    }
  }

  @Test
  void aContextWhoseRefreshFailsGathersNothing(CapturedOutput output) throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    onEachRank(
        cluster,
        rank ->
            runner()
                .withBean(Communicator.class, () -> cluster.world(rank))
                .withPropertyValues("mpilock.report.enabled=true")
                .withBean(
                    "fails",
                    Object.class,
                    () -> {
                      throw new IllegalStateException("on purpose");
                    },
                    definition -> definition.setDependsOn("windowController"))
                .run(context -> assertThat(context).hasFailed()));
    assertThat(output).doesNotContain("the locks of");
  }

  @Test
  void anApplicationOfOneRankThatFailsInARunnerStillReports(CapturedOutput output) {
    try {
      new SpringApplicationBuilder(OfOneRank.class)
          .web(WebApplicationType.NONE)
          .initializers(context ->
              ((GenericApplicationContext) context)
                  .registerBean(
                      CommandLineRunner.class,
                      () ->
                          arguments -> {
                            throw new IllegalStateException("on purpose");
                          }))
          .run("--mpilock.report.enabled=true");
      throw new AssertionError("it did not fail");
    } catch (IllegalStateException expected) {
      assertThat(output).contains("the locks of 1 rank in");
    }
  }

  private interface OnRank {
    void run(int rank);
  }

  private static void onEachRank(LocalCluster cluster, OnRank body) throws Exception {
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<?>> ranks = new ArrayList<>();
      for (int rank = 0; rank < cluster.size(); rank++) {
        int mine = rank;
        ranks.add(threads.submit(() -> body.run(mine)));
      }
      for (Future<?> rank : ranks) {
        rank.get();
      }
    }
  }
}

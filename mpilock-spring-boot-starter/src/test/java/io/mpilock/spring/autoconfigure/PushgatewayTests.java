/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.testing.HttpProgram;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.prometheus.PrometheusMetricsExportAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Boot's push at the end of a job, to a real Pushgateway. */
@Timeout(120)
class PushgatewayTests {
  private static final String PUSH = "management.prometheus.metrics.export.pushgateway.";

  private HttpProgram gateway;

  @TempDir Path directory;

  @BeforeEach
  void start() throws Exception {
    gateway =
        HttpProgram.start(
            directory.resolve("log"), "prometheus-pushgateway", "--persistence.file=");
  }

  @AfterEach
  void end() throws Exception {
    gateway.close();
  }

  private ApplicationContextRunner rank(LocalCluster cluster, int rank) {
    return new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                MetricsAutoConfiguration.class,
                CompositeMeterRegistryAutoConfiguration.class,
                PrometheusMetricsExportAutoConfiguration.class,
                MpilockAutoConfiguration.class))
        .withBean(Communicator.class, () -> cluster.world(rank))
        .withPropertyValues(
            "mpilock.rank=" + rank, // as the launcher's variables would make it
            PUSH + "enabled=true",
            PUSH + "address=" + gateway.address(),
            PUSH + "job=nightly",
            PUSH + "grouping-key.rank=${mpilock.rank}",
            PUSH + "shutdown-operation=post",
            PUSH + "push-rate=1h"); // only the pushes at the beginning and at the end
  }

  /**
   * Boot's first push is made by a thread of its own. In a job of some milliseconds it would come
   * after the last one, with older figures.
   */
  private void awaitFirstPush(int rank) throws Exception {
    while (!gateway
        .get("/metrics")
        .body()
        .contains("push_time_seconds{instance=\"\",job=\"nightly\",rank=\"%d\"}".formatted(rank))) {
      Thread.sleep(20);
    }
  }

  @Test
  void theMetersOfEachRankAreThereAfterTheJobHasEnded() throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<?>> ranks = new ArrayList<>();
      for (int rank = 0; rank < 2; rank++) {
        ApplicationContextRunner runner = rank(cluster, rank);
        ranks.add(
            threads.submit(() ->
                runner.run(context -> {
                  assertThat(context).hasNotFailed();
                  LockTemplate locks = context.getBean(LockTemplate.class).on("orders");
                  for (int i = 0; i <= locks.rank(); i++) {
                    locks.write(() -> 0);
                  }
                  awaitFirstPush(locks.rank());
                })));
      }
      for (Future<?> rank : ranks) {
        rank.get();
      }
    }
    String metrics = gateway.get("/metrics").body();
    for (int rank = 0; rank < 2; rank++) {
      assertThat(metrics)
          .containsPattern(
              "mpilock_lock_hold_seconds_count\\{[^}]*job=\"nightly\",[^}]*mode=\"write\",[^}]*rank=\"%d\",resource=\"orders\"} %d"
                  .formatted(rank, rank + 1));
    }
  }
}

package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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

  private final HttpClient client = HttpClient.newHttpClient();
  private Process gateway;
  private int port;

  @TempDir Path directory;

  @BeforeEach
  void start() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    gateway =
        new ProcessBuilder(
                "prometheus-pushgateway",
                "--web.listen-address=127.0.0.1:" + port,
                "--persistence.file=")
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    while (!isReady()) {
      assertThat(gateway.waitFor(50, TimeUnit.MILLISECONDS)).as("has ended").isFalse();
    }
  }

  @AfterEach
  void end() throws Exception {
    gateway.destroy();
    gateway.waitFor();
  }

  private boolean isReady() throws IOException, InterruptedException {
    try {
      return get("/-/ready").statusCode() == 200;
    } catch (ConnectException notYet) {
      return false;
    }
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
        HttpResponse.BodyHandlers.ofString());
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
            PUSH + "address=127.0.0.1:" + port,
            PUSH + "job=nightly",
            PUSH + "grouping-key.rank=${mpilock.rank}",
            PUSH + "shutdown-operation=post",
            PUSH + "push-rate=1h"); // only the push at the end
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
                })));
      }
      for (Future<?> rank : ranks) {
        rank.get();
      }
    }
    String metrics = get("/metrics").body();
    for (int rank = 0; rank < 2; rank++) {
      assertThat(metrics)
          .containsPattern(
              "mpilock_lock_hold_seconds_count\\{[^}]*job=\"nightly\",[^}]*mode=\"write\",[^}]*rank=\"%d\",resource=\"orders\"} %d"
                  .formatted(rank, rank + 1));
    }
  }
}

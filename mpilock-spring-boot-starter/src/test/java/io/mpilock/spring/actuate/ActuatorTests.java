/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Over HTTP, on rank 0 of a job of two nodes; the other ranks have controllers without Spring. */
@Timeout(120)
class ActuatorTests {
  private static final ControllerOptions OPTIONS =
      ControllerOptions.defaults()
          .withStallWarning(Duration.ofMillis(500))
          .withHeartbeatTimeout(Duration.ofMinutes(1));

  private final LocalCluster cluster = new LocalCluster(2, 2);
  private final List<WindowController> others = new ArrayList<>();
  private final HttpClient http = HttpClient.newHttpClient();
  private @Nullable ConfigurableApplicationContext context;

  @Configuration
  @EnableAutoConfiguration(
      excludeName = "org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration")
  static class Application {}

  private static <T> CompletableFuture<T> onThread(String name, Supplier<T> task) {
    return CompletableFuture.supplyAsync(
        task, body -> Thread.ofPlatform().daemon().name(name).start(body));
  }

  @BeforeEach
  void startRanks() throws Exception {
    List<CompletableFuture<WindowController>> opening = new ArrayList<>();
    for (int rank = 1; rank < cluster.size(); rank++) {
      Communicator world = cluster.world(rank);
      opening.add(onThread("rank " + rank, () -> WindowController.sync(world, OPTIONS)));
    }
    context =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.SERVLET)
            .registerShutdownHook(false)
            .initializers(
                starting -> starting.getBeanFactory().registerSingleton("world", cluster.world(0)))
            .properties(
                "server.port=0",
                "mpilock.stall-warning=500ms",
                "mpilock.heartbeat-timeout=1m",
                "management.endpoints.web.exposure.include=*",
                "management.endpoint.mpilock.access=unrestricted",
                "management.endpoint.health.show-details=always")
            .run();
    for (CompletableFuture<WindowController> one : opening) {
      others.add(one.get(60, TimeUnit.SECONDS));
    }
  }

  @AfterEach
  void endRanks() {
    others.forEach(WindowController::abandon);
    if (context != null) {
      context.close();
    }
  }

  private WindowController other(int rank) {
    return others.get(rank - 1);
  }

  private URI uri(String path) {
    String port =
        Objects.requireNonNull(context).getEnvironment().getRequiredProperty("local.server.port");
    return URI.create("http://localhost:" + port + "/actuator/" + path);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return http.send(
        HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode json(String path, int status) throws Exception {
    HttpResponse<String> response = get(path);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    return JsonMapper.shared().readTree(response.body());
  }

  private JsonNode until(String path, Predicate<JsonNode> condition) throws Exception {
    JsonNode now = JsonMapper.shared().readTree(get(path).body());
    while (!condition.test(now)) {
      Thread.sleep(20);
      now = JsonMapper.shared().readTree(get(path).body());
    }
    return now;
  }

  @Test
  void theJobIsTold() throws Exception {
    JsonNode job = json("mpilock", 200);
    assertThat(job.get("transport").asString()).isEqualTo(other(1).transport());
    assertThat(job.get("answeredBy").asInt()).isZero();
    assertThat(job.get("size").asInt()).isEqualTo(4);
    assertThat(job.get("nodes").asInt()).isEqualTo(2);
    assertThat(job.get("silentNodes")).isEmpty();
    assertThat(job.get("resourcesLeftOut").asInt()).isZero();
    JsonNode rank = job.get("ranks").get(3);
    assertThat(rank.get("rank").asInt()).isEqualTo(3);
    assertThat(rank.get("node").asInt()).isEqualTo(1);
    assertThat(rank.get("host").asString()).isEqualTo(other(3).member(3).host());
    assertThat(rank.get("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
    assertThat(rank.get("state").asString()).isEqualTo("open");
    assertThat(get("mpilock/nobody-named-this").statusCode()).isEqualTo(404);
  }

  /** A node tells 64 KiB at most, and idle resources last. */
  @Test
  void aResourceThatWasLeftOutIsToldIfItIsAskedFor() throws Exception {
    for (int i = 0; i < 1000; i++) {
      ResourceLock _ = other(1).resource("%03d".formatted(i) + "x".repeat(100));
    }
    String last = "999" + "x".repeat(100);
    JsonNode job = json("mpilock", 200);
    assertThat(job.get("resourcesLeftOut").asInt()).isPositive();
    assertThat(job.get("resources").valueStream().map(one -> one.get("name").asString()))
        .doesNotContain(last);
    assertThat(json("mpilock/" + last, 200).get("name").asString()).isEqualTo(last);
  }

  /** What is held on the other node, and waited for there and here, while the lock is stuck. */
  @Test
  void aStuckLockIsToldAndTheHealthTellsOfItAndIsUp() throws Exception {
    assertThat(json("health/mpilock", 200).get("status").asString()).isEqualTo("UP");
    WriteLease held = other(3).resource("north/orders").write();
    CompletableFuture<Long> waits =
        onThread(
            "asks",
            () -> {
              try (WriteLease write = other(1).resource("north/orders").write()) {
                return write.token();
              }
            });
    JsonNode health =
        until(
            "health/mpilock",
            now -> now.get("details").get("stalledResources").has("north/orders"));
    assertThat(health.get("details").get("stalledResources").get("north/orders").asString())
        .endsWith(" ms");
    assertThat(health.get("status").asString()).isEqualTo("UP");
    assertThat(get("health").statusCode()).isEqualTo(200);
    JsonNode orders =
        until("mpilock/north/orders", now -> now.get("holders").get(0).get("millis").isNumber());
    assertThat(orders.get("name").asString()).isEqualTo("north/orders");
    assertThat(orders.get("token").asLong()).isEqualTo(1);
    assertThat(orders.get("poisonedByRank").isNull()).isTrue();
    assertThat(orders.get("permissions").get("0").asString()).isEqualTo("none");
    assertThat(orders.get("permissions").get("1").asString()).isEqualTo("exclusive");
    JsonNode holder = orders.get("holders").get(0);
    assertThat(holder.get("rank").asInt()).isEqualTo(3);
    assertThat(holder.get("mode").asString()).isEqualTo("write");
    assertThat(holder.get("threadId").asLong()).isEqualTo(Thread.currentThread().threadId());
    JsonNode waiter = orders.get("waiters").get(0);
    assertThat(waiter.get("rank").asInt()).isEqualTo(1);
    assertThat(waiter.get("thread").asString()).isEqualTo("asks");
    assertThat(waiter.get("since").asString()).matches("\\d{4}-\\d\\d-\\d\\dT.*Z");
    assertThat(waiter.get("millis").asLong()).isPositive();
    assertThat(json("mpilock", 200).get("resources").get(0).get("name").asString())
        .as("what somebody waits for is first")
        .isEqualTo("north/orders");
    held.close();
    assertThat(waits.get(30, TimeUnit.SECONDS)).isEqualTo(2);
    until("health/mpilock", now -> now.get("details").get("stalledResources").isEmpty());
  }

  /** A rank that has closed with a write is as dead; the resource is not freed by anything. */
  @Test
  void aPoisonedResourceIsDown() throws Exception {
    WriteLease _ = onThread("dies", () -> other(1).resource("orders").write()).join();
    other(1).abandon();
    assertThatThrownBy(() -> other(3).resource("orders").write())
        .isInstanceOf(RankFailedException.class);
    JsonNode health = json("health/mpilock", 503);
    assertThat(health.get("status").asString()).isEqualTo("DOWN");
    assertThat(health.get("details").get("poisonedResources").get("orders").asInt()).isOne();
    JsonNode answer = clearPoison("orders", 1);
    assertThat(answer.get("cleared").asBoolean()).as("its process goes on").isFalse();
    assertThat(answer.get("message").asString())
        .startsWith("The poison of resource 'orders' cannot be cleared: rank 1 ")
        .endsWith(" has left the job, but its process still runs, and may write. End it first.");
  }

  private JsonNode clearPoison(String resource, int rank) throws Exception {
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(uri("mpilock/" + resource))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"clearPoisonOfRank\":" + rank + "}"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JsonMapper.shared().readTree(response.body());
  }

  @Test
  void itOnlyTellsUnlessItIsAllowedMore() throws Exception {
    try (ConfigurableApplicationContext alone =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.SERVLET)
            .registerShutdownHook(false)
            .properties("server.port=0", "management.endpoints.web.exposure.include=*")
            .run()) {
      ResourceLock _ = alone.getBean(WindowController.class).resource("north/orders");
      String port = alone.getEnvironment().getRequiredProperty("local.server.port");
      URI orders = URI.create("http://localhost:" + port + "/actuator/mpilock/north/orders");
      HttpRequest reads = HttpRequest.newBuilder(orders).build();
      HttpRequest writes =
          HttpRequest.newBuilder(orders).POST(HttpRequest.BodyPublishers.noBody()).build();
      assertThat(http.send(reads, HttpResponse.BodyHandlers.ofString()).statusCode())
          .isEqualTo(200);
      assertThat(http.send(writes, HttpResponse.BodyHandlers.ofString()).statusCode())
          .isEqualTo(405);
    }
  }

  /** By a rank of another node, which nobody has told of the poison yet. */
  @Test
  void whatADeadRankPoisonedIsGivenFree() throws Exception {
    WriteLease _ = onThread("dies", () -> other(3).resource("north/orders").write()).join();
    ResourceLock _ = other(1).resource("north/orders");
    cluster.kill(3);
    until("mpilock/north/orders", now -> now.path("poisonedByRank").isNumber());
    JsonNode wrong = clearPoison("north/orders", 2);
    assertThat(wrong.get("cleared").asBoolean()).isFalse();
    assertThat(wrong.get("message").asString()).startsWith("It is poisoned by rank 3 ");
    JsonNode cleared = clearPoison("north/orders", 3);
    assertThat(cleared.get("message").asString()).isEqualTo("It is free again.");
    assertThat(cleared.get("cleared").asBoolean()).isTrue();
    assertThat(cleared.get("name").asString()).isEqualTo("north/orders");
    try (WriteLease write = other(1).resource("north/orders").write()) {
      assertThat(write.token()).isEqualTo(2);
    }
    try (WriteLease write = other(2).resource("north/orders").write()) {
      assertThat(write.token()).isEqualTo(3);
    }
    assertThat(clearPoison("north/orders", 3).get("message").asString())
        .isEqualTo("It is not poisoned.");
    JsonNode health = json("health/mpilock", 503);
    assertThat(health.get("details").get("poisonedResources")).isEmpty();
    assertThat(health.get("details").get("deadRanks").get(0).asInt()).isEqualTo(3);
    assertThat(clearPoison("nobody-named-this", 3).get("message").asString())
        .isEqualTo("No rank has named it.");
  }

  @Test
  void aNodeThatDoesNotAnswerIsOutOfServiceUntilItDoes() throws Exception {
    cluster.stall(1);
    JsonNode health = json("health/mpilock", 503);
    assertThat(health.get("status").asString()).isEqualTo("OUT_OF_SERVICE");
    assertThat(health.get("details").get("silentNodes").get(0).asInt()).isEqualTo(1);
    assertThat(json("mpilock", 200).get("ranks").get(2).get("state").asString())
        .isEqualTo("unknown");
    cluster.resume(1);
    until("health/mpilock", now -> now.get("status").asString().equals("UP"));
  }

  @Test
  void aDeadRankIsDown() throws Exception {
    cluster.kill(3);
    JsonNode health = until("health/mpilock", now -> now.get("status").asString().equals("DOWN"));
    assertThat(health.get("details").get("deadRanks").get(0).asInt()).isEqualTo(3);
    assertThat(json("mpilock", 200).get("ranks").get(3).get("state").asString()).isEqualTo("dead");
  }

  @Test
  void aClosedControllerIsDown() throws Exception {
    Objects.requireNonNull(context).getBean(WindowController.class).abandon();
    assertThat(json("health/mpilock", 503).get("details").get("closed").asBoolean()).isTrue();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.testing.FreePorts;
import io.mpilock.transport.local.LocalCluster;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.logging.LoggingApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The ranks of a node as real web servers, all with the same properties. */
@Timeout(120)
class PortOffsetTests {
  private static final int RANKS = 2;

  private final LocalCluster cluster = new LocalCluster(RANKS);
  private final HttpClient http = HttpClient.newHttpClient();

  @Configuration
  @EnableAutoConfiguration(
      excludeName = "org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration")
  @RestController
  static class Application {
    private final LockTemplate locks;

    Application(LockTemplate locks) {
      this.locks = locks;
    }

    @GetMapping("/rank")
    int rank() {
      return locks.rank();
    }
  }

  @Test
  void eachRankAnswersOnThePortsThatItsLocalRankIsAddedTo() throws Exception {
    int port = FreePorts.inARow(2 * RANKS);
    int management = port + RANKS;
    List<CompletableFuture<ConfigurableApplicationContext>> starting = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      starting.add(start(rank, port, management));
    }
    try {
      for (int rank = 0; rank < RANKS; rank++) {
        starting.get(rank).get();
        assertThat(get(port + rank, "/rank")).isEqualTo(String.valueOf(rank));
        assertThat(get(management + rank, "/actuator/mpilock"))
            .contains("\"answeredBy\":%d,".formatted(rank));
      }
    } finally { // a close waits for that of the other rank
      CompletableFuture.allOf(
              starting.stream()
                  .map(one ->
                      one.thenAcceptAsync(
                          ConfigurableApplicationContext::close, Thread::startVirtualThread))
                  .toArray(CompletableFuture[]::new))
          .join();
    }
  }

  private CompletableFuture<ConfigurableApplicationContext> start(
      int rank, int port, int management) {
    SpringApplication application =
        new SpringApplicationBuilder(Application.class)
            .environment(FakeEnvironments.of(FakeEnvironments.openMpi(rank, RANKS)))
            .web(WebApplicationType.SERVLET)
            .registerShutdownHook(false)
            .initializers(
                context -> context.getBeanFactory().registerSingleton("world", cluster.world(rank)))
            .application();
    // The JVM's log is not to be what the environment says: other tests read it.
    application.setListeners(
        application.getListeners().stream()
            .filter(listener -> !(listener instanceof LoggingApplicationListener))
            .toList());
    return CompletableFuture.supplyAsync(
        () ->
            application.run(
                "--mpilock.web.port-offset=true",
                "--server.address=127.0.0.1",
                "--server.port=" + port,
                "--management.server.port=" + management,
                "--management.endpoints.web.exposure.include=mpilock"),
        task -> Thread.ofPlatform().daemon().name("rank " + rank).start(task));
  }

  private String get(int port, String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + port + path);
    return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }
}

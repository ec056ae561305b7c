/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.LockMode;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.failure.DeadlockException;
import io.mpilock.testing.HttpProgram;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.json.Json;

/**
 * The dashboard beside the meters that the ranks expose, and a real Prometheus that scrapes them.
 */
@Timeout(180)
class DashboardTests {
  private static final Path DASHBOARD = Path.of("..", "config", "grafana", "mpilock.json");
  private static final Set<String> PANELS = Set.of("row", "stat", "timeseries");
  private static final int COLUMNS = 24;
  private static final Pattern METRIC = Pattern.compile("\\bmpilock_\\w+");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=~?\"");
  private static final Pattern BY = Pattern.compile("by \\(([^)]*)\\)");
  private static final Pattern LEGEND = Pattern.compile("\\{\\{(\\w+)}}");
  private static final Pattern VALUE = Pattern.compile("\"value\":\\[[0-9.]+,\"([^\"]+)\"]");

  /** Given by Prometheus to what it scrapes. */
  private static final Set<String> OF_THE_SCRAPE = Set.of("job", "instance");

  private final Map<String, Object> dashboard =
      new Json().toType(Files.readString(DASHBOARD), Json.MAP_TYPE);

  @TempDir Path directory;

  DashboardTests() throws IOException {}

  /** What a panel asks for, and what it calls the answer. */
  private record Query(String panel, String expression, String legend) {
    /** As Grafana would send it, with every choice at "All". */
    String sent() {
      return expression
          .replaceAll("\\$(job|rank|resource)\\b", ".*")
          .replace("$__rate_interval", "10s")
          .replace("$__range", "1m");
    }
  }

  @Test
  void grafanaCanTellThePanelsApartAndPlaceThem() {
    assertThat(dashboard).containsKeys("title", "uid", "schemaVersion", "templating", "time");
    Set<Object> ids = new HashSet<>();
    boolean[][] taken = new boolean[200][COLUMNS];
    for (Map<?, ?> panel : maps(dashboard.get("panels"))) {
      assertThat(ids.add(get(panel, "id"))).as("id of " + panel.get("title")).isTrue();
      assertThat(PANELS).contains((String) get(panel, "type"));
      Map<?, ?> place = (Map<?, ?>) get(panel, "gridPos");
      for (int y = number(place, "y"); y < number(place, "y") + number(place, "h"); y++) {
        for (int x = number(place, "x"); x < number(place, "x") + number(place, "w"); x++) {
          assertThat(taken[y][x]).as("place of " + panel.get("title")).isFalse();
          taken[y][x] = true;
        }
      }
      List<Object> references = new ArrayList<>();
      maps(panel.get("targets")).forEach(target -> references.add(get(target, "refId")));
      assertThat(references).doesNotHaveDuplicates();
    }
    assertThat(maps(((Map<?, ?>) get(dashboard, "templating")).get("list")))
        .extracting(variable -> String.valueOf(variable.get("name")))
        .containsExactly("datasource", "job", "rank", "resource");
  }

  @Test
  void everyPanelHasDataAndEveryMeterAPanel() throws Exception {
    List<Query> queries = queries();
    assertThat(queries).hasSizeGreaterThan(15);
    List<PrometheusMeterRegistry> registries =
        List.of(
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT),
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
    HttpServer exposed = expose(registries);
    try (HttpProgram prometheus = prometheus(exposed.getAddress().getPort())) {
      LocalRanks.run(
          new int[] {1, 1},
          ControllerOptions.defaults(),
          controller -> {
            try (MpilockMetrics metrics =
                MpilockMetrics.bind(controller, registries.get(controller.rank()), true)) {
              lockUntilAllHaveData(controller, metrics, prometheus, queries);
              if (controller.isMaster()) {
                compareNames(queries, registries.getFirst().scrape());
              }
              controller.singleWrite(() -> 0); // the meters of both are there until then
            }
          });
    } finally {
      exposed.stop(0);
    }
  }

  /** The master asks and tells the others whether they may stop; they make the figures. */
  private static void lockUntilAllHaveData(
      WindowController controller,
      MpilockMetrics metrics,
      HttpProgram prometheus,
      List<Query> queries)
      throws Exception {
    boolean done = false;
    while (!done) {
      ResourceLock orders = controller.resource("orders");
      for (int i = 0; i < 20; i++) {
        orders.write().close();
        orders.read().close();
      }
      goWrong(metrics);
      done = controller.singleWrite(() -> without(prometheus, queries).isEmpty());
    }
  }

  /** Told directly: a cycle of waits takes seconds to be found. */
  private static void goWrong(MpilockMetrics metrics) {
    for (LockMode mode : LockMode.values()) {
      metrics.requested("orders", mode);
      metrics.granted("orders", mode, 1, true);
      metrics.released("orders", mode, 1);
      metrics.requested("orders", mode);
      metrics.timedOut("orders", mode, 1);
      metrics.requested("orders", mode);
      metrics.failed("orders", mode, 1, new DeadlockException("a cycle"));
    }
    metrics.stalled("orders", "a report");
  }

  private static void compareNames(List<Query> queries, String scrape) {
    Set<String> exposed = new TreeSet<>();
    Set<String> labels = new TreeSet<>(OF_THE_SCRAPE);
    scrape
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> {
          exposed.addAll(found(METRIC, line));
          labels.addAll(found(LABEL, line));
        });
    Set<String> asked = new TreeSet<>();
    Set<String> askedLabels = new TreeSet<>();
    for (Query query : queries) {
      asked.addAll(found(METRIC, query.expression()));
      askedLabels.addAll(found(LABEL, query.expression()));
      for (String by : found(BY, query.expression())) {
        askedLabels.addAll(List.of(by.split(", ", -1)));
      }
      askedLabels.addAll(found(LEGEND, query.legend()));
    }
    assertThat(exposed).containsAll(asked);
    assertThat(labels).containsAll(askedLabels);
    assertThat(families(asked)).isEqualTo(families(exposed));
  }

  /** Without what a timer and a summary put behind their names. */
  private static Set<String> families(Set<String> names) {
    return names.stream()
        .map(name -> name.replaceFirst("_(count|sum|max)$", ""))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> found(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map(found -> found.group(found.groupCount()))
        .collect(Collectors.toSet());
  }

  private List<Query> queries() {
    List<Query> queries = new ArrayList<>();
    for (Map<?, ?> panel : maps(dashboard.get("panels"))) {
      for (Map<?, ?> target : maps(panel.get("targets"))) {
        queries.add(
            new Query(
                (String) get(panel, "title"),
                (String) get(target, "expr"),
                (String) get(target, "legendFormat")));
      }
    }
    return queries;
  }

  private static List<Map<?, ?>> maps(@Nullable Object list) {
    List<Map<?, ?>> maps = new ArrayList<>();
    if (list instanceof List<?> elements) {
      elements.forEach(element -> maps.add((Map<?, ?>) element));
    }
    return maps;
  }

  private static Object get(Map<?, ?> object, String member) {
    return Objects.requireNonNull(object.get(member), member);
  }

  private static int number(Map<?, ?> place, String member) {
    return ((Number) get(place, member)).intValue();
  }

  /** Each registry at the path of its rank. */
  private static HttpServer expose(List<PrometheusMeterRegistry> registries) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    for (int rank = 0; rank < registries.size(); rank++) {
      PrometheusMeterRegistry registry = registries.get(rank);
      server.createContext(
          "/" + rank,
          exchange -> {
            byte[] text = registry.scrape().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4");
            exchange.sendResponseHeaders(200, text.length);
            try (OutputStream body = exchange.getResponseBody()) {
              body.write(text);
            }
          });
    }
    server.start();
    return server;
  }

  /** Scrapes both ranks each half second. */
  private HttpProgram prometheus(int exposed) throws Exception {
    StringBuilder configuration =
        new StringBuilder("global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n");
    configuration.append("scrape_configs:\n");
    for (int rank = 0; rank < 2; rank++) {
      configuration.append(
          """
            - job_name: nightly-%d
              metrics_path: /%d
              static_configs:
                - targets: [ "127.0.0.1:%d" ]
          """
              .formatted(rank, rank, exposed));
    }
    Path file = Files.writeString(directory.resolve("prometheus.yml"), configuration);
    return HttpProgram.start(
        directory.resolve("log"),
        "prometheus",
        "--config.file=" + file,
        "--storage.tsdb.path=" + directory.resolve("data"));
  }

  /** The queries that have no figure yet. */
  private static List<Query> without(HttpProgram prometheus, List<Query> queries) throws Exception {
    List<Query> without = new ArrayList<>();
    for (Query query : queries) {
      HttpResponse<String> answer =
          prometheus.get(
              "/api/v1/query?query=" + URLEncoder.encode(query.sent(), StandardCharsets.UTF_8));
      assertThat(answer.statusCode()).as(query + ": " + answer.body()).isEqualTo(200);
      // A mode that was never used gives 0 / 0, which Grafana leaves out.
      if (found(VALUE, answer.body()).stream().allMatch("NaN"::equals)) {
        without.add(query);
      }
    }
    return without;
  }
}

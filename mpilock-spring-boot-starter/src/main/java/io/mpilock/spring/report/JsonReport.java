/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.io.StringWriter;
import java.io.Writer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import org.HdrHistogram.Histogram;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The report as JSON. Every name of a time ends in its unit; instants are ISO 8601, in UTC. The
 * version changes when a reader of the one before would misunderstand.
 *
 * <pre>
 * { "format": "mpilock-report", "version": 1,
 *   "job": { "ranks", "master", "transport", "begin", "end", "durationNanos" },
 *   "missing": [ { "rank", "reason" } ],
 *   "ranks": [ { "rank", "host", "pid", "granted", "waitNanos", "holdNanos",
 *                "eventsRecorded", "eventsKept" } ],
 *   "locks": [ { "resource", "mode", "granted", "contended", "gaveUp", "failed",
 *                "wait": { "totalNanos", "p50Nanos", "p99Nanos", "maxNanos" }, "hold": the same } ],
 *   "waitedFor": [ { "waiter", "holder", "resource", "nanos", "times" } ],
 *   "names": [ resources and threads ],
 *   "eventColumns": [ the names of an event's columns ],
 *   "events": [ [ rank, resource, mode, outcome, thread, beginNanos, waitNanos, holdNanos ] ] }
 * </pre>
 *
 * In an event, {@code resource} and {@code thread} are indexes into {@code names}, {@code mode} is
 * 0 for a read, 1 for a write and 2 for a single write, {@code outcome} is 0 for granted, 1 for
 * given up and 2 for failed, and {@code beginNanos} counts from {@code job.begin}.
 */
final class JsonReport {
  static final int VERSION = 1;
  private static final List<String> COLUMNS =
      List.of(
          "rank", "resource", "mode", "outcome", "thread", "beginNanos", "waitNanos", "holdNanos");

  private JsonReport() {}

  static void write(JobReport report, List<RankEvent> events, Writer out) {
    try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), out)) {
      json.writeStartObject();
      json.writeStringProperty("format", "mpilock-report");
      json.writeNumberProperty("version", VERSION);
      job(json, report);
      missing(json, report);
      ranks(json, report);
      locks(json, report);
      pairs(json, report);
      events(json, report, events);
      json.writeEndObject();
    }
  }

  /** As text that can stand in a script element of HTML: {@code <} is there only as an escape. */
  static String forHtml(JobReport report, List<RankEvent> events) {
    StringWriter text = new StringWriter();
    write(report, events, text);
    return text.toString().replace("<", "\\u003c");
  }

  private static void job(JsonGenerator json, JobReport report) {
    json.writeName("job");
    json.writeStartObject();
    json.writeNumberProperty("ranks", report.size());
    json.writeNumberProperty("master", report.master());
    json.writeStringProperty("transport", report.transport());
    json.writeStringProperty("begin", instant(report.beginNanos()).toString());
    json.writeStringProperty("end", instant(report.endNanos()).toString());
    json.writeNumberProperty("durationNanos", report.endNanos() - report.beginNanos());
    json.writeEndObject();
  }

  static Instant instant(long epochNanos) {
    return Instant.ofEpochSecond(0, epochNanos);
  }

  private static void missing(JsonGenerator json, JobReport report) {
    json.writeName("missing");
    json.writeStartArray();
    for (Entry<Integer, String> missing : report.missing().entrySet()) {
      json.writeStartObject();
      json.writeNumberProperty("rank", missing.getKey());
      json.writeStringProperty("reason", missing.getValue());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void ranks(JsonGenerator json, JobReport report) {
    json.writeName("ranks");
    json.writeStartArray();
    for (RankRecord rank : report.ranks()) {
      json.writeStartObject();
      json.writeNumberProperty("rank", rank.rank());
      json.writeStringProperty("host", rank.host());
      json.writeNumberProperty("pid", rank.pid());
      json.writeNumberProperty("granted", rank.granted());
      json.writeNumberProperty("waitNanos", rank.waitNanos());
      json.writeNumberProperty("holdNanos", rank.holdNanos());
      json.writeNumberProperty("eventsRecorded", rank.recorded());
      json.writeNumberProperty("eventsKept", rank.events().size());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void locks(JsonGenerator json, JobReport report) {
    json.writeName("locks");
    json.writeStartArray();
    for (ModeRecord mode : report.modes()) {
      json.writeStartObject();
      json.writeStringProperty("resource", mode.resource());
      json.writeStringProperty("mode", mode.use().toString());
      json.writeNumberProperty("granted", mode.granted());
      json.writeNumberProperty("contended", mode.contended());
      json.writeNumberProperty("gaveUp", mode.gaveUp());
      json.writeNumberProperty("failed", mode.failed());
      distribution(json, "wait", mode.waitNanos(), mode.waits());
      distribution(json, "hold", mode.holdNanos(), mode.holds());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void distribution(
      JsonGenerator json, String name, long totalNanos, Histogram histogram) {
    json.writeName(name);
    json.writeStartObject();
    json.writeNumberProperty("totalNanos", totalNanos);
    json.writeNumberProperty("p50Nanos", histogram.getValueAtPercentile(50));
    json.writeNumberProperty("p99Nanos", histogram.getValueAtPercentile(99));
    json.writeNumberProperty("maxNanos", histogram.getMaxValue());
    json.writeEndObject();
  }

  private static void pairs(JsonGenerator json, JobReport report) {
    json.writeName("waitedFor");
    json.writeStartArray();
    for (WaitedFor pair : report.pairs()) {
      json.writeStartObject();
      json.writeNumberProperty("waiter", pair.waiter());
      json.writeNumberProperty("holder", pair.holder());
      json.writeStringProperty("resource", pair.resource());
      json.writeNumberProperty("nanos", pair.nanos());
      json.writeNumberProperty("times", pair.times());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void events(JsonGenerator json, JobReport report, List<RankEvent> events) {
    Map<String, Integer> numbers = new HashMap<>();
    List<String> names = new ArrayList<>();
    for (RankEvent at : events) {
      for (String name : List.of(at.event().resource(), at.event().thread())) {
        if (numbers.putIfAbsent(name, names.size()) == null) {
          names.add(name);
        }
      }
    }
    json.writeName("names");
    json.writeStartArray();
    names.forEach(json::writeString);
    json.writeEndArray();
    json.writeName("eventColumns");
    json.writeStartArray();
    COLUMNS.forEach(json::writeString);
    json.writeEndArray();
    json.writeName("events");
    json.writeStartArray();
    for (RankEvent at : events) {
      LockEvent event = at.event();
      json.writeStartArray();
      json.writeNumber(at.rank());
      json.writeNumber(number(numbers, event.resource()));
      json.writeNumber(event.use().code());
      json.writeNumber(event.outcome().code());
      json.writeNumber(number(numbers, event.thread()));
      json.writeNumber(event.beginNanos() - report.beginNanos());
      json.writeNumber(event.waitNanos());
      json.writeNumber(event.holdNanos());
      json.writeEndArray();
    }
    json.writeEndArray();
  }

  private static int number(Map<String, Integer> numbers, String name) {
    return numbers.getOrDefault(name, -1);
  }
}

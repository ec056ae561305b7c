/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.internal.job.Verdict;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What mpilock's own collective calls and locks are to whoever reads of them: a user who never made
 * them is told what the rank does, and not what it calls. The names of their resources begin with
 * {@code mpilock.}, and those who use them are in the starter.
 *
 * <p>A counter has a resource that users cannot name: it begins with a control character. So a
 * counter and a resource of equal name are two things.
 */
public final class CallNames {
  private static final String PREFIX = "mpilock.";

  /** What the name of a counter's resource begins with. */
  private static final char COUNTER = '\u0001';

  private static final String COUNTER_QUOTED = "counter '";

  private static final String REPORT = "the report at the close";
  private static final String BEGINNING = "the beginning of a job of Spring Batch";
  private static final String END = "the end of a job of Spring Batch";
  private static final String SLICES = "the slices of the input of a step";
  private static final String CLOSES = "is closing";

  private static final Map<String, String> NAMES =
      Map.of(
          "mpilock.report", REPORT,
          "mpilock.batch.beginning", BEGINNING,
          "mpilock.batch.outcomes", END,
          "mpilock.batch", SLICES,
          "mpilock.batch.schema", "the tables of Spring Batch");

  private static final Map<String, String> DOES =
      Map.of(
          REPORT, CLOSES,
          BEGINNING, "is at the beginning of a job of Spring Batch",
          END, "is at the end of a job of Spring Batch",
          SLICES, "takes its slice of the input of a step");

  private static final Pattern CLOSING =
      Pattern.compile("(?:^|; )(rank \\d+ " + CLOSES + ")(?:;|$)");

  private static final Pattern NO_MISTAKE =
      Pattern.compile(
          "rank \\d+ (is closing|called close|has called nothing|died|gave up and went on)");

  private CallNames() {}

  /**
   * Tells whether a resource is mpilock's own, of which listeners are not told.
   *
   * @param resource its name
   * @return true if it begins as theirs do
   */
  public static boolean isOwn(String resource) {
    return resource.startsWith(PREFIX);
  }

  /** The name of the resource of a counter. */
  public static String counter(String name) {
    return COUNTER + name;
  }

  /** Whether a resource is that of a counter. */
  public static boolean isCounter(String resource) {
    return !resource.isEmpty() && resource.charAt(0) == COUNTER;
  }

  /** The name that a user gave: of a resource, or of the counter that it is of. */
  public static String given(String resource) {
    return isCounter(resource) ? resource.substring(1) : resource;
  }

  /** The name of a resource as users read it beside others. */
  public static String shown(String resource) {
    return isCounter(resource) ? quoted(resource) : resource;
  }

  /** The name of a resource for messages. */
  public static String quoted(String resource) {
    if (isCounter(resource)) {
      return COUNTER_QUOTED + given(resource) + "'";
    }
    String own = isOwn(resource) ? NAMES.get(resource) : null;
    return own != null ? own : "resource '" + resource + "'";
  }

  /** The name of a collective call, as its method has it. */
  public static String ofKind(long kind) {
    return kind == Verdict.BARRIER
        ? "barrier"
        : kind == Verdict.ALL_GATHER
            ? "allGather"
            : kind == Verdict.GATHER
                ? "gather"
                : kind == Verdict.IN_ORDER ? "inOrder" : "singleWrite";
  }

  /** What a rank is in that makes a collective call of the resource of a quoted name. */
  public static String inWords(long kind, String quoted) {
    return (kind == Verdict.SINGLE_WRITE ? "single write" : ofKind(kind)) + " of " + quoted;
  }

  /** What a rank does that makes a collective call of the resource of a quoted name. */
  public static String called(long kind, String quoted, int writer) {
    if (quoted.startsWith(COUNTER_QUOTED)) {
      return "called reset of " + quoted;
    }
    String own = DOES.get(quoted);
    return own != null
        ? own
        : "called %s(%s%s)"
            .formatted(
                ofKind(kind), quoted, kind == Verdict.SINGLE_WRITE ? ", writer " + writer : "");
  }

  /** Whether all who made the call close: it is no mistake of any. */
  public static boolean onlyCloses(String summary) {
    return Arrays.stream(summary.split("; ")).allMatch(rank -> NO_MISTAKE.matcher(rank).matches());
  }

  /** A rank that is closing by what is told of all of them: for the others that is the reason. */
  public static String reason(String summary, String otherwise) {
    Matcher closing = CLOSING.matcher(summary);
    return closing.find() ? closing.group(1) : otherwise;
  }
}

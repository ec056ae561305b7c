/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.WaitReport;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.WaitRecord;
import io.mpilock.internal.window.WaitRecord.Held;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The agent's part in finding cycles of waits over several nodes: it tells the other nodes what
 * threads of its ranks wait for, as long as there are any, and writes what they tell into the
 * window, where each waiting thread looks for itself. Used by the agent's thread only.
 *
 * <p>Each node numbers what it tells, and says with it the highest number that it has heard from
 * each other node. So a thread can know that what a node told was true after a moment of its own:
 * that node had heard by then what this one told later than the moment.
 */
public final class WaitExchange {
  private static final int MOST_BYTES = 60 * 1024;

  private final RankContext node;
  private final Directory directory;
  private final Consumer<Message.Waits> others;
  private final long[] heard;
  private final Map<Integer, List<WaitRecord>> told = new TreeMap<>();

  /** With more than this it is looked which of them nobody waits for or holds any more. */
  private static final int MOST_STRANGERS = 10_000;

  /** Stand for the lock lines of resources that no rank of this node has used. */
  private final Map<String, Long> strangers = new HashMap<>();

  private long nextStranger = -1;

  private long number;
  private boolean silent = true;

  /**
   * An exchange.
   *
   * @param others takes a message to all other nodes
   */
  WaitExchange(RankContext node, Directory directory, Consumer<Message.Waits> others) {
    this.node = node;
    this.directory = directory;
    this.others = others;
    this.heard = new long[node.nodes()];
  }

  /** Tells the others, if there is anything that they do not know. */
  void tell() {
    List<WaitReport.Wait> waits = new ArrayList<>();
    int bytes = 0;
    for (WaitRecord wait : node.waits().ofRanks()) {
      if (wait.writes() || wait.isInCall() || !wait.holds().isEmpty()) {
        WaitReport.Wait report = report(wait);
        bytes += report.bytes();
        if (bytes > MOST_BYTES) {
          break;
        }
        waits.add(report);
      }
    }
    if (waits.isEmpty() && silent) {
      return;
    }
    silent = waits.isEmpty();
    number++;
    node.window().set(Layout.WAITS_TOLD, number);
    List<Long> all = new ArrayList<>();
    for (long one : heard) {
      all.add(one);
    }
    others.accept(new Message.Waits(number, new WaitReport(all, waits)));
  }

  private WaitReport.Wait report(WaitRecord wait) {
    return new WaitReport.Wait(
        wait.rank(),
        wait.number(),
        wait.thread(),
        wait.name(),
        name(wait.wants()),
        wait.writes(),
        wait.timed(),
        wait.since(),
        wait.holds().stream()
            .map(held -> new WaitReport.Wait.Held(name(held.resource()), held.writes()))
            .toList());
  }

  private String name(long lockLine) {
    if (lockLine == WaitRecord.CALL) {
      return "";
    }
    String name = directory.name(lockLine);
    return name == null ? "" : name;
  }

  /**
   * Another node tells.
   *
   * @throws IllegalArgumentException if it speaks of ranks that it does not have
   */
  void hear(int from, Message.Waits message) {
    WaitReport said = message.report();
    if (said.heard().size() != heard.length) {
      throw new IllegalArgumentException("it has heard of " + said.heard().size() + " nodes");
    }
    List<WaitRecord> waits = new ArrayList<>();
    for (WaitReport.Wait report : said.waits()) {
      if (node.nodeOf(node.checkRank(report.rank())) != from) {
        throw new IllegalArgumentException("rank " + report.rank() + " is not on node " + from);
      }
      waits.add(waiting(report, said.heard().get(node.myNode())));
    }
    heard[from] = message.number();
    told.put(from, waits);
    List<WaitRecord> all = told.values().stream().flatMap(List::stream).toList();
    if (strangers.size() > MOST_STRANGERS) {
      strangers.values().retainAll(resources(all));
    }
    node.waits().showOthers(all);
  }

  private static Set<Long> resources(List<WaitRecord> waits) {
    Set<Long> resources = new HashSet<>();
    for (WaitRecord wait : waits) {
      resources.add(wait.wants());
      wait.holds().forEach(held -> resources.add(held.resource()));
    }
    return resources;
  }

  private WaitRecord waiting(WaitReport.Wait report, long heardHere) {
    return new WaitRecord(
        report.rank(),
        report.number(),
        report.thread(),
        report.name(),
        lockLine(report.wants()),
        report.writes(),
        report.timed(),
        report.since(),
        report.holds().stream()
            .map(held -> new Held(lockLine(held.resource()), held.writes()))
            .toList(),
        heardHere);
  }

  private long lockLine(String resource) {
    if (resource.isEmpty()) {
      return WaitRecord.CALL;
    }
    Long lockLine = directory.known(resource);
    return lockLine != null ? lockLine : strangers.computeIfAbsent(resource, _ -> nextStranger--);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import io.mpilock.spring.progress.SharedWork;
import io.mpilock.spring.progress.WorkStatus;
import io.mpilock.status.JobStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The job, as the endpoint shows it.
 *
 * @param transport the transport and the version of its library
 * @param answeredBy the rank that answered
 * @param size the number of ranks
 * @param nodes the number of nodes
 * @param silentNodes nodes that did not answer within a second
 * @param ranks all ranks
 * @param resources those that a thread waits for, then those that are held, then idle ones
 * @param resourcesLeftOut how many more there are, because a node reports 64 KiB at most
 * @param names how many names there are on the node of the rank that answered, and how much room
 *     they take
 * @param work what the rank that answered takes part in of the work that ranks share
 * @since 0.1.0
 */
public record JobDescriptor(
    String transport,
    int answeredBy,
    int size,
    int nodes,
    List<Integer> silentNodes,
    List<RankDescriptor> ranks,
    List<ResourceDescriptor> resources,
    int resourcesLeftOut,
    NamesDescriptor names,
    List<WorkDescriptor> work) {

  /**
   * A work, on all ranks together.
   *
   * @param name the job's name and the step's
   * @param units how many units it has
   * @param done how many of them are done
   * @param perSecond how many were done in a second, on average of this start of the job
   * @param secondsLeft how long it goes on at this rate; null while that is not known
   */
  public record WorkDescriptor(
      String name, long units, long done, double perSecond, @Nullable Long secondsLeft) {
    private static WorkDescriptor of(SharedWork work) {
      WorkStatus status = work.status();
      Duration left = status.left();
      return new WorkDescriptor(
          status.name(),
          status.units(),
          status.done(),
          status.perSecond(),
          left == null ? null : left.toSeconds());
    }
  }

  /**
   * A rank.
   *
   * @param rank its number
   * @param node the number of its node
   * @param host its host
   * @param pid its process
   * @param state open, closing, closed, dead, or unknown
   */
  public record RankDescriptor(int rank, int node, String host, long pid, String state) {}

  /** Copies the lists. */
  public JobDescriptor {
    silentNodes = List.copyOf(silentNodes);
    ranks = List.copyOf(ranks);
    resources = List.copyOf(resources);
    work = List.copyOf(work);
  }

  static JobDescriptor of(
      JobStatus status, NamesDescriptor names, List<SharedWork> work, Instant now) {
    return new JobDescriptor(
        status.transport(),
        status.rank(),
        status.ranks().size(),
        status.nodes(),
        status.silentNodes(),
        status.ranks().stream()
            .map(rank ->
                new RankDescriptor(
                    rank.member().rank(),
                    rank.member().node(),
                    rank.member().host(),
                    rank.member().pid(),
                    word(rank.state())))
            .toList(),
        status.resources().stream().map(resource -> ResourceDescriptor.of(resource, now)).toList(),
        status.leftOut(),
        names,
        work.stream().map(WorkDescriptor::of).toList());
  }

  static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}

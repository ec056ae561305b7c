/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.ControllerOptions;
import io.mpilock.Fairness;
import io.mpilock.OnDeadlock;
import io.mpilock.OnHolderDeath;
import io.mpilock.spring.ResourceSettings;
import io.mpilock.spring.Until;
import io.mpilock.spring.progress.ProgressMode;
import io.mpilock.transport.MpjSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.bind.Name;
import org.springframework.util.unit.DataSize;

/**
 * The {@code mpilock.*} properties. All ranks must use equal values, apart from {@code
 * stall-warning}, {@code until}, {@code until} of {@code resources}, {@code share.allow}, {@code
 * native.library}, {@code mpj.jar}, {@code metrics}, {@code report.events}, {@code
 * report.directory} and {@code batch}.
 *
 * <p>A bad value is reported with its property, value and origin, although the starter brings no
 * Bean Validation.
 *
 * @param enabled Whether the ranks share locks. If not, the LockTemplate runs every callback on
 *     every rank without any lock, and MPI is not started.
 * @param transport How the ranks reach each other: "auto" takes "native" under a launcher, "mpj"
 *     where MPILOCK_RANK and MPILOCK_SIZE are set by hand, and "local" without either.
 * @param master Rank that single writes go to by default.
 * @param expectedRanks How many ranks the job must have; 0 for any number. A job of another size is
 *     refused, as when a launcher's variables do not reach its ranks and each would be alone.
 * @param fairness Which requests go first when readers and writers wait for the same resource.
 * @param handoverLimit How often threads of one rank may pass a write among themselves while
 *     another rank waits; 0 for strict order.
 * @param stallWarning After how long a wait is reported to the log, and again after each such time.
 * @param shutdownTimeout Longest time that the shutdown waits for the report of all ranks, for this
 *     rank's leases, and for the close of the other ranks, all together.
 * @param heartbeatTimeout How long a node may be silent, where the ranks are on several, before the
 *     others consider it dead. Longer than the longest pause of a rank's JVM, such as a full
 *     collection. A process that ends is known within seconds.
 * @param onHolderDeath What happens to a resource whose writer died inside its write.
 * @param onDeadlock What happens to threads that wait for each other's locks in a cycle. Each
 *     rank's setting applies to its own threads.
 * @param windowSize Shared memory that each rank adds to its node, from 1MB to 1TB, taken at the
 *     start. If not set: 32MB, or on a node with little room half of what is free there, divided by
 *     its ranks.
 * @param until How long a write lasts that the LockTemplate or an annotation takes in a Spring
 *     transaction.
 * @param resources What is different for single resources: mpilock.resources.NAME.until, how long a
 *     write of it lasts; NAME.timeout, how long the LockTemplate and annotations wait for it where
 *     they are given no time; NAME.fairness, who goes first. If not set: as mpilock.until and
 *     mpilock.fairness say, and for as long as it takes. A name with other characters than a to z,
 *     0 to 9 and - goes in brackets: mpilock.resources[north/orders].until.
 * @param share Sharing of objects between the ranks.
 * @param nativeTransport The native transport.
 * @param mpj The transport over MPJ Express.
 * @param metrics The meters.
 * @param report The report at the end of the job.
 * @param batch Spring Batch.
 * @param annotations Locks by annotation.
 * @param integration Spring Integration.
 * @since 0.1.0
 */
@ConfigurationProperties("mpilock")
public record MpilockProperties(
    @DefaultValue("true") boolean enabled,
    @DefaultValue("auto") String transport,
    @DefaultValue("0") int master,
    @DefaultValue("0") int expectedRanks,
    @DefaultValue("writer-first") Fairness fairness,
    @DefaultValue("0") int handoverLimit,
    @DefaultValue("30s") Duration stallWarning,
    @DefaultValue("30s") Duration shutdownTimeout,
    @DefaultValue("60s") Duration heartbeatTimeout,
    @DefaultValue("poison") OnHolderDeath onHolderDeath,
    @DefaultValue("fail") OnDeadlock onDeadlock,
    @Nullable DataSize windowSize,
    @DefaultValue("transaction") Until until,
    @DefaultValue Map<String, Resource> resources,
    @DefaultValue Share share,
    @DefaultValue @Name("native") Native nativeTransport,
    @DefaultValue Mpj mpj,
    @DefaultValue Metrics metrics,
    @DefaultValue Report report,
    @DefaultValue Batch batch,
    @DefaultValue Annotations annotations,
    @DefaultValue Integration integration)
    implements ResourceSettings {

  /**
   * What is different for a resource.
   *
   * @param until How long a write of it lasts that is taken in a transaction; if not set, as
   *     mpilock.until says.
   * @param timeout How long the LockTemplate and annotations wait for it where they are given no
   *     time, 0 not to wait; if not set, as long as it takes. The same on all ranks for single
   *     writes.
   * @param fairness Which requests go first when readers and writers wait for it; if not set, as
   *     mpilock.fairness says. The same on all ranks.
   */
  public record Resource(
      @Nullable Until until, @Nullable Duration timeout, @Nullable Fairness fairness) {}

  @Override
  public Until until(String resource) {
    Resource own = resources.get(resource);
    return own == null || own.until() == null ? until : own.until();
  }

  @Override
  public @Nullable Duration timeout(String resource) {
    Resource own = resources.get(resource);
    return own == null ? null : own.timeout();
  }

  private Map<String, Fairness> fairnessOf() {
    Map<String, Fairness> known = new HashMap<>();
    resources.forEach((name, resource) -> {
      if (resource.fairness() != null) {
        known.put(name, resource.fairness());
      }
    });
    return known;
  }

  /**
   * Sharing of objects between the ranks.
   *
   * @param allow Classes that may be shared in addition to those of java.base and of the
   *     application's own packages: "com.acme.Order", "com.acme.*" for a package, "com.acme.**" for
   *     it and those below.
   */
  public record Share(@DefaultValue List<String> allow) {}

  /**
   * The native transport.
   *
   * @param library Path or soname of the MPI library to load; chosen by the launcher if not set.
   * @param doorbell Whether nodes wake each other by TCP connections of their own beside MPI.
   *     Without them an idle node polls MPI all the time, and a killed process may be noticed only
   *     after heartbeat-timeout.
   */
  public record Native(@Nullable String library, @DefaultValue("true") boolean doorbell) {}

  /**
   * The transport over MPJ Express.
   *
   * @param jar Where mpj.jar of MPJ Express 0.44 is; if not set, the class path, else Debian's
   *     usual place.
   * @param rendezvous HOST:PORT where rank 0 waits for the others; if not set, rank 0 chooses one
   *     and publishes it in a file.
   * @param token Secret that the ranks of the job know each other by, at least 16 characters;
   *     needed with a rendezvous. The variable MPILOCK_TOKEN does as well.
   * @param directory Directory of the rendezvous file, seen by all ranks and private to the user;
   *     .mpilock in the home directory if not set.
   * @param timeout How long the ranks wait for each other at the start.
   */
  public record Mpj(
      @Nullable String jar,
      @Nullable String rendezvous,
      @Nullable String token,
      @Nullable String directory,
      @DefaultValue("60s") Duration timeout) {

    /** The settings of the transport. */
    MpjSettings toSettings() {
      return new MpjSettings(jar, rendezvous, token, directory, timeout);
    }

    /** Leaves the token out. */
    @Override
    public String toString() {
      return toSettings().toString();
    }
  }

  /**
   * The meters.
   *
   * @param enabled Whether to register meters, if there is a meter registry.
   * @param rankTag Whether each meter carries the tag "rank", so that ranks that push to the same
   *     backend stay apart.
   * @param maxResources Number of resources that have meters of their own: the first that this rank
   *     uses. All others share those with the tag resource="(other)".
   */
  public record Metrics(
      @DefaultValue("true") boolean enabled,
      @DefaultValue("true") boolean rankTag,
      @DefaultValue("100") int maxResources) {}

  /**
   * The report at the end of the job.
   *
   * @param enabled Whether the locks are recorded, and the master logs a table of all ranks when
   *     the application shuts down in order. If not set: with several ranks, or with a directory.
   * @param events How many events each rank keeps: the last ones, and the 100 that waited longest;
   *     some 50 bytes each.
   * @param directory Directory in which the master writes mpilock-report.json and
   *     mpilock-report.html, made if need be; no files if not set.
   */
  public record Report(
      @Nullable Boolean enabled, @DefaultValue("10000") int events, @Nullable Path directory) {

    boolean isOf(int ranks) {
      return enabled != null ? enabled : ranks > 1 || directory != null;
    }
  }

  /**
   * Spring Batch.
   *
   * @param stopOnShutdown Whether jobs that run when the application shuts down, as on SIGTERM, are
   *     stopped at the end of their chunk or tasklet, and waited for. If not set: with several
   *     ranks.
   * @param rankParameters Whether each job has the parameters mpilock.rank, which identifies, and
   *     mpilock.size, which does not. If not set: with several ranks.
   * @param combineOutcomes Whether the ranks tell each other at the end of every job how it ended,
   *     and all end as the worst of them. Then every rank must run each job.
   * @param outcomeTimeout Longest time that a rank whose job has ended waits for the outcomes of
   *     the others.
   * @param recover Whether executions of this rank that are still running in the repository when
   *     the application starts count as failed, so that their jobs can be started again: those of
   *     jobs that are beans. For repositories in which no other process runs these jobs as this
   *     rank. If not set: in the repository that mpilock makes for each rank.
   * @param repositoryDirectory Directory in which each of several ranks has a database rank-N for
   *     Spring Batch's repository, made if need be. Only with H2, where the application's data
   *     source is the embedded database that Boot makes by default, and there is no other for
   *     Batch. Empty for no such database.
   * @param progress How the master shows how far a work is that ranks share (RankWork): "lines" in
   *     the log, a "bar" on the standard output, or "none".
   */
  public record Batch(
      @Nullable Boolean stopOnShutdown,
      @Nullable Boolean rankParameters,
      @DefaultValue("false") boolean combineOutcomes,
      @DefaultValue("1d") Duration outcomeTimeout,
      @Nullable Boolean recover,
      @DefaultValue("batch-repository") String repositoryDirectory,
      @DefaultValue("none") ProgressMode progress) {}

  /**
   * Locks by annotation.
   *
   * @param enabled Whether methods that are annotated with ReadLocked, WriteLocked or SingleWrite
   *     run under their locks; if not, the annotations do nothing.
   */
  public record Annotations(@DefaultValue("true") boolean enabled) {}

  /**
   * Spring Integration.
   *
   * @param enabled Whether there is a LockRegistry over the ranks' locks, unless the application
   *     has its own. Components of Spring Integration use it where they are given it.
   * @param prefix What the names of the registry's resources begin with.
   * @param stripes Number of resources that the keys share; 0 gives each key its own, also where
   *     keys have no end.
   */
  public record Integration(
      @DefaultValue("true") boolean enabled,
      @DefaultValue("integration/") String prefix,
      @DefaultValue("0") int stripes) {}

  /**
   * The controller's options.
   *
   * @param applicationPackages the application's base packages, whose classes may be shared too
   * @return the options
   */
  public ControllerOptions toOptions(List<String> applicationPackages) {
    return new ControllerOptions(
        master,
        expectedRanks,
        fairness,
        fairnessOf(),
        handoverLimit,
        stallWarning,
        shutdownTimeout,
        heartbeatTimeout,
        onHolderDeath,
        onDeadlock,
        windowSize == null ? null : windowSize.toBytes(),
        SharePatterns.of(share.allow(), applicationPackages),
        null);
  }
}

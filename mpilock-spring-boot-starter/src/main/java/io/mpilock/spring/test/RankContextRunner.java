/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import io.mpilock.WindowController;
import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.Configurations;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.util.ClassUtils;

/**
 * Runs the application contexts of several ranks in this JVM, each on its own thread, as {@link
 * ApplicationContextRunner} runs one. They are one job over the {@code local} transport, with the
 * auto-configuration of mpilock. Immutable.
 *
 * <pre>{@code
 * new RankContextRunner()
 *     .withRanks(4)
 *     .withUserConfiguration(Reports.class)
 *     .run(rank -> {
 *       String name = rank.locks().singleWrite(() -> "made by rank " + rank.rank());
 *       assertThat(name).isEqualTo("made by rank 0");
 *     });
 * }</pre>
 *
 * <p>Each environment has {@code mpilock.rank}, {@code mpilock.size} and {@code
 * mpilock.local-rank}, and the profiles {@code rank-N} and {@code master}, so that the conditions
 * on ranks hold. Configuration files are not read, unless {@link #with} adds Boot's initializer
 * that does. Static fields, system properties and the log are those of one JVM. So are the contexts
 * that Spring Batch has for executions, by their ids: beans of step scope need a job repository
 * that the ranks share, where ids differ.
 *
 * @since 0.1.0
 */
public final class RankContextRunner {
  private final int[] ranksPerNode;
  private final Duration timeout;
  private final UnaryOperator<ApplicationContextRunner> customizer;

  /** Makes a runner of 2 ranks on one node, with a time limit of 60 s. */
  public RankContextRunner() {
    this(new int[] {2}, Duration.ofSeconds(60), runner -> runner);
  }

  private RankContextRunner(
      int[] ranksPerNode, Duration timeout, UnaryOperator<ApplicationContextRunner> customizer) {
    this.ranksPerNode = ranksPerNode;
    this.timeout = timeout;
    this.customizer = customizer;
  }

  /**
   * Says how many ranks there are, on one node.
   *
   * @param ranks at least 1
   * @return the runner
   */
  public RankContextRunner withRanks(int ranks) {
    return withNodes(ranks);
  }

  /**
   * Says how many ranks each node has. Ranks of different nodes share no memory, and their locks go
   * by messages.
   *
   * @param ranksPerNode at least 1 for each node; ranks are numbered node by node
   * @return the runner
   */
  public RankContextRunner withNodes(int... ranksPerNode) {
    return new RankContextRunner(ranksPerNode.clone(), timeout, customizer);
  }

  /**
   * Limits the time that all ranks together may take, start and close included.
   *
   * @param timeout the limit
   * @return the runner
   */
  public RankContextRunner withTimeout(Duration timeout) {
    return new RankContextRunner(ranksPerNode, timeout, customizer);
  }

  /**
   * Adds configurations to each rank's context, such as further auto-configurations.
   *
   * @param configurations the configurations
   * @return the runner
   */
  public RankContextRunner withConfiguration(Configurations configurations) {
    return with(runner -> runner.withConfiguration(configurations));
  }

  /**
   * Adds configuration classes to each rank's context.
   *
   * @param classes the classes
   * @return the runner
   */
  public RankContextRunner withUserConfiguration(Class<?>... classes) {
    return with(runner -> runner.withUserConfiguration(classes));
  }

  /**
   * Adds properties to each rank's environment.
   *
   * @param pairs as {@code name=value}
   * @return the runner
   */
  public RankContextRunner withPropertyValues(String... pairs) {
    return with(runner -> runner.withPropertyValues(pairs));
  }

  /**
   * Adds a bean to each rank's context.
   *
   * @param <T> the type of the bean
   * @param type the type of the bean
   * @param supplier makes the bean, once for each rank and on its thread
   * @return the runner
   */
  public <T> RankContextRunner withBean(Class<T> type, Supplier<T> supplier) {
    return with(runner -> runner.withBean(type, supplier));
  }

  /**
   * Changes the runner of each rank in any other way.
   *
   * @param change is applied to the runner of each rank, on its thread
   * @return the runner
   */
  public RankContextRunner with(UnaryOperator<ApplicationContextRunner> change) {
    return new RankContextRunner(
        ranksPerNode, timeout, runner -> change.apply(customizer.apply(runner)));
  }

  /**
   * Starts the contexts, runs the consumer on each rank at the same time, and closes the contexts.
   * As {@link ApplicationContextRunner} does, it hands over a context that failed to start, too.
   *
   * @param consumer what each rank does, on its own thread
   * @throws AssertionError if a rank failed: the message names it, the cause is what it threw, and
   *     what others threw is suppressed; the likely root first. Also if the time is over or this
   *     thread is interrupted: then the message tells what each rank does, and the ranks are ended.
   * @throws IllegalArgumentException if there are no ranks, or none on a node
   */
  public void run(RankConsumer consumer) {
    LocalCluster cluster = new LocalCluster(ranksPerNode);
    List<TestRank> ranks =
        IntStream.range(0, cluster.size()).mapToObj(rank -> new TestRank(cluster, rank)).toList();
    RankThreads.run(cluster, timeout, number -> play(ranks.get(number), consumer));
  }

  private void play(TestRank rank, RankConsumer consumer) {
    ApplicationContextRunner runner =
        new ApplicationContextRunner(() -> context(rank))
            .withInitializer(context -> initialize(context, rank))
            .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));
    try {
      customizer.apply(runner).run(context -> rank.run(context, consumer));
    } catch (Throwable e) {
      if (!rank.isDead()) {
        throw e;
      }
    }
  }

  private static AnnotationConfigApplicationContext context(TestRank rank) {
    AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
    context.setEnvironment(environment(rank));
    return context;
  }

  /** That of a process that was started by hand as this rank. */
  private static ConfigurableEnvironment environment(TestRank rank) {
    Map<String, Object> variables =
        Map.of(
            "MPILOCK_RANK", Integer.toString(rank.rank()),
            "MPILOCK_SIZE", Integer.toString(rank.size()),
            "MPILOCK_LOCAL_RANK", Integer.toString(rank.localRank()));
    return new StandardEnvironment() {
      @Override
      public Map<String, Object> getSystemEnvironment() {
        Map<String, Object> all = new HashMap<>(super.getSystemEnvironment());
        all.keySet().removeIf(RankContextRunner::isOfALauncher);
        all.putAll(variables);
        return all;
      }
    };
  }

  /** The tests themselves may run under one. */
  private static boolean isOfALauncher(String variable) {
    return variable.startsWith("OMPI_COMM_WORLD_")
        || variable.startsWith("PMI")
        || variable.startsWith("SLURM_");
  }

  private static void initialize(ConfigurableApplicationContext context, TestRank rank) {
    activateProfiles(context.getEnvironment(), rank.rank());
    if (ClassUtils.isPresent(OwnBatchScopes.NEEDED, context.getClassLoader())) {
      context.addBeanFactoryPostProcessor(new OwnBatchScopes());
    }
    context.getBeanFactory().registerSingleton("mpilockLocalCommunicator", rank.world());
    context
        .getBeanFactory()
        .addBeanPostProcessor(
            new DestructionAwareBeanPostProcessor() {
              @Override
              public boolean requiresDestruction(Object bean) {
                return bean instanceof WindowController;
              }

              @Override
              public void postProcessBeforeDestruction(Object bean, String beanName) {
                if (rank.isGivenUp() && bean instanceof WindowController controller) {
                  controller.abandon();
                }
              }
            });
  }

  /** As an application does when it starts. */
  private static void activateProfiles(ConfigurableEnvironment environment, int rank) {
    Binder properties = Binder.get(environment);
    if (!properties.bind("mpilock.profiles.enabled", Boolean.class).orElse(true)) {
      return;
    }
    List<String> profiles = new ArrayList<>();
    List<String> active = List.of(environment.getActiveProfiles());
    if (active.isEmpty()) {
      profiles.addAll(List.of(environment.getDefaultProfiles()));
    }
    if (rank == properties.bind("mpilock.master", Integer.class).orElse(0)) {
      profiles.add("master");
    }
    profiles.add("rank-" + rank);
    profiles.addAll(active);
    environment.setActiveProfiles(profiles.toArray(String[]::new));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A JUnit test that all ranks of a job run at the same time, each on a thread with an application
 * context of its own; see {@link RankContextRunner}. It is reported as one test, which fails if a
 * rank fails, or its context does not start.
 *
 * <pre>{@code
 * @RankTest(ranks = 4, classes = Reports.class)
 * void oneRankMakesTheReport(TestRank rank, LockTemplate locks, @Autowired Reports reports) {
 *   Path report = locks.singleWrite(reports::make);
 *   ...
 * }
 * }</pre>
 *
 * <p>Parameters are this rank's: its {@link TestRank}, {@link io.mpilock.spring.LockTemplate},
 * {@link io.mpilock.WindowController} and {@link org.springframework.context.ApplicationContext},
 * and what Spring's {@code @Autowired}, {@code @Qualifier} or {@code @Value} ask for. Others, such
 * as JUnit's {@code @TempDir}, are the same objects on all ranks. So is the test's instance, and
 * what is to be done before and after a test is done once, not on each rank.
 *
 * @since 0.1.0
 */
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Test
@ExtendWith(RankExtension.class)
public @interface RankTest {

  /**
   * The number of ranks, on one node.
   *
   * @return at least 1; not needed with {@link #nodes}
   */
  int ranks() default 0;

  /**
   * The number of ranks on each of several nodes.
   *
   * @return at least 1 for each node; none for one node with {@link #ranks}
   */
  int[] nodes() default {};

  /**
   * Configuration classes of each rank's context, beside mpilock's auto-configuration.
   *
   * @return the classes
   */
  Class<?>[] classes() default {};

  /**
   * Properties of each rank's environment.
   *
   * @return as {@code name=value}
   */
  String[] properties() default {};

  /**
   * How long all ranks together may take, in seconds. Then the test fails with what each rank does.
   *
   * @return at least 1
   */
  int timeoutSeconds() default 60;
}

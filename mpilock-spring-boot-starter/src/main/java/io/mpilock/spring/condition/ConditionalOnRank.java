/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.condition;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Conditional;

/**
 * Matches on the given ranks only. Decided from {@code mpilock.rank}, which the starter takes from
 * the launcher's variables, so before any call of MPI. A process without a launcher has rank 0 of
 * 1.
 *
 * <p>If the rank is not known, or a given one is not of the job, the context does not start: the
 * bean would be missing without a word. Where the launcher does not tell the size, only negative
 * ranks are refused. May be used as a meta-annotation.
 *
 * <p>Not for applications that are processed ahead of time: conditions are decided there for all
 * ranks, when the application is built. That fails with a message.
 *
 * @since 0.1.0
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Conditional(OnRankCondition.class)
public @interface ConditionalOnRank {

  /**
   * The ranks to match on.
   *
   * @return at least one, each from 0 to the size of the job - 1
   */
  int[] value();
}

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
 * Matches on the master only: the rank that {@code mpilock.master} names, 0 unless set. Decided
 * from {@code mpilock.rank}, which the starter takes from the launcher's variables, so before any
 * call of MPI. A process without a launcher is the master of a job of one rank, if {@code
 * mpilock.master} is 0.
 *
 * <p>If the rank is not known, or the master is not a rank of the job, the context does not start.
 * May be used as a meta-annotation.
 *
 * <p>Not for applications that are processed ahead of time: conditions are decided there for all
 * ranks, when the application is built. That fails with a message.
 *
 * @since 0.1.0
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Conditional(OnMasterCondition.class)
public @interface ConditionalOnMaster {}

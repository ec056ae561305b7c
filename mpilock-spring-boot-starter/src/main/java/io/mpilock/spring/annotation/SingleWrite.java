/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import io.mpilock.spring.LockTemplate;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Only one rank runs the method of a bean, alone, and what it returns is returned on every rank, as
 * in {@link LockTemplate#singleWrite(int, io.mpilock.LockedAction)}. Collective: every rank calls
 * it, in the same order as its other collective calls, with arguments that give the same name.
 *
 * <p>On the rank that runs it, what the method throws reaches the caller as it was thrown; on the
 * others it is a {@link io.mpilock.failure.SingleWriteFailedException}. What it returns must be of
 * a class that may be shared. The other rules are those of {@link WriteLocked}.
 *
 * @since 0.1.0
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface SingleWrite {

  /** Stands for the master, whichever rank that is. */
  int MASTER = -1;

  /**
   * The name of the resource, or a template of it; as {@link WriteLocked#value}.
   *
   * @return the name, the same on every rank; empty for the default resource
   */
  String value() default "";

  /**
   * The rank that runs the method.
   *
   * @return a rank, the same on every rank; {@link #MASTER} by default
   */
  int rank() default MASTER;

  /**
   * The longest wait for the method to begin; as {@link WriteLocked#timeout}.
   *
   * @return the time, the same on every rank; empty for as long as it takes
   */
  String timeout() default "";
}

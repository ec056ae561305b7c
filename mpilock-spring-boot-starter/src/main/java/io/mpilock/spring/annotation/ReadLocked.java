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
 * The method of a bean runs while no rank writes, as in {@link LockTemplate#read}. The rules are
 * those of {@link WriteLocked}.
 *
 * @since 0.1.0
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface ReadLocked {

  /**
   * The names of the resources, or templates of them; as {@link WriteLocked#value}.
   *
   * @return the names; none for the default resource
   */
  String[] value() default {};

  /**
   * The longest wait for the lock; as {@link WriteLocked#timeout}.
   *
   * @return the time, 0 not to wait; empty for as long as it takes
   */
  String timeout() default "";

  /**
   * Whether a call is skipped that cannot have the lock; as {@link WriteLocked#skip}.
   *
   * @return true to skip it; false to wait
   */
  boolean skip() default false;

  /**
   * A method that is run in place of this one if the lock cannot be had; as {@link
   * WriteLocked#fallback}.
   *
   * @return its name; empty to wait
   */
  String fallback() default "";
}

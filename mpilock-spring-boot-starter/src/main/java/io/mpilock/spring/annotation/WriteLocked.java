/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import io.mpilock.failure.LockTimeoutException;
import io.mpilock.spring.LockTemplate;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The method of a bean runs alone, over all threads of all ranks, as in {@link LockTemplate#write}.
 *
 * <pre>{@code
 * @WriteLocked("orders-#{#order.customer}")
 * @Transactional
 * public void save(Order order) { ... }
 *
 * @WriteLocked(value = "sweep", skip = true) // once at a time; the others do not wait
 * public void sweep() { ... }
 * }</pre>
 *
 * <p>The rules of all three annotations:
 *
 * <ul>
 *   <li><b>Through the bean only.</b> The lock is taken by a proxy around the bean. A call from
 *       within the same object passes no proxy and takes no lock.
 *   <li><b>On a class</b> it is the default for the methods that the class declares, and those of
 *       its subclasses; {@code equals}, {@code hashCode} and {@code toString}, and private and
 *       static methods are left out. One on a method goes before that of its class; one method has
 *       one of them. It may be a meta-annotation of your own.
 *   <li><b>Outside of transactions.</b> The lock is taken before a transaction of the same method
 *       begins, and released after it has been committed; so it is with other advice too, such as
 *       caches and the validation of arguments: what is in a cache was read under the lock, and a
 *       hit takes the lock. Only {@code @Async}, retries and Spring Security's annotations come
 *       before: the lock belongs to the thread that runs the body, is not held between attempts,
 *       and a caller without permission does not wait for it.
 *   <li><b>In the transaction of a caller</b> a write is kept until that has completed, as {@link
 *       LockTemplate} says.
 *   <li><b>The work is done when the method returns.</b> Futures and reactive types, as what the
 *       method returns, are refused; do not return a lazy stream, or start work that goes on.
 *   <li><b>Several resources</b> are taken in the order of their names, all or none, as those of a
 *       {@link io.mpilock.spring.LockGroup}.
 *   <li><b>Exceptions</b> of the method reach the caller as they were thrown. Those of the lock are
 *       those of {@link LockTemplate}.
 * </ul>
 *
 * <p>Wrong use is reported when the context starts. {@code mpilock.annotations.enabled=false}
 * leaves all methods without their locks.
 *
 * @since 0.1.0
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface WriteLocked {

  /**
   * The names of the resources: literals, or templates with expressions of SpEL in {@code #{…}}.
   * They see the parameters as {@code #name} (if compiled with {@code -parameters}) or {@code #p0},
   * beans as {@code @bean}, and {@code #root.method} and {@code #root.target}; {@code ${…}} is a
   * property. One expression of a template may give a collection or an array: then the template
   * gives a name for each element. An expression that gives null, or nothing, is an error. Each
   * name is a resource that lives as long as the controller, so let them be bounded.
   *
   * @return the names; none for the default resource
   */
  String[] value() default {};

  /**
   * The longest wait for the lock, as in Boot's properties: {@code 5s}, {@code PT5S}, or
   * milliseconds; {@code ${…}} is a property. The end of it is a {@link LockTimeoutException},
   * unless the method is skipped or has a fallback. For several resources it counts for all of them
   * together.
   *
   * @return the time, 0 not to wait; empty for as long as it takes, or as {@code
   *     mpilock.resources.NAME.timeout} says
   */
  String timeout() default "";

  /**
   * Whether a call is skipped that cannot have the lock at once, or within {@link #timeout} if that
   * is given. What it returns then is nothing, an empty {@code Optional}, or null; a method that
   * returns a primitive, or what is never null by its annotations, is refused. Who needs to know
   * whether it ran lets it return something.
   *
   * <p>Only a lock that another thread has, or asked for before, is a reason to skip: a dead rank,
   * a poisoned resource or a closed controller throws an exception as usual.
   *
   * @return true to skip it; false to wait
   */
  boolean skip() default false;

  /**
   * The name of a method of the same class that is run in place of this one, without the lock, if
   * that cannot be had at once, or within {@link #timeout} if that is given. It takes the same
   * parameters, returns what this one may return, and throws no other checked exceptions; private
   * is enough. It is called past the proxy, so annotations on it do nothing.
   *
   * @return its name; empty to wait
   */
  String fallback() default "";
}

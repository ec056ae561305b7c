/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import io.mpilock.WindowController;
import io.mpilock.spring.LockGroup;
import io.mpilock.spring.LockTemplate;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.expression.BeanResolver;

/** What an annotated method is to run under. */
final class LockOperation {

  /** Which of the annotations. */
  enum Kind {
    READ,
    WRITE,
    SINGLE_WRITE
  }

  private final Kind kind;
  private final List<ResourceName> resources;
  private final @Nullable Duration timeout;
  private final int rank;
  private final @Nullable Instead instead;

  /** Whether the names are the same for all calls. */
  private final boolean constant;

  /** Of the resource, if it is always the same one; else any, with the time-out. */
  private volatile @Nullable LockTemplate template;

  LockOperation(
      Kind kind,
      List<ResourceName> resources,
      @Nullable Duration timeout,
      int rank,
      @Nullable Instead instead) {
    this.kind = kind;
    this.resources = resources;
    this.timeout = timeout;
    this.rank = rank;
    this.instead = instead;
    this.constant = resources.stream().noneMatch(ResourceName::isTemplate);
  }

  @Nullable Object run(
      MethodInvocation invocation, Supplier<LockTemplate> locks, BeanResolver beans)
      throws Throwable {
    LockTemplate lock = template(locks);
    if (constant && resources.size() == 1) {
      return run(invocation, lock);
    }
    Set<String> names = new TreeSet<>();
    for (ResourceName resource : resources) {
      if (resource.isTemplate()) {
        names.addAll(resource.evaluate(invocation.getThis(), invocation.getArguments(), beans));
      } else {
        names.add(name(resource));
      }
    }
    if (kind == Kind.SINGLE_WRITE && names.size() != 1) {
      throw new IllegalArgumentException(
          "A single write has one resource, but the name of %s gives %s."
              .formatted(ResourceName.shown(invocation.getMethod()), names));
    }
    return names.size() == 1
        ? run(invocation, lock.on(names.iterator().next()))
        : run(invocation, group(lock, names));
  }

  private @Nullable Object run(MethodInvocation invocation, LockTemplate lock) throws Throwable {
    if (instead != null) {
      Result result = new Result();
      boolean ran =
          kind == Kind.READ
              ? lock.tryReadWithoutResult(timeToTry(), () -> result.of(invocation))
              : lock.tryWriteWithoutResult(timeToTry(), () -> result.of(invocation));
      return ran ? result.value : instead.give(invocation);
    }
    return switch (kind) {
      case READ -> lock.<@Nullable Object, Throwable>read(invocation::proceed);
      case WRITE -> lock.<@Nullable Object, Throwable>write(invocation::proceed);
      case SINGLE_WRITE ->
          lock.<@Nullable Object, Throwable>singleWrite(writer(lock), invocation::proceed);
    };
  }

  private @Nullable Object run(MethodInvocation invocation, LockGroup group) throws Throwable {
    if (instead == null) {
      return group.<@Nullable Object, Throwable>run(invocation::proceed);
    }
    Result result = new Result();
    return group.tryRunWithoutResult(timeToTry(), () -> result.of(invocation))
        ? result.value
        : instead.give(invocation);
  }

  private LockGroup group(LockTemplate lock, Set<String> names) {
    String[] all = names.toArray(String[]::new);
    return kind == Kind.READ ? lock.group().read(all) : lock.group().write(all);
  }

  /** A setting of the resource does not make a call wait that should not wait. */
  private Duration timeToTry() {
    return timeout == null ? Duration.ZERO : timeout;
  }

  /** What the method returned, which may be null. */
  private static final class Result {
    private @Nullable Object value;

    void of(MethodInvocation invocation) throws Throwable {
      value = invocation.proceed();
    }
  }

  /**
   * Checks what only the locks know.
   *
   * @throws IllegalArgumentException if there is no such rank, or a name is not valid
   */
  void check(Supplier<LockTemplate> locks) {
    LockTemplate lock = template(locks);
    for (ResourceName resource : resources) {
      if (!resource.isTemplate()) {
        lock.on(name(resource));
      }
    }
    if (rank >= lock.size()) {
      throw new IllegalArgumentException(
          "There is no rank %d: the job has %d, numbered 0 to %d."
              .formatted(rank, lock.size(), lock.size() - 1));
    }
  }

  private LockTemplate template(Supplier<LockTemplate> locks) {
    LockTemplate known = template;
    if (known == null) {
      known = locks.get();
      if (timeout != null) {
        known = known.withTimeout(timeout);
      }
      if (constant && resources.size() == 1) {
        known = known.on(name(resources.getFirst()));
      }
      template = known; // two threads at once make the same
    }
    return known;
  }

  private static String name(ResourceName resource) {
    return resource.text().isEmpty() ? WindowController.DEFAULT_RESOURCE : resource.text();
  }

  private int writer(LockTemplate lock) {
    return rank == SingleWrite.MASTER ? lock.master() : rank;
  }
}

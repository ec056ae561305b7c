package io.mpilock.spring.annotation;

import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import java.time.Duration;
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
  private final ResourceName resource;
  private final @Nullable Duration timeout;
  private final int rank;

  /** Of the resource, if its name is always the same; else any, with the time-out. */
  private volatile @Nullable LockTemplate template;

  LockOperation(Kind kind, ResourceName resource, @Nullable Duration timeout, int rank) {
    this.kind = kind;
    this.resource = resource;
    this.timeout = timeout;
    this.rank = rank;
  }

  @Nullable Object run(
      MethodInvocation invocation, Supplier<LockTemplate> locks, BeanResolver beans)
      throws Throwable {
    LockTemplate lock = template(locks);
    if (resource.isTemplate()) {
      lock = lock.on(resource.evaluate(invocation.getThis(), invocation.getArguments(), beans));
    }
    return switch (kind) {
      case READ -> lock.<@Nullable Object, Throwable>read(invocation::proceed);
      case WRITE -> lock.<@Nullable Object, Throwable>write(invocation::proceed);
      case SINGLE_WRITE ->
          lock.<@Nullable Object, Throwable>singleWrite(writer(lock), invocation::proceed);
    };
  }

  /**
   * Checks what only the locks know.
   *
   * @throws IllegalArgumentException if there is no such rank, or the name is not valid
   */
  void check(Supplier<LockTemplate> locks) {
    LockTemplate lock = template(locks);
    if (rank >= lock.size()) {
      throw new IllegalArgumentException(
          "There is no rank %d: there are %d, numbered 0 to %d."
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
      if (!resource.isTemplate()) {
        String name = resource.text();
        known = known.on(name.isEmpty() ? WindowController.DEFAULT_RESOURCE : name);
      }
      template = known; // two threads at once make the same
    }
    return known;
  }

  private int writer(LockTemplate lock) {
    return rank == SingleWrite.MASTER ? lock.master() : rank;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.Fence;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The forms of a template over the JDK's interfaces, in which no type says what an action throws:
 * for Kotlin, and for callers that have a {@code Callable}. Each is the template's form of the same
 * name.
 *
 * <p>Kotlin has no checked exceptions, and does not infer a type that is only thrown. So it must
 * come to these for a lambda, and Java must not, or what a lambda throws would be checked as {@code
 * Exception}. Java takes the forms of {@link LockTemplate} because their actions are subtypes of
 * these. Kotlin would take them, too, but for their annotation {@code
 * LowPriorityInOverloadResolution}.
 */
interface UntypedForms {

  private LockTemplate self() {
    return (LockTemplate) this;
  }

  default <T extends @Nullable Object> T read(Callable<T> action) throws Exception {
    return self().<T, Exception>read(action::call);
  }

  default <T extends @Nullable Object> T write(Callable<T> action) throws Exception {
    return self().<T, Exception>write(action::call);
  }

  default <T> Optional<T> tryRead(Callable<T> action) throws Exception {
    return self().<T, Exception>tryRead(action::call);
  }

  default <T> Optional<T> tryRead(Duration timeout, Callable<T> action) throws Exception {
    return self().<T, Exception>tryRead(timeout, action::call);
  }

  default <T> Optional<T> tryWrite(Callable<T> action) throws Exception {
    return self().<T, Exception>tryWrite(action::call);
  }

  default <T> Optional<T> tryWrite(Duration timeout, Callable<T> action) throws Exception {
    return self().<T, Exception>tryWrite(timeout, action::call);
  }

  default <T extends @Nullable Object> T readWithLease(Function<LeasedRead, T> action) {
    return self().<T, RuntimeException>readWithLease(action::apply);
  }

  default <T extends @Nullable Object> T writeWithLease(Function<LeasedWrite, T> action) {
    return self().<T, RuntimeException>writeWithLease(action::apply);
  }

  default <T extends @Nullable Object> T optimisticRead(Callable<T> action) throws Exception {
    return self().<T, Exception>optimisticRead(action::call);
  }

  default <T extends @Nullable Object> T singleWrite(Callable<T> action) throws Exception {
    return self().<T, Exception>singleWrite(action::call);
  }

  default <T extends @Nullable Object> T singleWrite(int rank, Callable<T> action)
      throws Exception {
    return self().<T, Exception>singleWrite(rank, action::call);
  }

  default <T extends @Nullable Object> T inOrder(Callable<T> action) throws Exception {
    return self().<T, Exception>inOrder(action::call);
  }

  default <T> @Nullable T singleWriteFenced(Consumer<Fence<T>> action) {
    return self().<T, RuntimeException>singleWriteFenced(action::accept);
  }

  default <T> @Nullable T singleWriteFenced(int rank, Consumer<Fence<T>> action) {
    return self().<T, RuntimeException>singleWriteFenced(rank, action::accept);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.core.Nullness;
import org.springframework.core.ResolvableType;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/**
 * What a call gives whose method is not run, since its lock was not free.
 *
 * @param fallback another method of the same object; null if the call is skipped
 * @param skipped what a call that is skipped returns
 */
record Instead(@Nullable Method fallback, @Nullable Object skipped) {
  private static final Map<Class<?>, Object> EMPTY =
      Map.of(
          Optional.class, Optional.empty(),
          OptionalInt.class, OptionalInt.empty(),
          OptionalLong.class, OptionalLong.empty(),
          OptionalDouble.class, OptionalDouble.empty());

  /**
   * Finds what a method's annotation names.
   *
   * @param method the annotated one
   * @param type the bean's class
   * @param skip whether a call is skipped
   * @param fallback the name of another method, or ""
   * @return null if a call waits for its lock
   * @throws IllegalArgumentException if that cannot be
   */
  static @Nullable Instead of(Method method, Class<?> type, boolean skip, String fallback) {
    if (fallback.isEmpty()) {
      return skip ? new Instead(null, skipped(method)) : null;
    }
    if (skip) {
      throw new IllegalArgumentException(
          "skip and the fallback '%s' exclude each other: remove one of them.".formatted(fallback));
    }
    return new Instead(fallback(method, type, fallback), null);
  }

  private static @Nullable Object skipped(Method method) {
    Class<?> result = method.getReturnType();
    if (result == void.class || result == Void.class || EMPTY.containsKey(result)) {
      return EMPTY.get(result);
    }
    if (result.isPrimitive() || Nullness.forMethodReturnType(method) == Nullness.NON_NULL) {
      throw new IllegalArgumentException(
          ("a call that is skipped returns null, but the method returns %s %s, which"
                  + " is never null. Let it return void, an Optional or a @Nullable type, or"
                  + " name a fallback.")
              .formatted(result.isPrimitive() ? "the primitive" : "a", result.getSimpleName()));
    }
    return null;
  }

  /** The methods of a class that have a name, wherever in its hierarchy they are. */
  static List<Method> named(Class<?> type, String name) {
    return Stream.of(ReflectionUtils.getUniqueDeclaredMethods(type))
        .filter(one -> one.getName().equals(name) && !one.isBridge())
        .toList();
  }

  private static Method fallback(Method method, Class<?> type, String name) {
    List<Method> named = named(type, name);
    List<Method> fitting =
        named.stream().filter(one -> !one.equals(method) && fits(one, method, type)).toList();
    if (fitting.size() > 1) { // the one that takes just the same
      fitting =
          fitting.stream()
              .filter(one -> Arrays.equals(parameters(one, type), parameters(method, type)))
              .toList();
    }
    if (fitting.size() != 1) {
      throw new IllegalArgumentException(
          ("its fallback '%s' must be one method of %s that takes (%s), returns %s"
                  + " and throws as checked exceptions at most: %s. %s")
              .formatted(
                  name,
                  type.getName(),
                  shown(parameters(method, type)),
                  method.getReturnType() == void.class
                      ? "anything or nothing"
                      : result(method, type).getSimpleName(),
                  method.getExceptionTypes().length == 0
                      ? "none"
                      : shown(method.getExceptionTypes()),
                  named.isEmpty()
                      ? "There is no method of that name."
                      : "There is "
                          + named.stream()
                              .map(Method::toGenericString)
                              .collect(Collectors.joining("; "))
                          + "."));
    }
    if (LockedMethods.isAnnotated(fitting.getFirst())) {
      throw new IllegalArgumentException(
          ("its fallback '%s' has a lock annotation itself, which does not apply to a"
                  + " call from within. Take that lock by a LockTemplate.")
              .formatted(name));
    }
    return fitting.getFirst();
  }

  private static boolean fits(Method one, Method method, Class<?> type) {
    Class<?>[] taken = parameters(one, type);
    Class<?>[] given = parameters(method, type);
    boolean fits = taken.length == given.length;
    for (int i = 0; fits && i < given.length; i++) {
      fits = ClassUtils.isAssignable(taken[i], given[i]);
    }
    return fits
        && (method.getReturnType() == void.class
            || ClassUtils.isAssignable(result(method, type), result(one, type)))
        && Stream.of(one.getExceptionTypes()).allMatch(thrown -> mayThrow(method, thrown));
  }

  private static boolean mayThrow(Method method, Class<?> thrown) {
    return RuntimeException.class.isAssignableFrom(thrown)
        || Error.class.isAssignableFrom(thrown)
        || Stream.of(method.getExceptionTypes()).anyMatch(one -> one.isAssignableFrom(thrown));
  }

  private static Class<?>[] parameters(Method method, Class<?> type) {
    Class<?>[] declared = method.getParameterTypes();
    Class<?>[] resolved = new Class<?>[declared.length];
    for (int i = 0; i < declared.length; i++) {
      resolved[i] = ResolvableType.forMethodParameter(method, i, type).resolve(declared[i]);
    }
    return resolved;
  }

  private static Class<?> result(Method method, Class<?> type) {
    return ResolvableType.forMethodReturnType(method, type).resolve(method.getReturnType());
  }

  private static String shown(Class<?>[] types) {
    return Stream.of(types).map(Class::getSimpleName).collect(Collectors.joining(", "));
  }

  /** Gives it. The fallback is called on the object itself, past its proxy. */
  @Nullable Object give(MethodInvocation invocation) throws Throwable {
    if (fallback == null) {
      return skipped;
    }
    Object target =
        Modifier.isStatic(fallback.getModifiers())
            ? null
            : Objects.requireNonNull(invocation.getThis(), "target");
    Object result =
        AopUtils.invokeJoinpointUsingReflection(target, fallback, invocation.getArguments());
    return invocation.getMethod().getReturnType() == void.class ? null : result;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.ReflectionSupport;
import org.opentest4j.TestAbortedException;
import org.springframework.beans.factory.annotation.ParameterResolutionDelegate;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.context.ApplicationContext;

/**
 * Behind {@link RankTest}: takes the place of the one call of the test method, and makes one for
 * each rank. JUnit has its parameters resolved before, so it gets empty ones for those that each
 * rank has its own of.
 */
final class RankExtension implements ParameterResolver, InvocationInterceptor {
  private static final List<Class<?>> TYPES =
      List.of(
          TestRank.class,
          LockTemplate.class,
          WindowController.class,
          ApplicationContext.class,
          AssertableApplicationContext.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext extension) {
    return isOfARank(parameter.getParameter(), parameter.getIndex());
  }

  private static boolean isOfARank(Parameter parameter, int index) {
    return TYPES.contains(parameter.getType())
        || ParameterResolutionDelegate.isAutowirable(parameter, index);
  }

  @Override
  public @Nullable Object resolveParameter(ParameterContext parameter, ExtensionContext extension) {
    return Array.get(Array.newInstance(parameter.getParameter().getType(), 1), 0);
  }

  @Override
  public void interceptTestMethod(
      Invocation<@Nullable Void> invocation,
      ReflectiveInvocationContext<Method> call,
      ExtensionContext extension)
      throws Throwable {
    invocation.skip();
    RankTest test =
        AnnotationSupport.findAnnotation(call.getExecutable(), RankTest.class).orElseThrow();
    RankContextRunner runner =
        new RankContextRunner()
            .withNodes(ranksPerNode(test))
            .withTimeout(Duration.ofSeconds(test.timeoutSeconds()))
            .withUserConfiguration(test.classes())
            .withPropertyValues(test.properties());
    try {
      runner.run(rank -> call(call, rank));
    } catch (AssertionError e) {
      if (e.getCause() instanceof TestAbortedException aborted) {
        throw aborted;
      }
      throw e;
    }
  }

  private static int[] ranksPerNode(RankTest test) {
    int[] nodes = test.nodes();
    if (nodes.length == 0) {
      if (test.ranks() < 1) {
        throw new ExtensionConfigurationException("@RankTest sets neither ranks nor nodes.");
      }
      return new int[] {test.ranks()};
    }
    if (test.ranks() != 0 && test.ranks() != Arrays.stream(nodes).sum()) {
      throw new ExtensionConfigurationException(
          "@RankTest has %d ranks, but %s on its nodes."
              .formatted(test.ranks(), Arrays.toString(nodes)));
    }
    return nodes;
  }

  private static void call(ReflectiveInvocationContext<Method> call, TestRank rank)
      throws Throwable {
    Throwable failure = rank.context().getStartupFailure();
    if (failure != null) {
      throw failure;
    }
    Method method = call.getExecutable();
    Parameter[] parameters = method.getParameters();
    @Nullable Object[] arguments = call.getArguments().toArray();
    for (int i = 0; i < arguments.length; i++) {
      if (isOfARank(parameters[i], i)) {
        arguments[i] = argument(parameters[i], i, call.getTargetClass(), rank);
      }
    }
    ReflectionSupport.invokeMethod(method, call.getTarget().orElse(null), arguments);
  }

  private static @Nullable Object argument(
      Parameter parameter, int index, Class<?> testClass, TestRank rank) {
    Class<?> type = parameter.getType();
    if (type == TestRank.class) {
      return rank;
    }
    if (type.isInstance(rank.context())) {
      return rank.context();
    }
    return ParameterResolutionDelegate.resolveDependency(
        parameter, index, testClass, rank.context().getAutowireCapableBeanFactory());
  }
}

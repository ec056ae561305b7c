/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import io.mpilock.spring.LockTemplate;
import java.lang.reflect.Method;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.Advisor;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.framework.autoproxy.AbstractBeanFactoryAwareAdvisingPostProcessor;
import org.springframework.aop.support.AopUtils;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.StaticMethodMatcherPointcut;
import org.springframework.aot.hint.ExecutableMode;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.aot.BeanRegistrationAotContribution;
import org.springframework.beans.factory.aot.BeanRegistrationAotProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.RegisteredBean;
import org.springframework.context.expression.BeanFactoryResolver;
import org.springframework.expression.BeanResolver;
import org.springframework.util.ClassUtils;
import org.springframework.util.function.SingletonSupplier;

/**
 * Puts the proxies around beans whose methods are {@link ReadLocked}, {@link WriteLocked} or {@link
 * SingleWrite}. Takes the locks by the bean of type {@link LockTemplate}, which it looks up when it
 * needs it: when all beans are there, or at a call before that.
 *
 * <p>Its advice is the outermost of a bean, but for that of Spring Security outside of
 * transactions, and that of post-processors with a larger {@link #setOrder order} that ask for the
 * same, as those of {@code @Async} and {@code @Retryable} do. The bean is destroyed before the
 * locks are.
 *
 * @since 0.1.0
 */
public final class LockAnnotationBeanPostProcessor
    extends AbstractBeanFactoryAwareAdvisingPostProcessor
    implements SmartInitializingSingleton, BeanRegistrationAotProcessor {
  private static final long serialVersionUID = 1L;

  /** After the creator of transaction proxies, and before those that belong outside. */
  private static final int ORDER = LOWEST_PRECEDENCE - 100;

  // What an application need not have.
  private static final String SECURITY = "org.springframework.security.";
  private static final String TRANSACTIONS = "org.springframework.transaction.";

  private transient @Nullable LockedMethods methods;
  private transient @Nullable Supplier<LockTemplate> locks;

  /** Makes a post-processor for the bean factory that it will be given. */
  public LockAnnotationBeanPostProcessor() {
    setBeforeExistingAdvisors(true);
    setOrder(ORDER);
  }

  @Override
  public void setBeanFactory(BeanFactory beanFactory) {
    super.setBeanFactory(beanFactory);
    ConfigurableListableBeanFactory beans = (ConfigurableListableBeanFactory) beanFactory;
    LockedMethods found = new LockedMethods(text -> resolve(beans, text));
    Supplier<LockTemplate> template = SingletonSupplier.of(() -> beans.getBean(LockTemplate.class));
    this.methods = found;
    this.locks = template;
    this.advisor =
        new DefaultPointcutAdvisor(
            new LockedPointcut(found),
            new LockInterceptor(found, template, new BeanFactoryResolver(beans)));
  }

  private static String resolve(ConfigurableListableBeanFactory beans, String text) {
    String resolved = beans.resolveEmbeddedValue(text);
    return resolved == null ? "" : resolved;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String beanName) {
    Object result = super.postProcessAfterInitialization(bean, beanName);
    if (result instanceof Advised advised && !advised.isFrozen()) {
      putBehindSecurity(advised);
    }
    if (isEligible(bean, beanName) || isEligible(AopUtils.getTargetClass(bean))) {
      destroyBeforeTheLocks(beanName);
    }
    return result;
  }

  /** Nobody waits for a lock who may not call; but no transaction begins before it is taken. */
  private void putBehindSecurity(Advised advised) {
    Advisor mine = advisor;
    int place = mine == null ? -1 : advised.indexOf(mine);
    if (mine == null || place < 0) {
      return;
    }
    int last = place;
    Advisor[] all = advised.getAdvisors();
    for (int i = place + 1; i < all.length; i++) {
      String advice = all[i].getAdvice().getClass().getName();
      if (advice.startsWith(TRANSACTIONS)) {
        break;
      }
      last = advice.startsWith(SECURITY) ? i : last;
    }
    if (last > place) {
      advised.removeAdvisor(mine);
      advised.addAdvisor(last, mine);
    }
  }

  private void destroyBeforeTheLocks(String beanName) {
    ConfigurableListableBeanFactory beans = Objects.requireNonNull(beanFactory);
    for (String template : beans.getBeanNamesForType(LockTemplate.class, true, false)) {
      if (beans.containsBeanDefinition(template) && !template.equals(beanName)) {
        beans.registerDependentBean(template, beanName);
      }
    }
  }

  /**
   * Checks what only the locks know: names and ranks.
   *
   * @throws IllegalStateException if an annotation is wrong
   */
  @Override
  public void afterSingletonsInstantiated() {
    Supplier<LockTemplate> template = Objects.requireNonNull(locks);
    Objects.requireNonNull(methods)
        .forEach((method, operation) -> {
          try {
            operation.check(template);
          } catch (IllegalArgumentException e) {
            throw new LockAnnotationException(
                "The lock annotation on %s is wrong: %s"
                    .formatted(ResourceName.shown(method), e.getMessage()),
                e);
          }
        });
  }

  /** A native image needs to know which methods are called by reflection. */
  @Override
  public @Nullable BeanRegistrationAotContribution processAheadOfTime(RegisteredBean bean) {
    Set<Method> fallbacks = LockedMethods.fallbacks(ClassUtils.getUserClass(bean.getBeanClass()));
    return fallbacks.isEmpty()
        ? null
        : (context, _) ->
            fallbacks.forEach(method ->
                context
                    .getRuntimeHints()
                    .reflection()
                    .registerMethod(method, ExecutableMode.INVOKE));
  }

  /** It has its work when the application runs. */
  @Override
  public boolean isBeanExcludedFromAotProcessing() {
    return false;
  }

  private static final class LockedPointcut extends StaticMethodMatcherPointcut {
    private final LockedMethods methods;

    LockedPointcut(LockedMethods methods) {
      this.methods = methods;
      setClassFilter(methods::has);
    }

    @Override
    public boolean matches(Method method, Class<?> targetClass) {
      return methods.find(method, targetClass) != null;
    }
  }

  private record LockInterceptor(
      LockedMethods methods, Supplier<LockTemplate> locks, BeanResolver beans)
      implements MethodInterceptor {

    @Override
    public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
      Object target = invocation.getThis();
      Method method = invocation.getMethod();
      LockOperation operation =
          methods.find(method, target != null ? target.getClass() : method.getDeclaringClass());
      return operation == null ? invocation.proceed() : operation.run(invocation, locks, beans);
    }
  }
}

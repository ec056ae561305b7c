/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.autoproxy.AbstractBeanFactoryAwareAdvisingPostProcessor;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.StaticMethodMatcherPointcut;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.util.function.SingletonSupplier;

/**
 * Adds the rank and the number of ranks to the parameters of every job, or puts them right. It does
 * so where the repository is asked, since whatever starts a job comes through there.
 *
 * <p>The rank identifies: each rank has a job instance of its own, so ranks do not collide in a
 * repository that they share. The number of ranks does not, so that an instance can be started
 * again on another number.
 *
 * @since 0.1.0
 */
public final class RankRepositoryPostProcessor
    extends AbstractBeanFactoryAwareAdvisingPostProcessor {
  private static final long serialVersionUID = 1L;

  /** The job parameter with this process's rank: a {@code Long}, which identifies. */
  public static final String RANK = "mpilock.rank";

  /** The job parameter with the number of ranks: a {@code Long}, which does not identify. */
  public static final String SIZE = "mpilock.size";

  private final boolean on;

  /**
   * Makes a post-processor for the bean factory that it will be given.
   *
   * @param on whether it does anything
   */
  public RankRepositoryPostProcessor(boolean on) {
    this.on = on;
    setBeforeExistingAdvisors(true);
  }

  @Override
  protected boolean isEligible(Object bean, String beanName) {
    return on && super.isEligible(bean, beanName);
  }

  @Override
  protected boolean isEligible(Class<?> targetClass) {
    return on && super.isEligible(targetClass);
  }

  @Override
  public void setBeanFactory(BeanFactory beanFactory) {
    super.setBeanFactory(beanFactory);
    Supplier<LockTemplate> locks =
        SingletonSupplier.of(() -> beanFactory.getBean(LockTemplate.class));
    this.advisor = new DefaultPointcutAdvisor(new TakesParameters(), new AddRank(locks));
  }

  private static final class TakesParameters extends StaticMethodMatcherPointcut {
    TakesParameters() {
      setClassFilter(JobRepository.class::isAssignableFrom);
    }

    @Override
    public boolean matches(Method method, Class<?> targetClass) {
      return Arrays.asList(method.getParameterTypes()).contains(JobParameters.class);
    }
  }

  private record AddRank(Supplier<LockTemplate> locks) implements MethodInterceptor {

    @Override
    public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
      @Nullable Object[] arguments = invocation.getArguments();
      for (int i = 0; i < arguments.length; i++) {
        if (arguments[i] instanceof JobParameters parameters) {
          arguments[i] =
              new JobParametersBuilder(parameters)
                  .addLong(RANK, (long) locks.get().rank())
                  .addLong(SIZE, (long) locks.get().size(), false)
                  .toJobParameters();
        }
      }
      return invocation.proceed();
    }
  }
}

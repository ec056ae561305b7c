/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.WindowController;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.spring.LockTemplate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.aop.AfterReturningAdvice;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.support.AopUtils;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.scope.context.ChunkContext;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.core.step.tasklet.StoppableTasklet;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Jobs that run when the context closes. */
@Timeout(60)
class BatchConfigurationTests {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(BatchAutoConfiguration.class, MpilockAutoConfiguration.class))
          .withUserConfiguration(OneJob.class)
          .withPropertyValues("mpilock.batch.stop-on-shutdown=true");

  /** What the job's only tasklet does, again and again until it is stopped. */
  interface Work {
    /** Does one turn. */
    void turn(LockTemplate locks) throws Exception;
  }

  @Configuration(proxyBeanMethods = false)
  static class OneJob {
    private final List<String> events = Collections.synchronizedList(new ArrayList<>());
    private Work work = locks -> {};
    private Consumer<StepExecution> stop = step -> {};
    private final CountDownLatch begun = new CountDownLatch(1);

    @Bean
    Job job(JobRepository repository, LockTemplate locks) {
      StoppableTasklet tasklet =
          new StoppableTasklet() {
            @Override
            public RepeatStatus execute(StepContribution contribution, ChunkContext chunk)
                throws Exception {
              begun.countDown();
              work.turn(locks);
              return RepeatStatus.CONTINUABLE;
            }

            @Override
            @SuppressWarnings("removal")
            public void stop() {} // what Spring Batch calls is below

            @Override
            public void stop(StepExecution step) {
              stop.accept(step);
            }
          };
      return new JobBuilder("endless", repository)
          .start(new StepBuilder("turns", repository).tasklet(tasklet).build())
          .build();
    }
  }

  private static JobExecution start(ApplicationContext context) {
    try {
      return context
          .getBean(JobOperator.class)
          .start(context.getBean(Job.class), new JobParameters());
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static CompletableFuture<JobExecution> startAndAwaitWork(ApplicationContext context)
      throws InterruptedException {
    CompletableFuture<JobExecution> job =
        CompletableFuture.supplyAsync(
            () -> start(context), task -> Thread.ofPlatform().daemon().start(task));
    context.getBean(OneJob.class).begun.await();
    return job;
  }

  @Test
  void closingTheContextStopsTheJobWhichHasTheLocksUntilItsEnd() {
    runner.run(context -> {
      OneJob one = context.getBean(OneJob.class);
      WindowController controller = context.getBean(WindowController.class);
      one.work =
          locks -> {
            locks.writeWithoutResult(() -> {});
            one.events.add(controller.isClosed() ? "turn after close" : "turn");
          };
      CompletableFuture<JobExecution> job = startAndAwaitWork(context);

      context.close();

      assertThat(job.get().getStatus()).isEqualTo(BatchStatus.STOPPED);
      assertThat(job.get().getExitStatus().getExitCode())
          .isEqualTo(ExitStatus.STOPPED.getExitCode());
      assertThat(job.get().getAllFailureExceptions())
          .allSatisfy(e -> assertThat(e).hasMessageContaining("interrupted"));
      assertThat(one.events).isNotEmpty().containsOnly("turn");
      assertThat(controller.isClosed()).isTrue();
    });
  }

  /** Its last write comes after its last listener. */
  @Test
  void theCloseWaitsUntilTheRepositoryHasTheEnd() {
    runner
        .withUserConfiguration(ToldRepository.class)
        .run(context -> {
          List<String> events = context.getBean(OneJob.class).events;
          CompletableFuture<JobExecution> job = startAndAwaitWork(context);

          context.getBean(RunningJobs.class).stop(() -> events.add("none runs"));
          job.get();

          assertThat(events).endsWith("wrote STOPPED", "wrote STOPPED", "none runs");
        });
  }

  /** Tells of each write of a job. */
  @Configuration(proxyBeanMethods = false)
  static class ToldRepository {
    @Bean
    static BeanPostProcessor telling(ObjectProvider<OneJob> one) {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          if (!(bean instanceof JobRepository)) {
            return bean;
          }
          ProxyFactory proxy = new ProxyFactory(bean);
          proxy.addAdvice(
              (AfterReturningAdvice)
                  (result, method, arguments, target) -> {
                    if (method.getName().equals("update")
                        && arguments[0] instanceof JobExecution job) {
                      one.getObject().events.add("wrote " + job.getStatus());
                    }
                  });
          return proxy.getProxy();
        }
      };
    }
  }

  @Test
  void aJobThatFailsBecauseAnotherRankStoppedFirstHasStoppedToo() {
    runner.run(context -> {
      failsDuringTheClose(context, new CollectiveMismatchException("rank 1 called close"));
      CompletableFuture<JobExecution> job = startAndAwaitWork(context);

      context.close();

      assertThat(job.get().getStatus()).isEqualTo(BatchStatus.STOPPED);
      assertThat(job.get().getExitStatus().getExitDescription()).contains("Another rank");
    });
  }

  @Test
  void aJobThatFailsByItselfWhileItIsStoppedHasFailed() {
    runner.run(context -> {
      failsDuringTheClose(context, new IllegalStateException("disk full"));
      CompletableFuture<JobExecution> job = startAndAwaitWork(context);

      context.close();

      assertThat(job.get().getStatus()).isEqualTo(BatchStatus.FAILED);
    });
  }

  @Test
  void aFailureIsNotLostToAStopThatComesAtTheSameMoment() {
    runner.run(context -> {
      OneJob one = context.getBean(OneJob.class);
      CountDownLatch stopping = new CountDownLatch(1);
      one.work =
          locks -> {
            stopping.await();
            throw new IllegalStateException("disk full");
          };
      one.stop =
          step -> {
            stopping.countDown();
            await(step, BatchStatus.FAILED);
          };
      CompletableFuture<JobExecution> job = startAndAwaitWork(context);

      context.close();

      assertThat(job.get().getStatus()).isEqualTo(BatchStatus.FAILED);
      assertThat(job.get().getExitStatus().getExitCode())
          .isEqualTo(ExitStatus.FAILED.getExitCode());
      assertThat(job.get().getExitStatus().getExitDescription()).contains("disk full");
    });
  }

  private static void await(StepExecution step, BatchStatus status) {
    while (step.getStatus() != status) {
      Thread.onSpinWait();
    }
  }

  private static void failsDuringTheClose(
      ConfigurableApplicationContext context, RuntimeException failure) {
    RunningJobs jobs = context.getBean(RunningJobs.class);
    context.getBean(OneJob.class).work =
        locks -> {
          while (jobs.isRunning()) {
            Thread.onSpinWait();
          }
          throw failure;
        };
  }

  @Test
  void aFailureOfAnotherRankIsAFailureIfNobodyStopsTheJob() {
    runner.run(context -> {
      context.getBean(OneJob.class).work =
          locks -> {
            throw new CollectiveMismatchException("rank 1 called close");
          };
      assertThat(start(context).getStatus()).isEqualTo(BatchStatus.FAILED);
    });
  }

  @Test
  void aJobThatStartsDuringTheCloseDoesNothing() {
    runner.run(context -> {
      List<String> told = new ArrayList<>();
      context.getBean(RunningJobs.class).stop(() -> told.add("none runs"));
      assertThat(told).containsExactly("none runs");

      JobExecution job = start(context);

      assertThat(job.getStatus()).isEqualTo(BatchStatus.STOPPED);
      assertThat(job.getStepExecutions()).isEmpty();
    });
  }

  @Test
  void withoutSpringBatchTheContextStarts() {
    new ApplicationContextRunner()
        .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
        .withClassLoader(new FilteredClassLoader("org.springframework.batch"))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(WindowController.class));
  }

  @Test
  void withoutAJobOperatorThereIsNothingToStop() {
    new ApplicationContextRunner()
        .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
        .run(context -> assertThat(context).doesNotHaveBean(RunningJobs.class));
  }

  /** What ends a process that is alone is its own business. */
  @Test
  void aProcessThatIsAloneIsLeftAsItIs() {
    new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(BatchAutoConfiguration.class, MpilockAutoConfiguration.class))
        .withUserConfiguration(OneJob.class)
        .run(context -> {
          List<String> told = new ArrayList<>();
          context.getBean(RunningJobs.class).stop(() -> told.add("none runs"));
          assertThat(told).containsExactly("none runs");
          context.getBean(OneJob.class).work =
              locks -> {
                throw new IllegalStateException("a turn, so it was not stopped");
              };
          assertThat(start(context).getStatus()).isEqualTo(BatchStatus.FAILED);
          assertThat(AopUtils.isAopProxy(context.getBean(JobRepository.class))).isFalse();
        });
  }

  @Test
  void itCanBeSwitchedOff() {
    runner
        .withPropertyValues("mpilock.batch.stop-on-shutdown=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(RunningJobs.class));
  }

  @Test
  void withoutLocksItIsLeftToTheApplication() {
    runner
        .withPropertyValues("mpilock.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(RunningJobs.class));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.spring.test.TestRank;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.aop.MethodBeforeAdvice;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.SimpleJob;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.ExitCodeGenerator;
import org.springframework.boot.batch.autoconfigure.JobLauncherApplicationRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Jobs that end differently on the ranks. */
@Timeout(90)
@ExtendWith(OutputCaptureExtension.class)
class RankOutcomesTests {
  private final Map<Integer, JobExecution> jobs = new ConcurrentHashMap<>();
  private RankContextRunner runner =
      new RankContextRunner()
          .withRanks(3)
          .withConfiguration(SharedRepository.AUTO_CONFIGURATIONS)
          .withPropertyValues(SharedRepository.inMemory())
          .withUserConfiguration(OneStep.class)
          .withPropertyValues("mpilock.batch.combine-outcomes=true");

  /** What a rank's only step does. */
  interface Work {
    void run(LockTemplate locks, StepContribution contribution) throws Exception;
  }

  @Configuration(proxyBeanMethods = false)
  static class OneStep {
    @Bean
    Job job(JobRepository repository, LockTemplate locks, Work work) {
      return new JobBuilder("nightly", repository)
          .start(
              new StepBuilder("work", repository)
                  .tasklet((contribution, chunk) -> {
                    work.run(locks, contribution);
                    return RepeatStatus.FINISHED;
                  })
                  .build())
          .build();
    }
  }

  private JobExecution start(TestRank rank) throws Exception {
    JobExecution job =
        rank.context()
            .getBean(JobOperator.class)
            .start(rank.context().getBean(Job.class), new JobParameters());
    jobs.put(rank.rank(), job);
    return job;
  }

  private JobExecution job(int rank) {
    return Objects.requireNonNull(jobs.get(rank));
  }

  private void run(Work work) {
    runner.withBean(Work.class, () -> work).run(this::start);
  }

  private void assertAll(BatchStatus status, String exitCode) {
    assertThat(jobs.values())
        .hasSize(3)
        .allSatisfy(job -> {
          assertThat(job.getStatus()).isEqualTo(status);
          assertThat(job.getExitStatus().getExitCode()).isEqualTo(exitCode);
        });
  }

  @Test
  void whenAllAreCompletedSoIsTheJob(CapturedOutput output) {
    run((locks, contribution) -> contribution.incrementWriteCount(100 + locks.rank()));
    assertAll(BatchStatus.COMPLETED, "COMPLETED");
    assertThat(output.toString())
        .containsOnlyOnce("the job 'nightly' ended as COMPLETED on 3 rank(s)");
    for (int rank = 0; rank < 3; rank++) {
      assertThat(output.toString())
          .containsPattern("\\S+ +%d +COMPLETED +0 +%d +0 +[0-9.]+".formatted(rank, 100 + rank));
    }
  }

  @Test
  void aRankThatFailsFailsAll(CapturedOutput output) {
    run((locks, contribution) -> {
      if (locks.rank() == 1) {
        throw new IllegalStateException("disk full");
      }
    });
    assertAll(BatchStatus.FAILED, "FAILED");
    assertThat(job(0).getExitStatus().getExitDescription())
        .isEqualTo("Rank 1 of the job ended as follows: IllegalStateException: disk full");
    assertThat(job(1).getExitStatus().getExitDescription()).contains("disk full");
    assertThat(output.toString())
        .containsOnlyOnce("the job 'nightly' ended as FAILED on 3 rank(s)")
        .contains("rank 1: IllegalStateException: disk full");
  }

  @Test
  void aRankThatWasStoppedStopsAllAndAFailureIsWorse() {
    run((locks, contribution) -> {
      if (locks.rank() == 2) {
        contribution.getStepExecution().setTerminateOnly();
      }
    });
    assertAll(BatchStatus.STOPPED, "STOPPED");
    jobs.clear();
    runner = runner.withPropertyValues(SharedRepository.inMemory());
    run((locks, contribution) -> {
      if (locks.rank() == 0) {
        throw new IllegalStateException("disk full");
      } else if (locks.rank() == 2) {
        contribution.getStepExecution().setTerminateOnly();
      }
    });
    assertAll(BatchStatus.FAILED, "FAILED");
  }

  @Test
  void anExitCodeOfOneRankIsThatOfAll() {
    run((locks, contribution) -> {
      if (locks.rank() == 2) {
        contribution.setExitStatus(new ExitStatus("PARTLY"));
      }
    });
    assertAll(BatchStatus.COMPLETED, "PARTLY");
  }

  @Test
  void ranksThatWaitInACollectiveCallForOneThatFailedFailWithIt(CapturedOutput output) {
    run((locks, contribution) -> {
      if (locks.rank() == 1) {
        throw new IllegalStateException("disk full");
      }
      locks.singleWrite(() -> "made");
    });
    assertAll(BatchStatus.FAILED, "FAILED");
    assertThat(job(0).getExitStatus().getExitDescription()).isNotEmpty();
    assertThat(output.toString()).contains("rank 1: IllegalStateException: disk full");
  }

  @Test
  void aRankThatDiedHasFailedAndIsNamed(CapturedOutput output) {
    runner
        .withBean(Work.class, () -> (locks, contribution) -> {})
        .run(rank -> {
          if (rank.rank() == 1) {
            rank.die();
          }
          start(rank);
        });
    assertThat(jobs).hasSize(2);
    assertThat(jobs.values())
        .allSatisfy(job -> assertThat(job.getStatus()).isEqualTo(BatchStatus.FAILED));
    assertThat(output.toString()).containsPattern("rank 1: .*(died|ended|gone)");
  }

  @Test
  void aRankThatDoesNotComeHasFailed(CapturedOutput output) {
    runner
        .withPropertyValues("mpilock.batch.outcome-timeout=300ms")
        .withBean(Work.class, () -> (locks, contribution) -> {})
        .run(rank -> {
          if (rank.rank() != 1) {
            start(rank);
          } else {
            while (jobs.size() < 2) {
              Thread.sleep(10);
            }
          }
        });
    assertThat(jobs.values())
        .allSatisfy(job -> assertThat(job.getStatus()).isEqualTo(BatchStatus.FAILED));
    assertThat(output.toString()).contains("rank 1: is not known: ");
  }

  @Test
  void aRankThatClosedWithoutRunningTheJobHasFailed(CapturedOutput output) {
    runner
        .withBean(Work.class, () -> (locks, contribution) -> {})
        .run(rank -> {
          if (rank.rank() != 1) {
            start(rank);
          }
        });
    assertThat(jobs.values())
        .hasSize(2)
        .allSatisfy(job -> assertThat(job.getStatus()).isEqualTo(BatchStatus.FAILED));
    assertThat(output.toString()).contains("rank 1: is not known: ");
  }

  @Test
  @SuppressWarnings("EnumOrdinal") // it is Boot's exit code
  void theExitCodesOfTheApplicationsAreTheSame() {
    Map<Integer, Integer> codes = new ConcurrentHashMap<>();
    runner
        .withBean(
            Work.class,
            () ->
                (locks, contribution) -> {
                  if (locks.rank() == 1) {
                    throw new IllegalStateException("disk full");
                  }
                })
        .run(rank -> {
          rank.context().getBean(JobLauncherApplicationRunner.class).run();
          codes.put(rank.rank(), rank.context().getBean(ExitCodeGenerator.class).getExitCode());
        });
    int failed = BatchStatus.FAILED.ordinal();
    assertThat(codes).isEqualTo(Map.of(0, failed, 1, failed, 2, failed));
  }

  @Test
  void withoutThePropertyAJobEndsAsItDidOnItsRank() {
    runner
        .withPropertyValues("mpilock.batch.combine-outcomes=false")
        .withBean(
            Work.class,
            () ->
                (locks, contribution) -> {
                  if (locks.rank() == 1) {
                    throw new IllegalStateException("disk full");
                  }
                })
        .run(rank -> {
          start(rank);
          assertThat(rank.context()).hasSingleBean(RankOutcomes.class);
        });
    assertThat(job(0).getStatus()).isEqualTo(BatchStatus.COMPLETED);
    assertThat(job(1).getStatus()).isEqualTo(BatchStatus.FAILED);
  }

  /** Else a rank that is killed while it waits for the others could not start its job again. */
  @Test
  void untilAllHaveEndedTheJobIsRunningInTheRepository() {
    Map<Integer, JobExecution> seen = new ConcurrentHashMap<>();
    List<JobRepository> repositories = new CopyOnWriteArrayList<>();
    runner
        .withBean(
            Work.class,
            () ->
                (locks, contribution) -> {
                  if (locks.rank() == 0) {
                    awaitEndedAndRunning(repositories.getFirst(), 2);
                  }
                })
        .run(rank -> {
          JobRepository repository = rank.context().getBean(JobRepository.class);
          repositories.add(repository);
          seen.put(
              rank.rank(), Objects.requireNonNull(repository.getJobExecution(start(rank).getId())));
        });
    assertThat(seen.values())
        .hasSize(3)
        .allSatisfy(job -> {
          assertThat(job.getStatus()).isEqualTo(BatchStatus.COMPLETED);
          assertThat(job.getExitStatus()).isEqualTo(ExitStatus.COMPLETED);
          assertThat(job.getEndTime()).isNotNull();
        });
  }

  private static void awaitEndedAndRunning(JobRepository repository, int count) throws Exception {
    while (repository.findRunningJobExecutions("nightly").stream()
            .filter(job -> job.getEndTime() != null)
            .count()
        < count) {
      Thread.sleep(10);
    }
  }

  @Test
  void aRankWhoseRepositoryFailsAtTheEndFailsAll(CapturedOutput output) {
    runner = runner.withUserConfiguration(FailingRepository.class);
    run((locks, contribution) -> {});
    assertAll(BatchStatus.FAILED, "FAILED");
    assertThat(output.toString()).contains("rank 1: IllegalStateException: the repository is gone");
  }

  /** Refuses on rank 1 to write a job that is over but not ended. */
  @Configuration(proxyBeanMethods = false)
  static class FailingRepository {
    @Bean
    static BeanPostProcessor failing() {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          if (!(bean instanceof JobRepository)) {
            return bean;
          }
          ProxyFactory proxy = new ProxyFactory(bean);
          proxy.addAdvice(
              (MethodBeforeAdvice)
                  (method, arguments, target) -> {
                    if (method.getName().equals("update")
                        && arguments[0] instanceof JobExecution job
                        && Objects.equals(job.getJobParameters().getLong("mpilock.rank"), 1L)
                        && job.isRunning()
                        && job.getEndTime() != null) {
                      throw new IllegalStateException("the repository is gone");
                    }
                  });
          return proxy.getProxy();
        }
      };
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class AsAListener {
    @Bean
    Job other(JobRepository repository, RankOutcomes outcomes, Job job) {
      return new JobBuilder("other", repository)
          .listener(outcomes)
          .start(((SimpleJob) job).getStep("work"))
          .build();
    }
  }

  @Test
  void withoutLocksAJobEndsAsItDidOnItsRank() {
    runner
        .withUserConfiguration(AsAListener.class)
        .withPropertyValues("mpilock.enabled=false", "spring.batch.job.name=nightly")
        .withBean(
            Work.class,
            () ->
                (locks, contribution) -> {
                  if (locks.rank() == 1) {
                    throw new IllegalStateException("disk full");
                  }
                })
        .run(rank -> {
          assertThat(rank.context()).hasNotFailed();
          JobExecution job =
              rank.context()
                  .getBean(JobOperator.class)
                  .start(rank.context().getBean("other", Job.class), new JobParameters());
          assertThat(job.getStatus())
              .isEqualTo(rank.rank() == 1 ? BatchStatus.FAILED : BatchStatus.COMPLETED);
        });
  }

  @Test
  void aRankThatIsAloneIsTheWorst() {
    runner
        .withRanks(1)
        .withBean(Work.class, () -> (locks, contribution) -> {})
        .run(rank -> assertThat(start(rank).getStatus()).isEqualTo(BatchStatus.COMPLETED));
  }
}

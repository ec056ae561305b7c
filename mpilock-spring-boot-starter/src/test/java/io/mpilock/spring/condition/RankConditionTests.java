/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.condition;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.condition.ConditionEvaluationReport;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.AliasFor;

class RankConditionTests {

  private static ApplicationContextRunner rank(int rank, int size) {
    return new ApplicationContextRunner()
        .withPropertyValues("mpilock.rank=" + rank, "mpilock.size=" + size);
  }

  @Configuration(proxyBeanMethods = false)
  static class OnMaster {
    @Bean
    @ConditionalOnMaster
    String leads() {
      return "leads";
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnRank({1, 3})
  static class OnOneAndThree {
    @Bean
    String odd() {
      return "odd";
    }
  }

  @ConditionalOnRank({})
  @Retention(RetentionPolicy.RUNTIME)
  @interface Helper {
    @AliasFor(annotation = ConditionalOnRank.class, attribute = "value")
    int[] on() default 2;
  }

  @Configuration(proxyBeanMethods = false)
  static class Helped {
    @Bean
    @Helper
    String helps() {
      return "helps";
    }

    @Bean
    @Helper(on = {1, 2})
    @ConditionalOnRank({2, 3})
    String helpsOnBoth() {
      return "both";
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnRank(-1)
  static class OnNegative {}

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnRank({})
  static class OnNone {}

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void theMasterIsRankZeroUnlessAnotherIsNamed(int rank) {
    ApplicationContextRunner runner = rank(rank, 4).withUserConfiguration(OnMaster.class);
    runner.run(context -> assertThat(context.containsBean("leads")).isEqualTo(rank == 0));
    runner
        .withPropertyValues("mpilock.master=2")
        .run(context -> assertThat(context.containsBean("leads")).isEqualTo(rank == 2));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aConfigurationIsOnItsRanksOnly(int rank) {
    rank(rank, 4)
        .withUserConfiguration(OnOneAndThree.class)
        .run(context -> assertThat(context.containsBean("odd")).isEqualTo(rank % 2 == 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void annotationsMadeOfItMatchToo(int rank) {
    rank(rank, 4)
        .withUserConfiguration(Helped.class)
        .run(context -> {
          assertThat(context.containsBean("helps")).isEqualTo(rank == 2);
          assertThat(context.containsBean("helpsOnBoth")).isEqualTo(rank == 2);
        });
  }

  @Test
  void theReportTellsWhy() {
    rank(2, 4)
        .withUserConfiguration(OnMaster.class, OnOneAndThree.class)
        .run(context -> {
          ConditionEvaluationReport report =
              ConditionEvaluationReport.get(context.getBeanFactory());
          assertThat(
                  report.getConditionAndOutcomesBySource().values().stream()
                      .flatMap(outcomes -> StreamSupport.stream(outcomes.spliterator(), false))
                      .map(outcome -> outcome.getOutcome().getMessage()))
              .contains(
                  "@ConditionalOnMaster this is rank 2, the master is 0",
                  "@ConditionalOnRank this is rank 2, not of [1, 3]");
        });
  }

  @Test
  void aRankThatIsNotKnownIsToldSo() {
    for (Class<?> configuration : new Class<?>[] {OnMaster.class, OnOneAndThree.class}) {
      new ApplicationContextRunner()
          .withUserConfiguration(configuration)
          .run(context ->
              assertThat(context)
                  .getFailure()
                  .hasStackTraceContaining("The rank of this process is not known"));
    }
  }

  @Test
  void aRankThatTheJobDoesNotHaveIsRefused() {
    rank(0, 2)
        .withUserConfiguration(OnOneAndThree.class)
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasStackTraceContaining(
                    "A rank of @ConditionalOnRank is 3, but this job has 2 rank(s), numbered 0 to 1."));
    rank(0, 2)
        .withUserConfiguration(OnMaster.class)
        .withPropertyValues("mpilock.master=2")
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasStackTraceContaining("mpilock.master is 2, but this job has 2 rank(s)"));
  }

  @Test
  void whereTheSizeIsNotKnownOnlyNegativeRanksAreRefused() {
    ApplicationContextRunner runner =
        new ApplicationContextRunner().withPropertyValues("mpilock.rank=3");
    runner
        .withUserConfiguration(OnOneAndThree.class)
        .run(context -> assertThat(context).hasBean("odd"));
    runner
        .withUserConfiguration(OnNegative.class)
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasStackTraceContaining(
                    "A rank of @ConditionalOnRank is -1, but ranks are not negative."));
  }

  @Test
  void noRankAtAllIsRefused() {
    rank(0, 2)
        .withUserConfiguration(OnNone.class)
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasStackTraceContaining("@ConditionalOnRank names no rank."));
  }
}

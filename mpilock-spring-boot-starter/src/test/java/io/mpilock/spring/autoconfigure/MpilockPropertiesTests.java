/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.transport.MpjSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

@ExtendWith(OutputCaptureExtension.class)
class MpilockPropertiesTests {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner().withUserConfiguration(OnlyProperties.class);

  @Configuration(proxyBeanMethods = false)
  @EnableConfigurationProperties(MpilockProperties.class)
  @Import(MpilockPropertiesValidator.AtBinding.class)
  static class OnlyProperties {}

  @Test
  void everythingHasADefault() {
    runner.run(context -> {
      MpilockProperties properties = context.getBean(MpilockProperties.class);
      assertThat(properties.enabled()).isTrue();
      assertThat(properties.transport()).isEqualTo("auto");
      assertThat(properties.windowSize()).isNull(); // what the node has room for
      assertThat(properties.expectedRanks()).isZero();
      assertThat(properties.share().allow()).isEmpty();
      assertThat(properties.nativeTransport().library()).isNull();
      assertThat(properties.mpj().toSettings()).isEqualTo(MpjSettings.defaults());
      assertThat(properties.metrics().enabled()).isTrue();
      assertThat(properties.metrics().rankTag()).isTrue();
      assertThat(properties.report().enabled()).isNull();
      assertThat(properties.report().events()).isEqualTo(10_000);
      assertThat(properties.report().directory()).isNull();
      assertThat(properties.batch().stopOnShutdown()).isNull();
      assertThat(properties.batch().rankParameters()).isNull();
      assertThat(properties.batch().combineOutcomes()).isFalse();
      assertThat(properties.batch().outcomeTimeout()).hasDays(1);
      assertThat(properties.batch().recover()).isNull();
      assertThat(properties.batch().repositoryDirectory()).isEqualTo("batch-repository");
    });
  }

  @Test
  void nestedPropertiesBind() {
    runner
        .withPropertyValues(
            "mpilock.native.library=libmpi.so.40",
            "mpilock.share.allow[0]=a.B",
            "mpilock.mpj.rendezvous=host:4711",
            "mpilock.mpj.token=a token that nobody knows",
            "mpilock.mpj.timeout=5s",
            "mpilock.metrics.enabled=false",
            "mpilock.metrics.rank-tag=false",
            "mpilock.metrics.max-resources=7")
        .run(context -> {
          MpilockProperties properties = context.getBean(MpilockProperties.class);
          assertThat(properties.nativeTransport().library()).isEqualTo("libmpi.so.40");
          assertThat(properties.share().allow()).containsExactly("a.B");
          assertThat(properties.mpj().toSettings().rendezvous()).isEqualTo("host:4711");
          assertThat(properties.mpj().toSettings().timeout()).hasSeconds(5);
          assertThat(properties.toString()).doesNotContain("nobody knows");
          assertThat(properties.metrics().enabled()).isFalse();
          assertThat(properties.metrics().rankTag()).isFalse();
          assertThat(properties.metrics().maxResources()).isEqualTo(7);
        });
  }

  /** Through a whole start, since what counts is what the user reads. */
  @ParameterizedTest
  @CsvSource({
    "mpilock.transport, '', must not be blank",
    "mpilock.handover-limit, -1, must not be negative",
    "mpilock.stall-warning, 0s, must be positive",
    "mpilock.shutdown-timeout, -1s, must not be negative",
    "mpilock.expected-ranks, -1, must not be negative",
    "mpilock.heartbeat-timeout, 0s, must be positive",
    "mpilock.window-size, 1KB, must be at least 1MB",
    "mpilock.fairness, readers, No enum constant",
    "mpilock.on-holder-death, cry, No enum constant",
    "mpilock.stall-warning, soon, is not a valid duration",
    "mpilock.master, first, For input string",
    "mpilock.master, 1099511627776, For input string",
    "mpilock.stall-warning, -5s, must be positive",
    "mpilock.stall-warning, PT-1S, must be positive",
    "mpilock.stall-warning, 109500d, must be at most 36500 days",
    "mpilock.shutdown-timeout, 109500d, must be at most 36500 days",
    "mpilock.heartbeat-timeout, -1s, must be positive",
    "mpilock.heartbeat-timeout, 109500d, must be at most 36500 days",
    "mpilock.handover-limit, 2147483648, For input string",
    "mpilock.window-size, 0B, must be at least 1MB",
    "mpilock.window-size, -1B, must be at least 1MB",
    "mpilock.window-size, 2TB, must be at most 1TB",
    "mpilock.window-size, large, does not match data size pattern",
    "mpilock.fairness, readers, WRITER_FIRST",
    "mpilock.on-holder-death, cry, POISON",
    "mpilock.enabled, maybe, Invalid boolean value",
  })
  void aBadValueIsReportedWithItsPropertyAndReason(
      String property, String value, String reason, CapturedOutput output) {
    SpringApplication application = new SpringApplication(OnlyProperties.class);
    application.setRegisterShutdownHook(false);
    try {
      application.run("--" + property + "=" + value).close();
      throw new AssertionError("started with " + property + "=" + value);
    } catch (RuntimeException expected) {
      assertThat(output)
          .contains("APPLICATION FAILED TO START", "Origin: \"" + property + "\"")
          .containsIgnoringCase(reason);
    }
  }

  /** Boot tells no origin of a nested one. */
  @ParameterizedTest
  @CsvSource({
    "mpilock.mpj.timeout, 0s, mpj.timeout, must be positive",
    "mpilock.mpj.timeout, -5s, mpj.timeout, must be positive",
    "mpilock.mpj.timeout, 109500d, mpj.timeout, must be at most 36500 days",
    "mpilock.metrics.max-resources, -1, metrics.maxResources, must not be negative",
    "mpilock.batch.outcome-timeout, 0s, batch.outcomeTimeout, must be positive",
    "mpilock.batch.outcome-timeout, 109500d, batch.outcomeTimeout, must be at most 36500 days",
    "mpilock.resources.orders.timeout, -5s, resources, no negative timeout",
    "mpilock.resources.orders.timeout, 109500d, resources, no timeout of more than 36500 days",
    "mpilock.resources.orders.fairness, readers, Fairness, No enum constant",
    "mpilock.share.allow, maxdepth=1, share.allow, a class",
    "mpilock.share.allow, !*, share.allow, a class",
  })
  void aBadNestedValueIsReportedWithItsPropertyAndReason(
      String property, String value, String field, String reason) {
    runner
        .withPropertyValues(property + "=" + value)
        .run(context ->
            assertThat(context)
                .getFailure()
                .rootCause()
                .hasMessageContaining(field)
                .hasMessageContaining(reason));
  }
}

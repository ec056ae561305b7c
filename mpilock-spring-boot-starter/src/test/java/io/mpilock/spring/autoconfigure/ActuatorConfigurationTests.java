/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.WindowController;
import io.mpilock.spring.actuate.MpilockEndpoint;
import io.mpilock.spring.actuate.MpilockHealthIndicator;
import java.time.Clock;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class ActuatorConfigurationTests {
  private static final String EXPOSED = "management.endpoints.web.exposure.include=mpilock";

  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));

  @Test
  void theEndpointIsThereWhereItIsExposed() {
    runner
        .withPropertyValues(EXPOSED)
        .run(context -> {
          assertThat(context).hasSingleBean(MpilockEndpoint.class);
          assertThat(context.getBean(MpilockEndpoint.class).job().size()).isEqualTo(1);
        });
    runner.run(context -> assertThat(context).doesNotHaveBean(MpilockEndpoint.class));
  }

  @Test
  void theEndpointCanBeDeniedAccess() {
    runner
        .withPropertyValues(EXPOSED, "management.endpoint.mpilock.access=NONE")
        .run(context -> assertThat(context).doesNotHaveBean(MpilockEndpoint.class));
  }

  @Test
  void theHealthIsThereUnlessItIsSwitchedOff() {
    runner.run(context -> {
      assertThat(context).hasSingleBean(MpilockHealthIndicator.class);
      Health health = context.getBean(MpilockHealthIndicator.class).health();
      assertThat(health).isNotNull();
      assertThat(health.getStatus().getCode()).isEqualTo("UP");
    });
    runner
        .withPropertyValues("management.health.mpilock.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(MpilockHealthIndicator.class));
  }

  @Test
  void theApplicationsOwnBeansTakeTheirPlace() {
    HealthIndicator own = () -> Health.up().build();
    runner
        .withBean("mpilockHealthIndicator", HealthIndicator.class, () -> own)
        .run(context ->
            assertThat(context)
                .hasSingleBean(HealthIndicator.class)
                .doesNotHaveBean(MpilockHealthIndicator.class));
    runner
        .withPropertyValues(EXPOSED)
        .withBean(Clock.class, Clock::systemUTC)
        .withBean("own", MpilockEndpoint.class)
        .run(context -> assertThat(context).hasSingleBean(MpilockEndpoint.class).hasBean("own"));
  }

  @Test
  void withoutLocksThereIsNothingToTell() {
    runner
        .withPropertyValues(EXPOSED, "mpilock.enabled=false")
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .doesNotHaveBean(MpilockEndpoint.class)
                .doesNotHaveBean(MpilockHealthIndicator.class));
  }

  @Test
  void withoutTheActuatorTheContextStarts() {
    runner
        .withClassLoader(
            new FilteredClassLoader(
                "org.springframework.boot.actuate", "org.springframework.boot.health"))
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .hasSingleBean(WindowController.class)
                .doesNotHaveBean(MpilockEndpoint.class));
  }
}

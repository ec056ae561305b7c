/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.StartupException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** Through a whole {@code SpringApplication}, so that the registration is proven too. */
class LauncherEnvironmentPostProcessorTests {

  @Configuration(proxyBeanMethods = false)
  static class Nothing {}

  @Test
  void theLaunchersRankAndSizeAreProperties() {
    try (ConfigurableApplicationContext context = run(FakeEnvironments.openMpi(3, 4))) {
      ConfigurableEnvironment environment = context.getEnvironment();
      assertThat(environment.getProperty("mpilock.rank", Integer.class)).isEqualTo(3);
      assertThat(environment.getProperty("mpilock.size", Integer.class)).isEqualTo(4);
      assertThat(environment.getProperty("mpilock.local-rank", Integer.class)).isEqualTo(1);
    }
  }

  @Test
  void withoutALauncherThereIsOneRank() {
    try (ConfigurableApplicationContext context = run(FakeEnvironments.NO_LAUNCHER)) {
      ConfigurableEnvironment environment = context.getEnvironment();
      assertThat(environment.getProperty("mpilock.rank")).isEqualTo("0");
      assertThat(environment.getProperty("mpilock.size")).isEqualTo("1");
      assertThat(environment.getProperty("mpilock.local-rank")).isEqualTo("0");
    }
  }

  @Test
  void configurationFilesCanUseThem() {
    try (ConfigurableApplicationContext context =
        run(FakeEnvironments.openMpi(2, 4), "--spring.config.name=ranked")) {
      assertThat(context.getEnvironment().getProperty("output")).isEqualTo("part-2-of-4.csv");
      assertThat(context.getEnvironment().getProperty("imported")).isEqualTo("by rank 2");
    }
  }

  @Test
  void noOtherSettingMakesARankLie() {
    Map<String, String> variables = new HashMap<>(FakeEnvironments.openMpi(2, 4));
    variables.put("MPILOCK_RANK", "0");
    try (ConfigurableApplicationContext context =
        run(variables, "--mpilock.rank=0", "--mpilock.size=1")) {
      ConfigurableEnvironment environment = context.getEnvironment();
      assertThat(environment.getProperty("mpilock.rank")).isEqualTo("2");
      assertThat(environment.getProperty("mpilock.size")).isEqualTo("4");
    }
  }

  @Test
  void variablesThatMakeNoSenseEndTheStart() {
    assertThatThrownBy(() -> run(Map.of("OMPI_COMM_WORLD_RANK", "9", "OMPI_COMM_WORLD_SIZE", "4")))
        .isInstanceOfSatisfying(
            StartupException.class,
            e -> assertThat(e.problem()).isEqualTo(StartupException.Problem.LAUNCHER_INCONSISTENT));
  }

  private static ConfigurableApplicationContext run(
      Map<String, String> variables, String... arguments) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setEnvironment(FakeEnvironments.of(variables));
    application.setRegisterShutdownHook(false);
    return application.run(arguments);
  }
}

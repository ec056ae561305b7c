/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.logging.LoggingApplicationListener;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** What a rank's environment says; {@link RankOutputTests} shows what becomes of it. */
class RankDefaultsTests {
  private static final String[] LOG_PROPERTIES = {
    "logging.pattern.level", "logging.structured.json.add.rank"
  };

  @Configuration(proxyBeanMethods = false)
  static class Nothing {}

  @Test
  void eachLineTellsTheRankIfThereAreSeveral() {
    ConfigurableEnvironment environment = run(FakeEnvironments.openMpi(2, 8));
    assertThat(environment.getProperty("logging.pattern.level")).isEqualTo("%5p [rank 2/8]");
    assertThat(environment.getProperty("logging.structured.json.add.rank")).isEqualTo("2");
  }

  @Test
  void aSizeThatTheLauncherDoesNotTellIsLeftOut() {
    ConfigurableEnvironment environment =
        run(Map.of("PMIX_RANK", "2", "PMIX_NAMESPACE", "prterun-1"));
    assertThat(environment.getProperty("logging.pattern.level")).isEqualTo("%5p [rank 2]");
  }

  @Test
  void oneRankAloneNeedsNoName() {
    assertThat(LOG_PROPERTIES).noneMatch(run(FakeEnvironments.NO_LAUNCHER)::containsProperty);
    assertThat(LOG_PROPERTIES).noneMatch(run(FakeEnvironments.openMpi(0, 1))::containsProperty);
  }

  @Test
  void theRankInTheLogCanBeSwitchedOff() {
    assertThat(LOG_PROPERTIES)
        .noneMatch(
            run(FakeEnvironments.openMpi(2, 8), "--mpilock.logging.rank=false")::containsProperty);
  }

  @Test
  void theApplicationsOwnValuesGoBefore() {
    SpringApplication application = application(FakeEnvironments.openMpi(2, 8));
    application.setDefaultProperties(Map.of("logging.pattern.level", "own"));
    try (ConfigurableApplicationContext context =
        application.run(
            "--mpilock.logging.console=master",
            "--spring.main.banner-mode=log",
            "--logging.threshold.console=ERROR",
            "--logging.file.path=target")) {
      ConfigurableEnvironment environment = context.getEnvironment();
      assertThat(environment.getProperty("logging.pattern.level")).isEqualTo("own");
      assertThat(environment.getProperty("spring.main.banner-mode")).isEqualTo("log");
      assertThat(environment.getProperty("logging.threshold.console")).isEqualTo("ERROR");
      assertThat(environment.containsProperty("logging.file.name")).isFalse();
    }
  }

  @Test
  void onlyTheMasterHasABanner() {
    String banner = "spring.main.banner-mode";
    assertThat(run(FakeEnvironments.openMpi(0, 2)).containsProperty(banner)).isFalse();
    assertThat(run(FakeEnvironments.openMpi(1, 2)).getProperty(banner)).isEqualTo("off");
    assertThat(run(FakeEnvironments.openMpi(0, 2), "--mpilock.master=1").getProperty(banner))
        .isEqualTo("off");
  }

  @Test
  void aConsoleThatIsNeitherIsRefused() {
    assertThatThrownBy(() -> run(FakeEnvironments.openMpi(0, 2), "--mpilock.logging.console=rank"))
        .isInstanceOf(BindException.class)
        .hasMessageContaining("mpilock.logging.console");
  }

  @Test
  void portsAreMovedByTheLocalRank() {
    ConfigurableEnvironment second =
        run(
            FakeEnvironments.openMpi(3, 4), // with local rank 1
            "--mpilock.web.port-offset=true",
            "--server.port=9000",
            "--management.server.port=9100");
    assertThat(second.getProperty("server.port")).isEqualTo("9001");
    assertThat(second.getProperty("management.server.port")).isEqualTo("9101");
    ConfigurableEnvironment first =
        run(FakeEnvironments.openMpi(2, 4), "--mpilock.web.port-offset=true", "--server.port=9000");
    assertThat(first.getProperty("server.port")).isEqualTo("9000");
  }

  @Test
  void thePortThatNobodyNamedIsMovedToo() {
    ConfigurableEnvironment environment =
        run(FakeEnvironments.openMpi(1, 4), "--mpilock.web.port-offset=true");
    assertThat(environment.getProperty("server.port")).isEqualTo("8081");
    assertThat(environment.containsProperty("management.server.port")).isFalse();
  }

  @Test
  void whatIsNoFixedPortStays() {
    ConfigurableEnvironment environment =
        run(
            FakeEnvironments.openMpi(1, 4),
            "--mpilock.web.port-offset=true",
            "--server.port=0",
            "--management.server.port=-1");
    assertThat(environment.getProperty("server.port")).isEqualTo("0");
    assertThat(environment.getProperty("management.server.port")).isEqualTo("-1");
  }

  @Test
  void portsStayUnlessItIsSwitchedOn() {
    assertThat(run(FakeEnvironments.openMpi(1, 4), "--server.port=9000").getProperty("server.port"))
        .isEqualTo("9000");
  }

  @Test
  void aPortBeyondTheLastIsRefused() {
    assertThatThrownBy(() ->
            run(
                FakeEnvironments.openMpi(1, 4),
                "--mpilock.web.port-offset=true",
                "--server.port=65535"))
        .isInstanceOf(InvalidConfigurationPropertyValueException.class)
        .hasMessageContaining("would have port 65536, beyond 65535");
  }

  @Test
  void withoutALocalRankPortsCannotBeMoved() {
    assertThatThrownBy(() ->
            run(
                Map.of("PMIX_RANK", "2", "PMIX_NAMESPACE", "prterun-1"),
                "--mpilock.web.port-offset=true"))
        .isInstanceOf(InvalidConfigurationPropertyValueException.class)
        .hasMessageContaining("does not tell which rank of its node this process is");
  }

  private static ConfigurableEnvironment run(Map<String, String> variables, String... arguments) {
    try (ConfigurableApplicationContext context = application(variables).run(arguments)) {
      return context.getEnvironment();
    }
  }

  private static SpringApplication application(Map<String, String> variables) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setEnvironment(FakeEnvironments.of(variables));
    application.setRegisterShutdownHook(false);
    // The JVM's log is not to be what these properties say: other tests read it.
    application.setListeners(
        application.getListeners().stream()
            .filter(listener -> !(listener instanceof LoggingApplicationListener))
            .toList());
    return application;
  }
}

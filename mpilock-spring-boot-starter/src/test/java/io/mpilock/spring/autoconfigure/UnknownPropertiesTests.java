/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

@ExtendWith(OutputCaptureExtension.class)
class UnknownPropertiesTests {

  @Configuration(proxyBeanMethods = false)
  static class Application {}

  private static void run(Map<String, Object> variables, String... arguments) {
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .replace(
            StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
            new SystemEnvironmentPropertySource(
                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
    // The build's own properties for tests, such as mpilock.proofs, are not the application's.
    environment
        .getPropertySources()
        .remove(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);
    SpringApplication application =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.NONE)
            .environment(environment)
            .build();
    application.run(arguments).close();
  }

  @Test
  void aPropertyThatThereIsNotIsWarnedOfWithTheNearestAndItsOrigin(CapturedOutput output) {
    run(Map.of(), "--mpilock.shutdown-timout=5s", "--mpilock.report.dir=x");
    assertThat(output)
        .contains("There is no property mpilock.shutdown-timout, so it does nothing (")
        .contains("\"mpilock.shutdown-timout\" from property source \"commandLineArgs\"")
        .contains("The nearest is mpilock.shutdown-timeout.")
        .contains("mpilock.report.dir")
        .contains("The nearest is mpilock.report.directory.");
  }

  @Test
  void aPropertyOfOneResourceIsOneToo(CapturedOutput output) {
    run(
        Map.of("MPILOCK_RESOURCES_ORDERS_TIMOUT", "5s"),
        "--mpilock.resources[north/orders].fairnes=phase-fair",
        "--mpilock.resources.items.until.x=body",
        "--mpilock.resources.items=body");
    assertThat(output)
        .contains("There is no property mpilock.resources.orders.timout, ")
        .contains("The nearest is mpilock.resources.orders.timeout.")
        .contains("There is no property mpilock.resources[north/orders].fairnes, ")
        .contains("The nearest is mpilock.resources[north/orders].fairness.")
        .contains("There is no property mpilock.resources.items.until.x, ")
        .contains("The nearest is mpilock.resources.items.until.");
  }

  @Test
  void aVariableOfTheEnvironmentIsOneToo(CapturedOutput output) {
    run(Map.of("MPILOCK_STALL_WARNIG", "5s"));
    assertThat(output)
        .contains("There is no property mpilock.stall.warnig")
        .contains("The nearest is mpilock.stall-warning.");
  }

  @Test
  void thoseThatThereAreAreNotWarnedOfHoweverTheyAreWritten(CapturedOutput output) {
    run(
        Map.of(
            "MPILOCK_SHUTDOWNTIMEOUT",
            "5s",
            "MPILOCK_STALL_WARNING",
            "9s",
            "MPILOCK_TOKEN",
            "x",
            "MPILOCK_RESOURCES_ITEMS_TIMEOUT",
            "7s"),
        "--mpilock.stallWarning=5s",
        "--mpilock.share.allow[0]=org.example.A",
        "--mpilock.native.doorbell=true",
        "--mpilock.logging.console=all",
        "--mpilock.resources.orders.until=body",
        "--mpilock.resources[north/orders].until=body",
        "--mpilock.resources[a[0]].fairness=phase-fair",
        "--mpilockx.other=1");
    assertThat(output).doesNotContain("There is no property");
  }

  /** An application need not have a JSON library, and Boot's own parser fails on such texts. */
  @Test
  void theMetadataIsReadWhateverStandsInItsTexts() throws IOException {
    UnknownProperties.Known known =
        UnknownProperties.Known.of(
            new ByteArrayInputStream(
                """
                {"groups": [{"name": "x"}],
                 "properties": [
                  {"name": "mpilock.one", "type": "int", "description": "A \\"[{\\", \\\\ of it."},
                  {"type": "java.util.Map<a,b>", "name": "mpilock.two", "defaultValue": ["a", {}]}],
                 "hints": []}
                """
                    .getBytes(StandardCharsets.UTF_8)));
    assertThat(known.has("mpilock.one")).isTrue();
    assertThat(known.has("mpilock.two.any.thing")).isTrue();
    assertThat(known.has("mpilock.one.any")).isFalse();
    UnknownProperties.Known real = Objects.requireNonNull(UnknownProperties.Known.read());
    assertThat(real.has("mpilock.resources[north/orders].until")).isTrue();
    assertThat(real.has("mpilock.resources.orders.untill")).isFalse();
    assertThat(real.has("mpilock.stall-warning")).isTrue();
  }
}

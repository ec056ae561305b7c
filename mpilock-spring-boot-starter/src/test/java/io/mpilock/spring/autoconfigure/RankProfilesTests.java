/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.bootstrap.BootstrapRegistry.InstanceSupplier;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** Through a whole {@code SpringApplication}, with files of profiles. */
class RankProfilesTests {

  @Configuration(proxyBeanMethods = false)
  static class Nothing {}

  @Test
  void theMastersFilesAreRead() {
    ConfigurableEnvironment environment = run(0, "ranks");
    assertThat(environment.getActiveProfiles()).containsExactly("default", "master", "rank-0");
    assertThat(environment.getProperty("of-master")).isEqualTo("read");
    assertThat(environment.getProperty("of-rank-3")).isNull();
  }

  @Test
  void theFilesOfARankOverrideTheOthers() {
    ConfigurableEnvironment environment = run(3, "ranks");
    assertThat(environment.getActiveProfiles()).containsExactly("default", "rank-3");
    assertThat(environment.getProperty("of-master")).isNull();
    assertThat(environment.getProperty("last")).isEqualTo("rank 3");
  }

  @Test
  void withoutOtherProfilesTheDefaultStaysActive() {
    ConfigurableEnvironment environment = run(1, "ranks");
    assertThat(environment.getProperty("of-default")).isEqualTo("read");
    assertThat(environment.getProperty("last")).isEqualTo("default");
  }

  @Test
  void anotherDefaultStaysActiveToo() {
    ConfigurableEnvironment environment = run(1, "ranks", "--spring.profiles.default=dev");
    assertThat(environment.getActiveProfiles()).containsExactly("dev", "rank-1");
    assertThat(environment.getProperty("of-default")).isNull();
  }

  @Test
  void anActiveProfileTakesThePlaceOfTheDefault() {
    ConfigurableEnvironment environment = run(3, "ranks", "--spring.profiles.active=dev");
    assertThat(environment.getActiveProfiles()).containsExactly("rank-3", "dev");
    assertThat(environment.getProperty("of-dev")).isEqualTo("read");
    assertThat(environment.getProperty("of-rank-3")).isEqualTo("read");
    assertThat(environment.getProperty("of-default")).isNull();
    assertThat(environment.getProperty("last")).isEqualTo("dev");
  }

  @Test
  void alsoAnActiveProfileThatAFileNames() {
    ConfigurableEnvironment environment = run(3, "ranks-with-dev");
    assertThat(environment.getActiveProfiles()).containsExactly("rank-3", "dev");
    assertThat(environment.getProperty("of-rank-3")).isEqualTo("read");
    assertThat(environment.getProperty("of-default")).isNull();
    assertThat(environment.getProperty("last")).isEqualTo("dev");
  }

  @Test
  void groupsAndAdditionalProfilesStay() {
    SpringApplication application = application(0);
    application.setAdditionalProfiles("added");
    try (ConfigurableApplicationContext context =
        application.run(location("ranks"), "--spring.profiles.active=grouped")) {
      assertThat(context.getEnvironment().getActiveProfiles())
          .containsExactly("added", "master", "rank-0", "grouped", "dev");
    }
  }

  @Test
  void theMasterMayBeNamedInAFile() {
    ConfigurableEnvironment environment = run(3, "ranks-with-master");
    assertThat(environment.getActiveProfiles()).containsExactly("master", "rank-3", "dev");
    assertThat(environment.getProperty("of-master")).isEqualTo("read");
    assertThat(run(0, "ranks-with-master").getActiveProfiles()).containsExactly("rank-0", "dev");
  }

  @Test
  void aFileThatIsReadForItsProfileCannotNameAnotherMaster() {
    assertThatThrownBy(() -> run(3, "ranks-contradicted"))
        .isInstanceOf(InvalidConfigurationPropertyValueException.class)
        .hasMessageContaining("mpilock.master")
        .hasMessageContaining("were activated for the master 0");
    assertThat(run(2, "ranks-contradicted").getActiveProfiles())
        .containsExactly("default", "rank-2");
  }

  @Test
  void switchedOffThereAreNoProfiles() {
    assertThat(run(0, "ranks", "--mpilock.profiles.enabled=false").getActiveProfiles()).isEmpty();
    ConfigurableEnvironment environment = run(0, "ranks-off");
    assertThat(environment.getActiveProfiles()).isEmpty();
    assertThat(environment.getProperty("of-master")).isNull();
    assertThat(run(3, "ranks-contradicted", "--mpilock.profiles.enabled=false").getActiveProfiles())
        .isEmpty();
  }

  @Test
  void aProcessThatIsAloneHasNoProfilesOfRanks() {
    assertThat(runAlone(FakeEnvironments.NO_LAUNCHER, "ranks").getActiveProfiles()).isEmpty();
    assertThat(runAlone(FakeEnvironments.openMpi(0, 1), "ranks").getActiveProfiles()).isEmpty();
  }

  @Test
  void unlessTheyAreAskedFor() {
    assertThat(
            runAlone(FakeEnvironments.NO_LAUNCHER, "ranks", "--mpilock.profiles.enabled=true")
                .getActiveProfiles())
        .containsExactly("default", "master", "rank-0");
  }

  @Test
  void alsoByAFile() {
    ConfigurableEnvironment environment = runAlone(FakeEnvironments.NO_LAUNCHER, "ranks-on");
    assertThat(environment.getActiveProfiles()).containsExactly("default", "master", "rank-0");
    assertThat(environment.getProperty("of-master")).isEqualTo("read");
    assertThat(environment.getProperty("of-all")).isEqualTo("overridden");
    environment =
        runAlone(FakeEnvironments.NO_LAUNCHER, "ranks-on", "--spring.profiles.active=dev");
    assertThat(environment.getActiveProfiles()).containsExactly("master", "rank-0", "dev");
    environment = runAlone(FakeEnvironments.NO_LAUNCHER, "ranks-on", "--mpilock.master=1");
    assertThat(environment.getActiveProfiles()).containsExactly("default", "rank-0");
  }

  @Test
  void aSizeThatTheLauncherDoesNotTellMayBeAny() {
    assertThat(
            runAlone(Map.of("PMIX_RANK", "2", "PMIX_NAMESPACE", "prterun-1"), "ranks")
                .getActiveProfiles())
        .containsExactly("default", "rank-2");
    assertThat(
            runAlone(Map.of("MPILOCK_RANK", "1", "MPILOCK_SIZE", "2"), "ranks").getActiveProfiles())
        .containsExactly("default", "rank-1");
  }

  /** As the clients of configuration servers do it: twice would fail. */
  @Test
  void whatIsReadTwiceIsRegisteredOnce() {
    SpringApplication application = application(0);
    application.addBootstrapRegistryInitializer(registry ->
        registry.register(
            ImportedConfig.Server.class, InstanceSupplier.of(new ImportedConfig.Server("own"))));
    try (ConfigurableApplicationContext context =
        application.run(location("ranks"), "--spring.config.import=of-tests:")) {
      assertThat(context.getEnvironment().getProperty("imported-from")).isEqualTo("own");
      assertThat(context.getEnvironment().getProperty("connection")).isEqualTo("1");
      assertThat(context.getBean(ImportedConfig.Client.class).server().name()).isEqualTo("own");
    }
  }

  private static ConfigurableEnvironment run(int rank, String folder, String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = location(folder);
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    try (ConfigurableApplicationContext context = application(rank).run(all)) {
      return context.getEnvironment();
    }
  }

  private static ConfigurableEnvironment runAlone(
      Map<String, String> variables, String folder, String... arguments) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setEnvironment(FakeEnvironments.of(variables));
    application.setRegisterShutdownHook(false);
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add(location(folder));
    try (ConfigurableApplicationContext context = application.run(all.toArray(String[]::new))) {
      return context.getEnvironment();
    }
  }

  private static String location(String folder) {
    return "--spring.config.location=classpath:/" + folder + "/";
  }

  private static SpringApplication application(int rank) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setEnvironment(FakeEnvironments.of(FakeEnvironments.openMpi(rank, 4)));
    application.setRegisterShutdownHook(false);
    return application;
  }
}

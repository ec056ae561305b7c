/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Configuration;

class ArchitectureTests {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.mpilock.spring");

  @Test
  void packagesHaveNoCycles() {
    slices().matching("io.mpilock.(spring..)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void onlyTheTestSupportDependsOnTheAutoConfiguration() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.mpilock.spring.autoconfigure", "io.mpilock.spring.test")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.mpilock.spring.autoconfigure")
        .check(CLASSES);
  }

  @Test
  void theTemplateKnowsNoSpringButItsTransactions() {
    noClasses()
        .that()
        .resideInAPackage("io.mpilock.spring")
        .and()
        .haveNameNotMatching(".*[.]KeptWrites([$].*)?")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.springframework..")
        .check(CLASSES);
  }

  /** An application without transactions has no spring-tx. */
  @Test
  void onlyWhatKeepsWritesKnowsTransactions() {
    noClasses()
        .that()
        .haveNameNotMatching("io[.]mpilock[.]spring[.](KeptWrites|batch[.].*|autoconfigure[.].*)")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.springframework.transaction..")
        .check(CLASSES);
  }

  @Test
  void onlyTheMetersTheObservationsAndTheirConfigurationsKnowMicrometer() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.mpilock.spring.metrics", "io.mpilock.spring.observation")
        .and()
        .doNotHaveSimpleName("MetricsConfiguration")
        .and()
        .doNotHaveSimpleName("ObservationConfiguration")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.micrometer..", "io.mpilock.spring.metrics", "io.mpilock.spring.observation")
        .check(CLASSES);
  }

  @Test
  void onlyWhatIsForTheActuatorKnowsIt() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.mpilock.spring.actuate")
        .and()
        .doNotHaveSimpleName("EndpointConfiguration")
        .and()
        .doNotHaveSimpleName("HealthConfiguration")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.springframework.boot.actuate..",
            "org.springframework.boot.health..",
            "io.mpilock.spring.actuate")
        .check(CLASSES);
  }

  @Test
  void onlyItsPackageItsConfigurationsAndTheOrderlyStopKnowSpringBatch() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.mpilock.spring.batch")
        .and()
        .haveNameNotMatching(
            ".*[.](BatchConfiguration|BatchRanksConfiguration|OwnBatchScopes|RunningJobs)([$].*)?")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.springframework.batch..", "io.mpilock.spring.batch")
        .check(CLASSES);
  }

  @Test
  void onlyTheRegistryAndItsConfigurationKnowSpringIntegration() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.mpilock.spring.integration")
        .and()
        .doNotHaveSimpleName("IntegrationConfiguration")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.springframework.integration..", "io.mpilock.spring.integration")
        .check(CLASSES);
  }

  @Test
  void nothingReachesBehindTheCoresApi() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.mpilock.spring.test")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.mpilock.internal..", "io.mpilock.transport.*..")
        .check(CLASSES);
  }

  @Test
  void theTestSupportMakesLocalJobsAndReachesNoFurther() {
    noClasses()
        .that()
        .resideInAPackage("io.mpilock.spring.test")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.mpilock.internal..", "io.mpilock.transport.ffm..", "io.mpilock.transport.mpj..")
        .check(CLASSES);
  }

  @Test
  void onlyTheTestSupportKnowsTestFrameworks() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.mpilock.spring.test")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.springframework.boot.test..", "org.junit..", "org.opentest4j..", "org.assertj..")
        .check(CLASSES);
  }

  @Test
  void onlyTheExtensionKnowsJUnit() {
    noClasses()
        .that()
        .doNotHaveSimpleName("RankExtension")
        .and()
        .doNotHaveSimpleName("RankTest")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.junit..", "org.opentest4j..")
        .check(CLASSES);
  }

  @Test
  void onlyTheAutoConfigurationItselfIsAPublicConfiguration() {
    classes()
        .that()
        .areAnnotatedWith(Configuration.class)
        .should()
        .bePackagePrivate()
        .check(CLASSES);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** Packages depend one way, and what is confined stays confined. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.mpilock");

  @Test
  void layersDependDownwardsOnly() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .withOptionalLayers(true)
        .layer("api")
        .definedBy("io.mpilock")
        .layer("controller")
        .definedBy("io.mpilock.internal")
        .layer("agent")
        .definedBy("io.mpilock.internal.agent")
        .layer("call")
        .definedBy("io.mpilock.internal.call")
        .layer("rank")
        .definedBy("io.mpilock.internal.rank")
        .layer("node")
        .definedBy("io.mpilock.internal.node")
        .layer("window")
        .definedBy("io.mpilock.internal.window")
        .layer("job")
        .definedBy("io.mpilock.internal.job")
        .layer("share")
        .definedBy("io.mpilock.internal.share")
        .layer("transports")
        .definedBy("io.mpilock.transport.*..")
        .layer("transport")
        .definedBy("io.mpilock.transport")
        .layer("failure")
        .definedBy("io.mpilock.failure")
        .whereLayer("api")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("controller")
        .mayOnlyBeAccessedByLayers("api")
        .whereLayer("agent")
        .mayOnlyBeAccessedByLayers("controller")
        .whereLayer("call")
        .mayOnlyBeAccessedByLayers("api", "controller", "agent")
        .whereLayer("rank")
        .mayOnlyBeAccessedByLayers("api", "controller", "agent", "call")
        .whereLayer("node")
        .mayOnlyBeAccessedByLayers("controller", "agent", "call", "rank")
        .whereLayer("window")
        .mayOnlyBeAccessedByLayers("api", "controller", "agent", "call", "rank", "node")
        .whereLayer("job")
        .mayNotAccessAnyLayer() // pure: beside them all
        .whereLayer("share")
        .mayOnlyBeAccessedByLayers("api") // what guards shared objects, beside them all
        .whereLayer("transports")
        .mayOnlyBeAccessedByLayers("api") // LocalRanks makes a local job
        .whereLayer("transport")
        .mayOnlyBeAccessedByLayers(
            "api", "controller", "agent", "call", "rank", "node", "window", "transports")
        .whereLayer("failure")
        .mayOnlyBeAccessedByLayers(
            "api",
            "controller",
            "agent",
            "call",
            "rank",
            "node",
            "window",
            "share",
            "transports",
            "transport")
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("io.mpilock.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void transportsDoNotKnowEachOther() {
    slices()
        .matching("io.mpilock.transport.(*)..")
        .should()
        .notDependOnEachOther()
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  /**
   * The transport mpj maps files as segments: they may be longer than 2 GiB, and closing one ends
   * every access to it. It calls nothing native, and needs no native access.
   */
  @Test
  void onlyTheNativeTransportUsesForeignFunctions() {
    noClasses()
        .that(not(resideInAPackage("io.mpilock.transport.ffm..")))
        .and(not(resideInAPackage("io.mpilock.transport.mpj..")))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.lang.foreign..")
        .check(CLASSES);
    noClasses()
        .that(resideInAPackage("io.mpilock.transport.mpj.."))
        .should()
        .dependOnClassesThat(
            resideInAPackage("java.lang.foreign..")
                .and(not(belongToAnyOf(MemorySegment.class, Arena.class, ValueLayout.class))))
        .check(CLASSES);
  }

  /** Two transports have one variable each: MPI, and this process's part in the job. */
  @Test
  void noStaticStateChangesOutsideOfTheTransports() {
    fields()
        .that()
        .areStatic()
        .and()
        .areDeclaredInClassesThat(not(resideInAPackage("io.mpilock.transport.ffm..")))
        .and()
        .doNotHaveFullName("io.mpilock.transport.mpj.MpjRuntime.current")
        .should()
        .beFinal()
        .check(CLASSES);
    fields()
        .that()
        .areStatic()
        .and()
        .areDeclaredInClassesThat(not(resideInAPackage("io.mpilock.transport.ffm..")))
        .and()
        .doNotHaveModifier(com.tngtech.archunit.core.domain.JavaModifier.SYNTHETIC)
        .should()
        .notHaveRawType(
            com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo(
                    java.util.concurrent.atomic.AtomicReference.class)
                .or(
                    com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo(
                        Number.class))
                .or(
                    com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo(
                        ThreadLocal.class)))
        .check(CLASSES);
  }

  @Test
  void everyPackageIsNullMarked() {
    classes()
        .that(not(belongTo(packageInfo())))
        .should(
            new ArchCondition<JavaClass>("be in a package that is @NullMarked") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
                  events.add(SimpleConditionEvent.violated(type, type + " is not null-marked"));
                }
              }
            })
        .check(CLASSES);
  }

  private static com.tngtech.archunit.base.DescribedPredicate<JavaClass> packageInfo() {
    return com.tngtech.archunit.base.DescribedPredicate.describe(
        "package-info", type -> type.getSimpleName().equals("package-info"));
  }
}

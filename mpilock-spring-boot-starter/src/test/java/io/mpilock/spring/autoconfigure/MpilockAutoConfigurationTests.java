/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mpilock.ControllerOptions;
import io.mpilock.Fairness;
import io.mpilock.OnDeadlock;
import io.mpilock.OnHolderDeath;
import io.mpilock.ShareCodec;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.StartupException;
import io.mpilock.spring.ControllerOptionsCustomizer;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.Until;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.autoconfigure.AutoConfigurationPackage;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.validation.Validator;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class MpilockAutoConfigurationTests {
  private final ApplicationContextRunner runner = runner(FakeEnvironments.NO_LAUNCHER);

  private static ApplicationContextRunner runner(Map<String, String> variables) {
    return new ApplicationContextRunner(
            () -> {
              AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
              context.setEnvironment(FakeEnvironments.of(variables));
              return context;
            })
        .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));
  }

  /** It is the application's to inject a type of Spring's by itself. */
  @Test
  void noBeanIsAValidator() {
    runner.run(context -> assertThat(context).doesNotHaveBean(Validator.class));
  }

  @Test
  void bootFindsTheAutoConfiguration() {
    assertThat(
            ImportCandidates.load(
                org.springframework.boot.autoconfigure.AutoConfiguration.class,
                getClass().getClassLoader()))
        .contains(MpilockAutoConfiguration.class.getName());
  }

  @Test
  void withoutALauncherThereIsAControllerOfOneRankAndATemplateOverIt() {
    runner.run(context -> {
      assertThat(context).hasSingleBean(WindowController.class).hasSingleBean(LockTemplate.class);
      WindowController controller = context.getBean(WindowController.class);
      assertThat(controller.size()).isEqualTo(1);
      String result =
          context
              .getBean(LockTemplate.class)
              .write(() -> controller.tryRead().isPresent() ? "inside" : "outside");
      assertThat(result).isEqualTo("inside");
    });
  }

  @Test
  void theDefaultsAreThoseOfTheCore() {
    runner.run(context ->
        assertThat(context.getBean(WindowController.class).options())
            .isEqualTo(ControllerOptions.defaults()));
  }

  @Test
  void everyPropertyReachesTheController() {
    runner
        .withPropertyValues(
            "mpilock.transport=local",
            "mpilock.expected-ranks=1",
            "mpilock.fairness=phase-fair",
            "mpilock.resources[north/orders].fairness=writer-first",
            "mpilock.resources.items.until=body",
            "mpilock.handover-limit=3",
            "mpilock.stall-warning=5s",
            "mpilock.shutdown-timeout=100ms",
            "mpilock.on-holder-death=release",
            "mpilock.on-deadlock=warn",
            "mpilock.window-size=2MB",
            "mpilock.share.allow=com.acme.Order,com.acme.model.**")
        .run(context -> {
          ControllerOptions options = context.getBean(WindowController.class).options();
          assertThat(options.fairness()).isEqualTo(Fairness.PHASE_FAIR);
          assertThat(options.fairnessOf())
              .containsExactly(Map.entry("north/orders", Fairness.WRITER_FIRST));
          assertThat(options.expectedRanks()).isEqualTo(1);
          assertThat(options.handoverLimit()).isEqualTo(3);
          assertThat(options.stallWarning()).isEqualTo(Duration.ofSeconds(5));
          assertThat(options.shutdownTimeout()).isEqualTo(Duration.ofMillis(100));
          assertThat(options.onHolderDeath()).isEqualTo(OnHolderDeath.RELEASE);
          assertThat(options.onDeadlock()).isEqualTo(OnDeadlock.WARN);
          assertThat(options.windowBytes()).isEqualTo(2 << 20);
          assertThat(options.shareAllow()).containsExactly("com.acme.Order", "com.acme.model.**");
        });
  }

  @Test
  void theApplicationsOwnPackagesMayBeShared() {
    runner
        .withUserConfiguration(InAPackage.class)
        .withPropertyValues("mpilock.share.allow=com.acme.Order")
        .run(context ->
            assertThat(context.getBean(WindowController.class).options().shareAllow())
                .containsExactly("com.acme.Order", "io.mpilock.spring.autoconfigure.**"));
  }

  @Test
  void closingTheContextClosesTheController() {
    AtomicReference<@Nullable WindowController> seen = new AtomicReference<>();
    runner.run(context -> seen.set(context.getBean(WindowController.class)));
    assertThat(seen.get()).isNotNull().matches(WindowController::isClosed, "closed");
  }

  @Test
  void lazyInitializationDoesNotDelayTheCollectiveStart() {
    runner
        .withBean(org.springframework.boot.LazyInitializationBeanFactoryPostProcessor.class)
        .run(context ->
            assertThat(context.getBeanFactory().containsSingleton("windowController")).isTrue());
  }

  @Test
  void anOwnControllerIsUsed() {
    runner
        .withUserConfiguration(OwnController.class)
        .run(context -> {
          assertThat(context).hasSingleBean(WindowController.class);
          assertThat(context.getBean(LockTemplate.class).master()).isEqualTo(1);
        });
  }

  @Test
  void anOwnTemplateIsUsed() {
    LockTemplate own = LockTemplate.withoutLocks(0, 1, ControllerOptions.defaults());
    runner
        .withBean("own", LockTemplate.class, () -> own)
        .run(context -> assertThat(context.getBean(LockTemplate.class)).isSameAs(own));
  }

  @Test
  void anOwnCommunicatorIsUsedAndStaysItsOwners() {
    Communicator communicator = new LocalCluster(1).world(0);
    runner
        .withBean("own", Communicator.class, () -> communicator)
        .run(context ->
            assertThat(context.getBean(WindowController.class).transport())
                .isEqualTo(communicator.description()));
  }

  @Test
  void anOwnCodecIsUsed() {
    runner
        .withBean("codec", ShareCodec.class, NoCodec::new)
        .run(context ->
            assertThat(context.getBean(WindowController.class).options().shareCodec())
                .isInstanceOf(NoCodec.class));
  }

  @Configuration(proxyBeanMethods = false)
  static class Customizers {
    @Bean
    @Order(2)
    ControllerOptionsCustomizer second() {
      return options -> options.withHandoverLimit(10 * options.handoverLimit());
    }

    @Bean
    @Order(1)
    ControllerOptionsCustomizer first() {
      return options -> options.withHandoverLimit(options.handoverLimit() + 1).withMaster(0);
    }
  }

  @Test
  void customizersChangeWhatThePropertiesSayOneAfterTheOther() {
    runner
        .withUserConfiguration(Customizers.class)
        .withPropertyValues("mpilock.handover-limit=2", "mpilock.master=7")
        .run(context ->
            assertThat(context.getBean(WindowController.class).options())
                .isEqualTo(ControllerOptions.defaults().withHandoverLimit(30)));
  }

  @Test
  void customizersAreAskedWithoutLocksToo() {
    runner(FakeEnvironments.openMpi(2, 4))
        .withUserConfiguration(Customizers.class)
        .withPropertyValues("mpilock.enabled=false", "mpilock.master=7")
        .run(context -> assertThat(context.getBean(LockTemplate.class).master()).isZero());
  }

  @Test
  void aCustomizerThatSaysWhatCannotBeIsTold() {
    runner
        .withBean(ControllerOptionsCustomizer.class, () -> options -> options.withExpectedRanks(3))
        .run(context ->
            assertThat(context).getFailure().hasStackTraceContaining("but the job has 1 rank"));
  }

  private static LockTimeoutException refused(WindowController controller, LockTemplate locks) {
    try (WriteLease _ = controller.resource("orders").write()) {
      return CompletableFuture.supplyAsync(
              () ->
                  catchThrowableOfType(
                      LockTimeoutException.class, () -> locks.readWithoutResult(() -> {})),
              task -> Thread.ofPlatform().start(task))
          .join();
    }
  }

  @Test
  void aResourceHasATimeOutOfItsOwnUnlessTheCallerNamesOne() {
    runner
        .withPropertyValues("mpilock.resources.orders.timeout=10ms")
        .run(context -> {
          WindowController controller = context.getBean(WindowController.class);
          LockTemplate locks = context.getBean(LockTemplate.class);
          LockTemplate orders = locks.on("orders");
          assertThat(refused(controller, orders)).hasMessageContaining("within PT0.01S");
          assertThat(refused(controller, orders.until(Until.BODY)))
              .hasMessageContaining("within PT0.01S");
          assertThat(refused(controller, locks.withTimeout(Duration.ofMillis(20)).on("orders")))
              .hasMessageContaining("within PT0.02S");
          assertThat(orders).hasToString("LockTemplate[orders, PT0.01S]");
          assertThat(locks.on("items")).hasToString("LockTemplate[items]");
          assertThat(orders.on("items")).hasToString("LockTemplate[items]");
          int result = orders.singleWrite(() -> 3);
          assertThat(result).isEqualTo(3);
        });
  }

  @Test
  void disabledThereIsNoControllerAndTheTemplateDoesNotLock(CapturedOutput output) {
    runner(FakeEnvironments.openMpi(2, 4))
        .withPropertyValues("mpilock.enabled=false", "mpilock.master=1")
        .run(context -> {
          assertThat(context)
              .doesNotHaveBean(WindowController.class)
              .hasSingleBean(LockTemplate.class);
          LockTemplate locks = context.getBean(LockTemplate.class);
          int result = locks.read(() -> locks.singleWrite(() -> 5));
          assertThat(result).isEqualTo(5);
          assertThat(locks.rank()).isEqualTo(2);
          assertThat(locks.size()).isEqualTo(4);
          assertThat(locks.master()).isEqualTo(1);
        });
    assertThat(output).containsOnlyOnce("mpilock.enabled is false");
    assertThat(output.toString().lines().filter(line -> line.contains("mpilock.enabled is false")))
        .singleElement()
        .asString()
        .contains("WARN");
  }

  @Test
  void localUnderALauncherWithSeveralRanksIsRefused() {
    runner(FakeEnvironments.openMpi(0, 2))
        .withPropertyValues("mpilock.transport=local")
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasRootCauseInstanceOf(StartupException.class)
                .hasStackTraceContaining("mpilock.transport=local"));
  }

  @Configuration(proxyBeanMethods = false)
  @AutoConfigurationPackage
  static class InAPackage {}

  @Configuration(proxyBeanMethods = false)
  static class OwnController {
    /** Rank 0 of a cluster of its own, with a master that the properties do not name. */
    @Bean
    WindowController own() throws InterruptedException {
      LocalCluster cluster = new LocalCluster(2);
      Thread other =
          Thread.ofPlatform().start(() -> WindowController.sync(cluster.world(1), 1).abandon());
      WindowController controller = WindowController.sync(cluster.world(0), 1);
      other.join();
      return controller;
    }
  }

  static final class NoCodec implements ShareCodec {
    @Override
    public void encode(@Nullable Object value, OutputStream out) {}

    @Override
    public @Nullable Object decode(InputStream in) {
      return null;
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Two ranks, of which one never closes: a regular close would wait for it. */
@Timeout(60)
class JobLifelineTests {
  private final List<ConfigurableApplicationContext> contexts = new ArrayList<>();
  private final LocalCluster cluster = new LocalCluster(2);

  @Configuration(proxyBeanMethods = false)
  @ImportAutoConfiguration(MpilockAutoConfiguration.class)
  static class Application {}

  @Configuration(proxyBeanMethods = false)
  static class FailsToStart {
    @Bean
    SmartLifecycle failing() {
      return new SmartLifecycle() {
        private final AtomicBoolean running = new AtomicBoolean();

        @Override
        public void start() {
          throw new IllegalStateException("no start");
        }

        @Override
        public void stop() {
          running.set(false);
        }

        @Override
        public boolean isRunning() {
          return running.get();
        }
      };
    }
  }

  @Test
  void aContextThatFailsAbandonsItsControllerInsteadOfWaitingForTheOthers() throws Exception {
    try (Communicator peers = cluster.world(1)) {
      List<WindowController> peer = new ArrayList<>();
      Thread other = Thread.ofPlatform().start(() -> peer.add(sync(peers)));
      long start = System.nanoTime();
      assertThatThrownBy(() -> run(Application.class, FailsToStart.class))
          .hasRootCauseMessage("no start");
      other.join();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
      assertThat(JobLifeline.controllerOf(contexts.getFirst()))
          .hasValueSatisfying(controller -> assertThat(controller.isClosed()).isTrue());
      peer.getFirst().abandon();
    }
  }

  @Test
  void aContextThatIsClosedClosesItsControllerTogetherWithTheOthers() throws Exception {
    try (Communicator peers = cluster.world(1)) {
      Thread other =
          Thread.ofPlatform()
              .start(() -> {
                WindowController peer = sync(peers);
                peer.singleWrite(() -> "up");
                peer.close();
              });
      ConfigurableApplicationContext context = run(Application.class);
      WindowController controller = context.getBean(WindowController.class);
      controller.singleWrite(() -> "up");
      context.close();
      other.join();
      assertThat(controller.isClosed()).isTrue();
    }
  }

  @Test
  void ranksWithDifferentSettingsAreToldSo() throws Exception {
    try (Communicator peers = cluster.world(1)) {
      AtomicReference<@Nullable Throwable> told = new AtomicReference<>();
      Thread other =
          Thread.ofPlatform()
              .start(() -> told.set(catchThrowable(() -> WindowController.sync(peers, 1))));
      assertThatThrownBy(() -> run(Application.class))
          .rootCause()
          .isInstanceOfSatisfying(
              StartupException.class,
              failure -> assertThat(failure.problem()).isEqualTo(Problem.SETTINGS_DIFFER));
      other.join();
      assertThat(told.get()).isInstanceOf(StartupException.class);
    }
  }

  private WindowController sync(Communicator world) {
    return WindowController.sync(
        world, ControllerOptions.defaults().withShutdownTimeout(Duration.ofSeconds(40)));
  }

  private ConfigurableApplicationContext run(Class<?>... sources) {
    SpringApplication application = new SpringApplication(sources);
    application.setRegisterShutdownHook(false);
    application.addInitializers(context -> {
      contexts.add(context);
      context.getBeanFactory().registerSingleton("communicator", cluster.world(0));
    });
    return application.run("--mpilock.shutdown-timeout=40s");
  }
}

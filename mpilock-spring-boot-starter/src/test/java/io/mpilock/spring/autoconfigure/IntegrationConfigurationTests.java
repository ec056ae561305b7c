/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.WindowController;
import io.mpilock.spring.integration.MpilockLockRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.integration.support.locks.DefaultLockRegistry;
import org.springframework.integration.support.locks.LockRegistry;

@Timeout(60)
class IntegrationConfigurationTests {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));

  @Test
  void thereIsARegistryOverTheRanksLocks() {
    runner.run(context -> {
      assertThat(context).hasSingleBean(LockRegistry.class);
      WindowController controller = context.getBean(WindowController.class);
      assertThat(context.getBean(MpilockLockRegistry.class).obtain("k"))
          .isEqualTo(new MpilockLockRegistry(controller, "integration/", 0).obtain("k"));
    });
  }

  @Test
  void itsNamesFollowTheProperties() {
    runner
        .withPropertyValues("mpilock.integration.prefix=si-", "mpilock.integration.stripes=1")
        .run(context ->
            assertThat(context.getBean(MpilockLockRegistry.class).obtain("k"))
                .isEqualTo(
                    new MpilockLockRegistry(context.getBean(WindowController.class), "si-", 0)
                        .obtain("0")));
  }

  @Test
  void anOwnRegistryIsUsed() {
    runner
        .withBean(DefaultLockRegistry.class)
        .run(context ->
            assertThat(context)
                .hasSingleBean(LockRegistry.class)
                .doesNotHaveBean(MpilockLockRegistry.class));
  }

  @Test
  void itCanBeSwitchedOff() {
    runner
        .withPropertyValues("mpilock.integration.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(LockRegistry.class));
  }

  @Test
  void withoutLocksThereIsNoRegistryThatPretendsToLock() {
    runner
        .withPropertyValues("mpilock.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(LockRegistry.class));
  }

  @Test
  void withoutSpringIntegrationTheContextStarts() {
    runner
        .withClassLoader(new FilteredClassLoader("org.springframework.integration"))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(WindowController.class));
  }

  @Test
  void aNegativeNumberOfStripesIsRefused() {
    runner
        .withPropertyValues("mpilock.integration.stripes=-1")
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasStackTraceContaining("stripes")
                .hasStackTraceContaining("must not be negative"));
  }
}

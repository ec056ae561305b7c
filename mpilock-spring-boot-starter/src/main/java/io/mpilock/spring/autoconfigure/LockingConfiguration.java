/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.ControllerOptions;
import io.mpilock.ShareCodec;
import io.mpilock.WindowController;
import io.mpilock.spring.ControllerOptionsCustomizer;
import io.mpilock.spring.LockTemplate;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.core.env.ConfigurableEnvironment;

/** The controller and the template over it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty(name = "mpilock.enabled", matchIfMissing = true)
class LockingConfiguration {
  private static final Log LOG = LogFactory.getLog(MpilockAutoConfiguration.class);

  /**
   * Making a controller is collective, so it must not be left to the first use, which one rank may
   * never come to.
   */
  @Bean(destroyMethod = "close")
  @Lazy(false)
  @ConditionalOnMissingBean
  WindowController windowController(
      MpilockProperties properties,
      ObjectProvider<Communicator> communicators,
      ObjectProvider<ShareCodec> codecs,
      ObjectProvider<ControllerOptionsCustomizer> customizers,
      ConfigurableEnvironment environment,
      BeanFactory beanFactory) {
    ControllerOptions options =
        properties.toOptions(SharePatterns.applicationPackages(beanFactory));
    ShareCodec codec = codecs.getIfAvailable();
    if (codec != null) {
      options = options.withShareCodec(codec);
    }
    options = customized(options, customizers);
    @Nullable Communicator communicator = communicators.getIfAvailable();
    WindowController controller =
        communicator != null
            ? WindowController.sync(communicator, options)
            : WindowController.syncOwning(open(properties, options, environment), options);
    String here =
        "mpilock: rank %d of %d, master %d, transport %s"
            .formatted(
                controller.rank(), controller.size(), controller.master(), controller.transport());
    if (controller.size() == 1) {
      LOG.debug(here);
    } else {
      LOG.info(here);
    }
    return controller;
  }

  static ControllerOptions customized(
      ControllerOptions options, ObjectProvider<ControllerOptionsCustomizer> customizers) {
    ControllerOptions changed = options;
    for (ControllerOptionsCustomizer each : customizers.orderedStream().toList()) {
      changed = each.customize(changed);
    }
    return changed;
  }

  private static Communicator open(
      MpilockProperties properties,
      ControllerOptions options,
      ConfigurableEnvironment environment) {
    return Transports.open(
        properties.transport(),
        new TransportSettings(
            SystemLauncher.detect(environment).orElse(null),
            properties.nativeTransport().library(),
            options.stallWarning(),
            options.expectedRanks(),
            properties.mpj().toSettings(),
            properties.nativeTransport().doorbell()));
  }

  @Bean
  @ConditionalOnMissingBean
  LockTemplate lockTemplate(WindowController controller, MpilockProperties properties) {
    return LockTemplate.of(controller, properties);
  }
}

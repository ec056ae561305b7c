/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.failure.StartupException;
import io.mpilock.transport.Transports;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Gives each context that a {@code SpringApplication} starts its {@link JobLifeline}, and sees to
 * it that the process does not end with 0 if its controller could not be closed: Spring only logs
 * that.
 */
final class JobLifelineInitializer
    implements ApplicationContextInitializer<ConfigurableApplicationContext> {

  private static final Log LOG = LogFactory.getLog(JobLifelineInitializer.class);
  private static final int FAILURE = 1;

  /** Always the same object, so that Boot has it once. Called when all contexts have closed. */
  @SuppressWarnings("UnnecessaryLambda") // a method reference is a new object each time
  private static final Runnable END = () -> Transports.endUnfinished(FAILURE);

  @Override
  public void initialize(ConfigurableApplicationContext context) {
    context.getBeanFactory().addBeanPostProcessor(new JobLifeline(context));
    try {
      if (SystemLauncher.position(context.getEnvironment()).mayHavePeers()) {
        SpringApplication.getShutdownHandlers().add(END);
      }
    } catch (StartupException | IllegalStateException e) {
      LOG.debug("The application will not reach MPI, or shuts down already", e);
    }
  }
}

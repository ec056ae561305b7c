/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.aot.AbstractAotProcessor;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.type.AnnotatedTypeMetadata;

/**
 * Matches where there are, or may be, several ranks: for what changes the application beside adding
 * beans of mpilock's own. While an application is processed ahead of time it matches, since nobody
 * knows by then; such a bean looks once more when it is made.
 */
final class RanksCondition extends SpringBootCondition {

  @Override
  public ConditionOutcome getMatchOutcome(
      ConditionContext context, AnnotatedTypeMetadata metadata) {
    ConfigurableEnvironment environment = (ConfigurableEnvironment) context.getEnvironment();
    ConditionMessage.Builder message = ConditionMessage.forCondition("Several ranks");
    if (environment.getProperty(AbstractAotProcessor.AOT_PROCESSING, Boolean.class, false)) {
      return ConditionOutcome.match(message.because("that is known at run time only"));
    }
    JobPosition position = SystemLauncher.position(environment);
    return new ConditionOutcome(
        position.mayHavePeers(),
        message.because(
            position.mayHavePeers()
                ? "this is rank %d of several".formatted(position.rank())
                : "this process is alone"));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.condition;

import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Behind {@link ConditionalOnMaster}. */
final class OnMasterCondition extends SpringBootCondition {

  @Override
  public ConditionOutcome getMatchOutcome(
      ConditionContext context, AnnotatedTypeMetadata metadata) {
    ThisRank here = new ThisRank(context.getEnvironment());
    int master = here.master();
    ConditionMessage.Builder message = ConditionMessage.forCondition(ConditionalOnMaster.class);
    return here.rank() == master
        ? ConditionOutcome.match(message.because("rank " + master + " is the master"))
        : ConditionOutcome.noMatch(
            message.because("this is rank %d, the master is %d".formatted(here.rank(), master)));
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.condition;

import java.util.Arrays;
import java.util.List;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Behind {@link ConditionalOnRank}. */
final class OnRankCondition extends SpringBootCondition {

  /** An element may have the annotation and others that are made of it: then all must match. */
  @Override
  public ConditionOutcome getMatchOutcome(
      ConditionContext context, AnnotatedTypeMetadata metadata) {
    ThisRank here = new ThisRank(context.getEnvironment());
    List<int[]> all =
        metadata.getAnnotations().stream(ConditionalOnRank.class)
            .map(annotation -> annotation.getIntArray(MergedAnnotation.VALUE))
            .toList();
    for (int[] ranks : all) {
      if (ranks.length == 0) {
        throw new IllegalStateException("@ConditionalOnRank names no rank.");
      }
      Arrays.stream(ranks).forEach(rank -> here.checkIsOfJob(rank, "A rank of @ConditionalOnRank"));
    }
    ConditionMessage.Builder message = ConditionMessage.forCondition(ConditionalOnRank.class);
    for (int[] ranks : all) {
      if (Arrays.stream(ranks).noneMatch(rank -> rank == here.rank())) {
        return ConditionOutcome.noMatch(
            message.because(
                "this is rank %d, not of %s".formatted(here.rank(), Arrays.toString(ranks))));
      }
    }
    return ConditionOutcome.match(message.because("this is rank " + here.rank()));
  }
}

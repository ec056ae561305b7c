/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Reports an annotation that cannot work. */
final class LockAnnotationFailureAnalyzer extends AbstractFailureAnalyzer<LockAnnotationException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, LockAnnotationException cause) {
    return new FailureAnalysis(
        "A lock annotation is wrong:\n\n    " + cause.getMessage(),
        "Change the annotation or its method, or take the lock inside the method"
            + " by a LockTemplate. The Javadoc of @WriteLocked has the rules.",
        cause);
  }
}

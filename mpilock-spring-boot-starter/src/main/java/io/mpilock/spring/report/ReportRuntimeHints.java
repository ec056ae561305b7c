/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;

/** Keeps the files of which the report's page is made, where an image takes only what is named. */
final class ReportRuntimeHints implements RuntimeHintsRegistrar {
  /** For Spring. */
  ReportRuntimeHints() {}

  @Override
  public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
    hints.resources().registerPattern("io/mpilock/spring/report/lock-report.*");
    hints.resources().registerPattern("META-INF/services/io.mpilock.transport.Transport");
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs JUnit classes where there is no Maven, such as in a chroot of {@code platforms.sh}. */
public final class TestMain {
  private TestMain() {}

  /**
   * Runs the classes and ends the JVM, with 1 if a test fails, is skipped, or there is none.
   *
   * @param args the names of the classes
   */
  public static void main(String[] args) {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(Arrays.stream(args).map(name -> selectClass(name)).toList())
                .build(),
            listener);
    TestExecutionSummary summary = listener.getSummary();
    PrintWriter writer = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    summary.printFailuresTo(writer, 20);
    summary.printTo(writer);
    boolean good =
        summary.getTotalFailureCount() == 0
            && summary.getTestsSkippedCount() == 0
            && summary.getTestsSucceededCount() > 0;
    System.exit(good ? 0 : 1);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * Runs JUnit classes inside each rank of an MPI job. The classes' tests are collective: every rank
 * runs them in the same order. A test that fails on one rank must end the job, or the others wait.
 */
public final class RankSuite {

  private RankSuite() {}

  /**
   * Runs the classes and ends the JVM with 1 if one fails or there is no test.
   *
   * @param args the names of the classes
   */
  public static void main(String[] args) {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(Arrays.stream(args).map(name -> selectClass(name)).toList())
            .build();
    LauncherFactory.create().execute(request, listener);
    ProcessRanks.end();
    TestExecutionSummary summary = listener.getSummary();
    boolean good =
        summary.getTotalFailureCount() == 0
            && summary.getTestsSkippedCount() == 0
            && summary.getTestsAbortedCount() == 0
            && summary.getTestsSucceededCount() > 0;
    System.out.println("tests succeeded: " + summary.getTestsSucceededCount());
    if (!good) {
      PrintWriter writer = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
      summary.printFailuresTo(writer, 100);
      summary.printTo(writer);
      System.exit(1);
    }
  }
}

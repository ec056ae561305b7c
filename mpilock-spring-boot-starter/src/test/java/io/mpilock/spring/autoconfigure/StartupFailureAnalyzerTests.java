/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Configuration;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class StartupFailureAnalyzerTests {

  @Configuration(proxyBeanMethods = false)
  @ImportAutoConfiguration(MpilockAutoConfiguration.class)
  static class Application {}

  /** Several problems cannot be had on every machine, so here each is told as the core tells it. */
  @ParameterizedTest
  @EnumSource(Problem.class)
  void everyProblemHasADescriptionOfWhatWasFoundAndTheRemedyOnce(Problem problem) {
    StartupException failure =
        new StartupException(problem, "Looked for this, found that.", "Do something else.");
    FailureAnalysis analysis =
        Objects.requireNonNull(
            new StartupFailureAnalyzer().analyze(new IllegalStateException("bean", failure)));
    assertThat(analysis.getDescription())
        .matches("(?s)\\S.*:\n\n    Looked for this, found that\\.");
    assertThat(analysis.getAction()).startsWith("Do something else.");
    assertThat(analysis.getCause()).isSameAs(failure);
  }

  /** Devtools starts the application again in its process, where MPI has ended. */
  @Test
  void aSecondStartInOneProcessTellsOfDevtools() {
    FailureAnalysis analysis =
        Objects.requireNonNull(
            new StartupFailureAnalyzer()
                .analyze(
                    new StartupException(
                        Problem.MPI_FINALIZED, "MPI was finalised.", "Start a new process.")));
    assertThat(analysis.getAction()).contains("spring.devtools.restart.enabled=false");
  }

  @ParameterizedTest
  @ValueSource(ints = {99, -1})
  void aMasterOutOfRange(int master, CapturedOutput output) {
    fails(FakeEnvironments.NO_LAUNCHER, "--mpilock.master=" + master);
    assertThat(output)
        .contains(
            "The property mpilock.master is not a rank of the job:",
            "mpilock.master is " + master,
            "Action:");
  }

  @Test
  void aTransportThatDoesNotExist(CapturedOutput output) {
    fails(FakeEnvironments.NO_LAUNCHER, "--mpilock.transport=pigeon");
    assertThat(output)
        .contains(
            "The property mpilock.transport names a transport that does not exist here:", "pigeon");
  }

  @Test
  void localUnderALauncherWithSeveralRanks(CapturedOutput output) {
    fails(FakeEnvironments.openMpi(0, 2), "--mpilock.transport=local");
    assertThat(output)
        .contains("A launcher started several ranks, and each would be alone:", "rank 0 of 2");
  }

  @Test
  void aJobOfAnotherSizeThanExpected(CapturedOutput output) {
    fails(FakeEnvironments.NO_LAUNCHER, "--mpilock.expected-ranks=4");
    fails(FakeEnvironments.openMpi(0, 2), "--mpilock.expected-ranks=3");
    fails(Map.of("MPILOCK_EXPECTED_RANKS", "5"));
    assertThat(output)
        .contains(
            "The job has another number of ranks than expected:",
            "mpilock.expected-ranks=4, but the job has 1 rank",
            "mpilock.expected-ranks=3, but the job has 2 ranks",
            "mpilock.expected-ranks=5, but the job has 1 rank");
  }

  @Test
  void aLibraryThatIsNotThere(CapturedOutput output) {
    fails(
        FakeEnvironments.openMpi(0, 2),
        "--mpilock.transport=native",
        "--mpilock.native.library=/no/such/libmpi.so");
    assertThat(output)
        .contains("mpilock found no MPI library that it can use:", "/no/such/libmpi.so");
  }

  @Test
  void inconsistentLauncherVariables(CapturedOutput output) {
    fails(Map.of("OMPI_COMM_WORLD_RANK", "9", "OMPI_COMM_WORLD_SIZE", "4"));
    assertThat(output).contains("The launcher's variables contradict each other or MPI:", "9");
  }

  @Test
  void theAnalyzerDoesNotTouchOtherFailures() {
    assertThat(new StartupFailureAnalyzer().analyze(new IllegalStateException("other"))).isNull();
  }

  private static void fails(Map<String, String> variables, String... arguments) {
    SpringApplication application = new SpringApplication(Application.class);
    application.setEnvironment(FakeEnvironments.of(variables));
    application.setRegisterShutdownHook(false);
    try {
      application.run(arguments).close();
    } catch (RuntimeException expected) {
      return;
    }
    throw new AssertionError("started");
  }
}

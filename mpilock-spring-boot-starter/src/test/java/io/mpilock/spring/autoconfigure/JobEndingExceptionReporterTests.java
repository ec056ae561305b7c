/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.StartupException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.ExitCodeExceptionMapper;
import org.springframework.boot.ExitCodeGenerator;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@ExtendWith(OutputCaptureExtension.class)
class JobEndingExceptionReporterTests {
  private final List<Integer> exits = new ArrayList<>();

  @Configuration(proxyBeanMethods = false)
  static class Nothing {}

  private static final class Coded extends RuntimeException implements ExitCodeGenerator {
    private static final long serialVersionUID = 1L;
    private final int code;

    Coded(int code) {
      super("coded");
      this.code = code;
    }

    @Override
    public int getExitCode() {
      return code;
    }
  }

  @Test
  void withoutALauncherTheFailureIsLeftToBoot() {
    assertThat(report(FakeEnvironments.NO_LAUNCHER, new IllegalStateException("x"))).isFalse();
    assertThat(exits).isEmpty();
  }

  @Test
  void aJobOfOneRankIsLeftToBoot() {
    assertThat(report(FakeEnvironments.openMpi(0, 1), new IllegalStateException("x"))).isFalse();
    assertThat(exits).isEmpty();
  }

  @Test
  void withSeveralRanksTheFailureIsReportedAndThenTheJobEnds(CapturedOutput output) {
    assertThat(report(FakeEnvironments.openMpi(1, 2), new IllegalStateException("no luck")))
        .isTrue();
    assertThat(exits).containsExactly(1);
    assertThat(output.toString())
        .containsSubsequence("Application run failed", "no luck", "ending the job with status 1");
  }

  @Test
  void aFailureThatAnAnalyzerKnowsIsReportedByIt(CapturedOutput output) {
    report(
        FakeEnvironments.openMpi(1, 2),
        new StartupException(StartupException.Problem.NO_WINDOW, "No room.", "Make room."));
    assertThat(output.toString())
        .containsSubsequence("APPLICATION FAILED TO START", "No room.", "ending the job");
    assertThat(exits).containsExactly(1);
  }

  @Test
  void aFailureBeforeTheContextEndsTheJobToo() {
    assertThat(
            new JobEndingExceptionReporter(
                    null, FakeEnvironments.openMpi(1, 2), exits::add, () -> false, Duration.ZERO)
                .reportException(new IllegalStateException("early")))
        .isTrue();
    assertThat(exits).containsExactly(1);
  }

  @Test
  void variablesThatMakeNoSenseEndTheJobToo() {
    assertThat(
            report(
                Map.of("OMPI_COMM_WORLD_RANK", "9", "OMPI_COMM_WORLD_SIZE", "4"),
                new IllegalStateException("x")))
        .isTrue();
    assertThat(exits).containsExactly(1);
  }

  @Test
  void theStatusIsTheFailuresOwnAndNeverZero() {
    report(FakeEnvironments.openMpi(1, 2), new IllegalStateException(new Coded(42)));
    report(FakeEnvironments.openMpi(1, 2), new Coded(0));
    report(FakeEnvironments.openMpi(1, 2), new Coded(256)); // the system would make it 0
    assertThat(exits).containsExactly(42, 1, 1);
  }

  @Test
  void disabledEveryRankIsOnItsOwn() {
    assertThat(
            report(
                FakeEnvironments.openMpi(1, 2),
                new IllegalStateException("x"),
                "--mpilock.enabled=false"))
        .isFalse();
    assertThat(exits).isEmpty();
  }

  /** As when SIGTERM came while it started: the launcher has told the other ranks, too. */
  @Test
  void aContextThatASignalHasClosedIsNoReasonToEndTheJob(CapturedOutput output) {
    assertThat(reportClosed(true)).isTrue();
    assertThat(exits).isEmpty();
    assertThat(output.toString()).doesNotContain("bean factory closed");
  }

  /** Such as a runner that fails, and closes the context on its way out. */
  @Test
  void whatFailsInAContextThatTheApplicationHasClosedIsLeftToBoot() {
    assertThat(reportClosed(false)).isFalse();
    assertThat(exits).isEmpty();
  }

  private boolean reportClosed(boolean shutdown) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setRegisterShutdownHook(false);
    ConfigurableApplicationContext context = application.run();
    context.close();
    return new JobEndingExceptionReporter(
            context, FakeEnvironments.openMpi(1, 2), exits::add, () -> shutdown, Duration.ZERO)
        .reportException(new IllegalStateException("bean factory closed"));
  }

  @Configuration(proxyBeanMethods = false)
  static class Mapped {
    @Bean
    ExitCodeExceptionMapper mapper() {
      return failure -> failure instanceof ArithmeticException ? 66 : 0;
    }
  }

  @Test
  void theApplicationMapsFailuresToStatuses() {
    SpringApplication application = new SpringApplication(Mapped.class);
    application.setRegisterShutdownHook(false);
    try (ConfigurableApplicationContext context = application.run()) {
      for (Throwable failure : List.of(new ArithmeticException(), new Coded(42))) {
        new JobEndingExceptionReporter(
                context, FakeEnvironments.openMpi(1, 2), exits::add, () -> false, Duration.ZERO)
            .reportException(failure);
      }
    }
    assertThat(exits).containsExactly(66, 42);
  }

  private boolean report(Map<String, String> variables, Throwable failure, String... arguments) {
    SpringApplication application = new SpringApplication(Nothing.class);
    application.setRegisterShutdownHook(false);
    try (ConfigurableApplicationContext context = application.run(arguments)) {
      return new JobEndingExceptionReporter(
              context, variables, exits::add, () -> false, Duration.ZERO)
          .reportException(failure);
    }
  }
}

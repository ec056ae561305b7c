package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.mock.env.MockEnvironment;

class TakenPortFailureAnalyzerTests {
  private static FailureAnalysis analyze(MockEnvironment environment) {
    return new TakenPortFailureAnalyzer(environment)
        .analyze(new IllegalStateException("bean", new PortInUseException(8080)));
  }

  @Test
  void underALauncherTheOffsetIsNamed() {
    FailureAnalysis analysis =
        analyze(
            new MockEnvironment()
                .withProperty("mpilock.rank", "3")
                .withProperty("mpilock.size", "4"));
    assertThat(analysis.getDescription()).contains("rank 3").contains("8080");
    assertThat(analysis.getAction()).contains("mpilock.web.port-offset=true");
  }

  @Test
  void aLoneRankAndAnApplicationWithoutRanksAreLeftToBoot() {
    assertThat(analyze(new MockEnvironment())).isNull();
    assertThat(
            analyze(
                new MockEnvironment()
                    .withProperty("mpilock.rank", "0")
                    .withProperty("mpilock.size", "1")))
        .isNull();
  }

  @Test
  void otherFailuresAreLeftToOthers() {
    MockEnvironment environment =
        new MockEnvironment().withProperty("mpilock.rank", "3").withProperty("mpilock.size", "4");
    assertThat(new TakenPortFailureAnalyzer(environment).analyze(new IllegalStateException("x")))
        .isNull();
  }
}

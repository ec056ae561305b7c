/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class TakenPortFailureAnalyzerTests {
  private final Exception taken = new IllegalStateException("bean", new PortInUseException(8080));

  private static ConfigurableEnvironment environment(Map<String, Object> properties) {
    StandardEnvironment environment = new StandardEnvironment();
    environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
    return environment;
  }

  private static @Nullable FailureAnalysis analyze(
      Exception failure, Map<String, Object> properties) {
    return new TakenPortFailureAnalyzer(environment(properties)).analyze(failure);
  }

  @Test
  void underALauncherTheOffsetIsNamed() {
    FailureAnalysis analysis =
        Objects.requireNonNull(analyze(taken, Map.of("mpilock.rank", 3, "mpilock.size", 4)));
    assertThat(analysis.getDescription()).contains("rank 3").contains("8080");
    assertThat(analysis.getAction()).contains("mpilock.web.port-offset=true");
  }

  @Test
  void aLoneRankAndAnApplicationWithoutRanksAreLeftToBoot() {
    assertThat(analyze(taken, Map.of())).isNull();
    assertThat(analyze(taken, Map.of("mpilock.rank", 0, "mpilock.size", 1))).isNull();
  }

  @Test
  void otherFailuresAreLeftToOthers() {
    assertThat(
            analyze(new IllegalStateException("x"), Map.of("mpilock.rank", 3, "mpilock.size", 4)))
        .isNull();
  }
}

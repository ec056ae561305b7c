/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.mpilock.internal.AgentFuzz;
import io.mpilock.internal.ResourceNameFuzz;
import io.mpilock.internal.WindowFuzz;
import io.mpilock.internal.job.MessageFuzz;
import io.mpilock.internal.share.SerializationCodecFuzz;
import io.mpilock.testing.FuzzRun;
import io.mpilock.testing.Proof;
import io.mpilock.transport.LauncherFuzz;
import io.mpilock.transport.ffm.FrameFuzz;
import io.mpilock.transport.mpj.HandshakeFuzz;
import io.mpilock.transport.mpj.LifelineMessageFuzz;
import io.mpilock.transport.mpj.RendezvousFuzz;
import io.mpilock.transport.mpj.WireFuzz;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Feeds whatever reads bytes, words or texts of others with anything. Each target says what must
 * hold; {@link FuzzRun} tells how long and with which inputs. {@code -Dmpilock.fuzz.seconds=300}
 * looks for longer, and for other inputs.
 */
@Proof
class FuzzTest {
  @TempDir private Path scratch;

  static List<Class<?>> targets() {
    return List.of(
        AgentFuzz.class,
        FrameFuzz.class,
        HandshakeFuzz.class,
        LauncherFuzz.class,
        LifelineMessageFuzz.class,
        MessageFuzz.class,
        RendezvousFuzz.class,
        ResourceNameFuzz.class,
        SerializationCodecFuzz.class,
        WindowFuzz.class,
        WireFuzz.class);
  }

  static List<Arguments> keptInputs() throws Exception {
    List<Arguments> inputs = new ArrayList<>();
    for (Class<?> target : targets()) {
      for (Path input : FuzzRun.kept(target)) {
        inputs.add(
            Arguments.argumentSet(
                target.getSimpleName() + " " + input.getFileName(), target, input));
      }
    }
    return inputs;
  }

  @ParameterizedTest
  @MethodSource("keptInputs")
  void anInputThatOnceFoundAFaultFindsNoneNow(Class<?> target, Path input) throws Exception {
    byte[] bytes = Files.readAllBytes(input);
    Method entry = target.getMethod("fuzzerTestOneInput", byte[].class);
    assertTimeoutPreemptively( // far more than it takes: the fault may have been a hang
        Duration.ofMinutes(2),
        () -> {
          try {
            entry.invoke(null, (Object) bytes);
          } catch (InvocationTargetException e) {
            throw new AssertionError(target.getSimpleName() + " on " + input, e.getCause());
          }
        });
  }

  @ParameterizedTest
  @MethodSource("targets")
  void noInputFindsAFault(Class<?> target) throws Exception {
    FuzzRun.Report report = FuzzRun.fuzz(target, FuzzRun.seconds(), scratch);
    System.out.printf(
        "%s: %d inputs, %d branches%n",
        target.getSimpleName(), report.executions(), report.coverage());
    assertThat(report.status())
        .as("%s%nIts input: %s%n", report.output(), FuzzRun.find(scratch))
        .isZero();
    assertThat(report.executions()).as(report.output()).isPositive();
  }

  /** Faults that a fuzzer worth its name finds in a few seconds, and blind chance would not. */
  @ParameterizedTest
  @ValueSource(strings = {"throw", "keep", "take"})
  void aPlantedFaultIsFound(String what) throws Exception {
    Class<?> target =
        switch (what) {
          case "throw" -> PlantedFaults.Throws.class;
          case "keep" -> PlantedFaults.TakesMemory.class;
          default -> PlantedFaults.TrustsALength.class;
        };
    FuzzRun.Report report = FuzzRun.fuzz(target, 60, scratch);
    assertThat(report.status()).as(report.output()).isNotZero();
    assertThat(FuzzRun.find(scratch)).as(report.output()).isNotEmpty();
  }

  @Test
  void everyTargetIsListed() throws Exception {
    assertThat(targets()).doesNotHaveDuplicates().hasSizeGreaterThan(10);
  }
}

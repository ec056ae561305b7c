/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.FuzzRun;
import io.mpilock.testing.Proof;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** As the core's FuzzTest, for the properties. */
@Proof
class MpilockPropertiesFuzzTests {
  @TempDir private Path scratch;

  @Test
  void noInputFindsAFault() throws Exception {
    for (Path kept : FuzzRun.kept(MpilockPropertiesFuzz.class)) {
      MpilockPropertiesFuzz.fuzzerTestOneInput(Files.readAllBytes(kept));
    }
    FuzzRun.Report report = FuzzRun.fuzz(MpilockPropertiesFuzz.class, FuzzRun.seconds(), scratch);
    System.out.printf(
        "MpilockPropertiesFuzz: %d inputs, %d branches%n", report.executions(), report.coverage());
    assertThat(report.status())
        .as("%s%nIts input: %s%n", report.output(), FuzzRun.find(scratch))
        .isZero();
    assertThat(report.executions()).as(report.output()).isPositive();
  }
}

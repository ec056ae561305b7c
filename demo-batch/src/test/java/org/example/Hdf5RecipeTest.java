/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guide's recipe for HDF5 keeps the file whole on real ranks. */
class Hdf5RecipeTest {

  @Test
  void allRanksAppendToOneDataset(@TempDir Path folder) {
    MpiRun.Result result =
        MpiRun.openMpi()
            .ranks(3)
            .run(Hdf5Application.class, "--file=" + folder.resolve("numbers.h5"))
            .succeeded();

    assertThat(result.output())
        .contains("rank 0 counts 180 numbers", "rank 1 counts 180 numbers")
        .contains("rank 2 counts 180 numbers");
  }
}

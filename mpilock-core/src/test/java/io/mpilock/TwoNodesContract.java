/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.testing.Ranks;
import io.mpilock.testing.ThreadRanks;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract on the smallest job of two nodes, for config/measure/mutation.sh, which repeats it
 * for each mutant; {@code LocalContractTest} runs all of it, also on larger jobs. What measures
 * time, or takes long, is left out.
 */
@Timeout(20)
class TwoNodesContract {
  @TempDir Path folder;

  private Ranks smallest() {
    return new ThreadRanks(List.of(0, 1), folder);
  }

  @Nested
  class Lock extends LockContract {
    @Override
    void aWaitCostsNextToNothing() {} // measures processor time

    @Override
    protected Ranks ranks() {
      return smallest();
    }
  }

  @Nested
  class Counter extends CounterContract {
    @Override
    protected Ranks ranks() {
      return smallest();
    }
  }

  @Nested
  class SingleWrite extends SingleWriteContract {
    @Override
    void aTimedSingleWriteThatCannotLockFailsOnAll() {} // takes its 2 s

    @Override
    void aTimedSingleWriteThatOneRankMissesFailsOnAll() {} // as long

    @Override
    protected Ranks ranks() {
      return smallest();
    }
  }

  @Nested
  class Collective extends CollectiveContract {
    @Override
    protected Ranks ranks() {
      return smallest();
    }
  }

  @Nested
  class Lifecycle extends LifecycleContract {
    @Override
    void aNewControllerStartsFromNothing() {} // takes 5 s

    @Override
    protected Ranks ranks() {
      return smallest();
    }
  }
}

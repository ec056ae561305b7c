package io.mpilock;

import io.mpilock.testing.Ranks;
import io.mpilock.testing.ThreadRanks;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract on the smallest jobs of one node and of two, for config/mutation.sh, which repeats
 * it for each mutant; {@code LocalContractTest} runs all of it, also on larger ones. What measures
 * time, or takes long, is left out.
 */
@Timeout(20)
class SmallJobs {
  @TempDir Path folder;

  private Ranks ranks(Integer... nodeOfRank) {
    return new ThreadRanks(List.of(nodeOfRank), folder);
  }

  abstract static class Lock extends LockContract {
    @Override
    void aWaitCostsNextToNothing() {} // not a test here: it measures processor time
  }

  @Nested
  class LockOnOneNode extends Lock {
    @Override
    protected Ranks ranks() {
      return SmallJobs.this.ranks(0, 0);
    }
  }

  @Nested
  class LockOnTwoNodes extends Lock {
    @Override
    protected Ranks ranks() {
      return SmallJobs.this.ranks(0, 1);
    }
  }

  @Nested
  class SingleWriteOnOneNode extends SingleWriteContract {
    @Override
    protected Ranks ranks() {
      return SmallJobs.this.ranks(0, 0);
    }
  }

  @Nested
  class SingleWriteOnTwoNodes extends SingleWriteContract {
    @Override
    void aTimedSingleWriteThatCannotLockFailsOnAll() {} // on one node; each takes its 2 s

    @Override
    void aTimedSingleWriteThatOneRankMissesFailsOnAll() {}

    @Override
    protected Ranks ranks() {
      return SmallJobs.this.ranks(0, 1);
    }
  }

  @Nested
  class LifecycleOnOneNode extends LifecycleContract {
    @Override
    protected Ranks ranks() {
      return SmallJobs.this.ranks(0, 0);
    }
  }

  @Nested
  class LifecycleOnTwoNodes extends LifecycleContract {
    @Override
    void aNewControllerStartsFromNothing() {} // takes 5 s

    @Override
    protected Ranks ranks() {
      return SmallJobs.this.ranks(0, 1);
    }
  }
}

package io.mpilock;

import io.mpilock.testing.Ranks;
import io.mpilock.testing.ThreadRanks;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The contract over the local transport. */
@Timeout(120)
class LocalContractTest {
  @TempDir Path folder;

  @Nested
  class LockOnOneRanks extends LockContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(1, folder);
    }
  }

  @Nested
  class LockOnTwoRanks extends LockContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(2, folder);
    }
  }

  @Nested
  class LockOnFourRanks extends LockContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(4, folder);
    }
  }

  @Nested
  class SingleWriteOnOneRanks extends SingleWriteContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(1, folder);
    }
  }

  @Nested
  class SingleWriteOnTwoRanks extends SingleWriteContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(2, folder);
    }
  }

  @Nested
  class SingleWriteOnFourRanks extends SingleWriteContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(4, folder);
    }
  }

  @Nested
  class LifecycleOnOneRanks extends LifecycleContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(1, folder);
    }
  }

  @Nested
  class LifecycleOnTwoRanks extends LifecycleContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(2, folder);
    }
  }

  @Nested
  class LifecycleOnFourRanks extends LifecycleContract {
    @Override
    protected Ranks ranks() {
      return new ThreadRanks(4, folder);
    }
  }
}

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
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract over the local transport, on every topology. */
@Timeout(120)
class LocalContractTest {
  @TempDir Path folder;

  /** Which ranks are on which nodes. */
  enum Topology {
    ONE_RANK("0"),
    TWO_RANKS("00"),
    FOUR_RANKS("0000"),
    TWO_BY_TWO("0011"),
    ONE_AND_THREE("0111"),
    FOUR_NODES("0123"),
    ROUND_ROBIN("0101");

    /** For each rank a digit, its node. */
    private final String nodeOfRank;

    Topology(String nodeOfRank) {
      this.nodeOfRank = nodeOfRank;
    }

    Ranks ranks(Path folder) {
      return new ThreadRanks(
          nodeOfRank.chars().mapToObj(Character::getNumericValue).toList(), folder);
    }
  }

  /** More than a node has below it in the tree of the collective calls. */
  private Ranks twelveNodes() {
    return new ThreadRanks(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), folder);
  }

  @Nested
  class SingleWriteOnTwelveNodes extends SingleWriteContract {
    @Override
    protected Ranks ranks() {
      return twelveNodes();
    }
  }

  @Nested
  class CollectiveOnTwelveNodes extends CollectiveContract {
    @Override
    protected Ranks ranks() {
      return twelveNodes();
    }
  }

  @Nested
  class LifecycleOnTwelveNodes extends LifecycleContract {
    @Override
    protected Ranks ranks() {
      return twelveNodes();
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class Lock extends LockContract {
    private final Topology topology;

    Lock(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class Counter extends CounterContract {
    private final Topology topology;

    Counter(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class JavaLock extends ReadWriteLockContract {
    private final Topology topology;

    JavaLock(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class SingleWrite extends SingleWriteContract {
    private final Topology topology;

    SingleWrite(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class Collective extends CollectiveContract {
    private final Topology topology;

    Collective(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class Lifecycle extends LifecycleContract {
    private final Topology topology;

    Lifecycle(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class Status extends StatusContract {
    private final Topology topology;

    Status(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }

  @Nested
  @ParameterizedClass
  @EnumSource
  class Deadlock extends DeadlockContract {
    private final Topology topology;

    Deadlock(Topology topology) {
      this.topology = topology;
    }

    @Override
    protected Ranks ranks() {
      return topology.ranks(folder);
    }
  }
}

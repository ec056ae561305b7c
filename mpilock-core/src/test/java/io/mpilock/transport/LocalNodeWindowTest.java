/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.testing.ThreadRanks;
import io.mpilock.transport.local.LocalCluster;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract over the local transport, on one node. */
@ParameterizedClass
@ValueSource(ints = {1, 3, 4})
@Timeout(60)
class LocalNodeWindowTest extends NodeWindowContract {
  @Parameter int ranks;

  @Override
  protected void onEachRank(RankBody body) throws Exception {
    ThreadRanks.runBare(new LocalCluster(ranks), body::run);
  }
}

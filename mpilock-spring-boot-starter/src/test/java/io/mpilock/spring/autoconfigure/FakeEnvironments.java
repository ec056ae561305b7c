/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.Map;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.StandardEnvironment;

/** Environments as a launcher would leave them. */
final class FakeEnvironments {
  static final Map<String, String> NO_LAUNCHER = Map.of();

  private FakeEnvironments() {}

  static Map<String, String> openMpi(int rank, int size) {
    return Map.of(
        "OMPI_COMM_WORLD_RANK", Integer.toString(rank),
        "OMPI_COMM_WORLD_SIZE", Integer.toString(size),
        "OMPI_COMM_WORLD_LOCAL_RANK", Integer.toString(rank % 2),
        "OMPI_COMM_WORLD_LOCAL_SIZE", Integer.toString(size));
  }

  static ConfigurableEnvironment of(Map<String, String> variables) {
    return new StandardEnvironment() {
      @Override
      public Map<String, Object> getSystemEnvironment() {
        return Map.copyOf(variables);
      }
    };
  }
}

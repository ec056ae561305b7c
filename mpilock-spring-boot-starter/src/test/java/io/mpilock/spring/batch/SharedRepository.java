/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.util.UUID;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchJobLauncherAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;

/**
 * A job repository in a database that the ranks of one JVM share. Then the ids of their executions
 * differ, as they must here: Spring Batch keeps what belongs to an execution in a static map.
 */
final class SharedRepository {
  static final AutoConfigurations AUTO_CONFIGURATIONS =
      AutoConfigurations.of(
          DataSourceAutoConfiguration.class,
          DataSourceTransactionManagerAutoConfiguration.class,
          TransactionAutoConfiguration.class,
          BatchJdbcAutoConfiguration.class,
          BatchAutoConfiguration.class,
          BatchJobLauncherAutoConfiguration.class);

  private SharedRepository() {}

  /** The properties of a new one in memory. */
  static String[] inMemory() {
    return at("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
  }

  /** The properties of one in a database of the user's. */
  static String[] at(String url) {
    return new String[] {
      "spring.datasource.url=" + url,
      "spring.datasource.hikari.maximum-pool-size=3",
      "spring.batch.jdbc.initialize-schema=always",
      "spring.batch.jdbc.isolation-level-for-create=repeatable-read"
    };
  }
}

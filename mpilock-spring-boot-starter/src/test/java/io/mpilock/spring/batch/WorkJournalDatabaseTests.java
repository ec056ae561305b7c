/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.WorkJournal.Progress;
import io.mpilock.spring.batch.WorkJournal.Work;
import io.mpilock.spring.batch.WorkPlan.Input;
import io.mpilock.testing.MariaDbServer;
import io.mpilock.testing.PostgresServer;
import java.io.IOException;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** The tables of a work in the databases that its schema is for. */
@Timeout(150)
class WorkJournalDatabaseTests {
  private static final List<Long> BYTES = List.of(3L, 10L, 17L, 20L, 25L, 31L);
  private static final WorkPlan PLAN =
      new WorkPlan(new Input("lines", 0, 10, "31 bytes"), 4, 2, WorkSchedule.GUIDED, BYTES);

  private static Work work(long attempt) {
    return new Work("job/step", "key", attempt);
  }

  @Test
  void onPostgres() throws Exception {
    try (PostgresServer server = PostgresServer.start()) {
      check(new DriverManagerDataSource(server.url(), PostgresServer.USER, server.password()));
    }
  }

  @Test
  void onMariaDb() throws Exception {
    try (MariaDbServer server = MariaDbServer.start()) {
      check(new DriverManagerDataSource(server.url(), MariaDbServer.USER, server.password()));
    }
  }

  private static void check(DataSource database) throws IOException {
    new ResourceDatabasePopulator(new ClassPathResource("schema-work.sql", RankWork.class))
        .execute(database);
    TransactionTemplate transaction = new TransactionTemplate(new JdbcTransactionManager(database));
    LockTemplate locks = LockTemplate.withoutLocks(0, 1, ControllerOptions.defaults());
    JdbcWorkJournal early = new JdbcWorkJournal(database, locks);
    assertThat(early.begin(work(1), () -> PLAN).plan()).isEqualTo(PLAN);
    transaction.executeWithoutResult(status ->
        early.record(work(1), List.of(new Progress(0, 3, true), new Progress(2, 1, false))));
    // the same once more: what it changes is nothing, and the row is there all the same
    transaction.executeWithoutResult(
        status -> early.record(work(1), List.of(new Progress(2, 1, false))));

    JdbcWorkJournal late = new JdbcWorkJournal(database, locks);
    WorkJournal.Begun again = late.begin(work(2), () -> PLAN);
    assertThat(again.plan()).isEqualTo(PLAN);
    assertThat(again.open())
        .containsExactly(
            new Progress(1, 0, false),
            new Progress(2, 1, false),
            new Progress(3, 0, false),
            new Progress(4, 0, false));
    assertThatThrownBy(() ->
            transaction.executeWithoutResult(
                status -> early.record(work(1), List.of(new Progress(1, 1, false)))))
        .hasMessageContaining("Another start of the job has begun the work");
  }
}

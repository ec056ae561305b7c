/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.Until;
import java.io.IOException;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcOperations;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Two tables that tell which units of a {@link RankWork} are done, in the database that the ranks
 * write into. What a chunk has done is noted in the transaction of the chunk: it is committed with
 * what the chunk has written, or neither is.
 *
 * <pre>{@code
 * @Bean
 * JdbcWorkJournal journal(DataSource dataSource, LockTemplate locks) {
 *   return new JdbcWorkJournal(dataSource, locks);
 * }
 * }</pre>
 *
 * <p>The application makes the tables, as it makes its others: {@code
 * classpath:io/mpilock/spring/batch/schema-work.sql} has them for H2, PostgreSQL, MySQL and
 * MariaDB. The transaction manager of the step must be one of this data source (JDBC, JPA), and all
 * ranks must use one database. No rank waits for another's transaction: each chunk changes rows of
 * the runs that its own rank has.
 *
 * <p>A process of an earlier start that is still there can commit nothing any more: its runs have
 * been taken by a later one. Safe for use by many threads.
 *
 * @since 0.1.0
 */
public final class JdbcWorkJournal extends WorkJournal {
  private static final String RESOURCE = "mpilock.journal of a database";

  private final JdbcOperations jdbc;
  private final TransactionTemplate apart;
  private final LockTemplate lock;

  /**
   * Makes a journal. Nothing is read or written yet.
   *
   * @param dataSource the database, in which the tables are
   * @param locks by which the ranks begin a work one after the other
   */
  public JdbcWorkJournal(DataSource dataSource, LockTemplate locks) {
    this.jdbc = new JdbcTemplate(dataSource);
    this.apart = new TransactionTemplate(new JdbcTransactionManager(dataSource));
    this.apart.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
    this.lock = locks.on(RESOURCE).until(Until.BODY);
  }

  @Override
  Begun begin(Work work, Planner planner) throws IOException {
    return lock.write(() -> {
      List<Start> starts = starts(work);
      if (starts.isEmpty()) {
        WorkPlan plan = planner.plan(); // may take long, so outside of the transaction
        apart.executeWithoutResult(status -> create(work, 0, plan));
        starts = starts(work);
      }
      Start last = starts.getLast();
      if (last.attempt != work.attempt()) {
        if (starts.stream().anyMatch(start -> start.attempt == work.attempt())) {
          throw overtaken(work);
        }
        int next = last.number + 1;
        if (hasProgress(work) || !replaced(work, next, planner.plan())) {
          apart.executeWithoutResult(status -> startAgain(work, next));
        }
        starts = starts(work);
      }
      return new Begun(plan(work, starts), open(work));
    });
  }

  private record Start(int number, long attempt, @Nullable String plan) {}

  private List<Start> starts(Work work) {
    return jdbc.query(
        "SELECT START_NUMBER, ATTEMPT, PLAN FROM MPILOCK_WORK WHERE WORK_KEY = ? ORDER BY START_NUMBER",
        (row, index) -> new Start(row.getInt(1), row.getLong(2), row.getString(3)),
        work.key());
  }

  private boolean hasProgress(Work work) {
    return !jdbc.queryForList(
            "SELECT RUN FROM MPILOCK_WORK_RUN WHERE WORK_KEY = ? AND (ITEMS > 0 OR COMPLETE = 1)",
            work.key())
        .isEmpty();
  }

  /**
   * Makes the plan anew if nothing depends on the last one, which may be of a rank with other
   * input. A process of an earlier start may note something meanwhile: then it stays.
   */
  private boolean replaced(Work work, int number, WorkPlan plan) {
    return Boolean.TRUE.equals(
        apart.execute(status -> {
          int _ =
              jdbc.update(
                  "DELETE FROM MPILOCK_WORK_RUN WHERE WORK_KEY = ? AND ITEMS = 0 AND COMPLETE = 0",
                  work.key());
          boolean all =
              jdbc.queryForList("SELECT RUN FROM MPILOCK_WORK_RUN WHERE WORK_KEY = ?", work.key())
                  .isEmpty();
          if (all) {
            create(work, number, plan);
          } else {
            status.setRollbackOnly();
          }
          return all;
        }));
  }

  private void create(Work work, int number, WorkPlan plan) {
    WorkPlan withoutBytes =
        new WorkPlan(plan.input(), plan.ranks(), plan.smallest(), plan.schedule(), List.of());
    insertStart(work, number, withoutBytes.encode());
    int runs = plan.cut().length - 1;
    List<@Nullable Object[]> rows = new ArrayList<>(runs);
    for (int run = 0; run < runs; run++) {
      boolean inFile = !plan.bytes().isEmpty();
      rows.add(
          new @Nullable Object[] {
            work.key(),
            run,
            work.attempt(),
            inFile ? plan.bytes().get(run) : null,
            inFile ? plan.bytes().get(run + 1) : null
          });
    }
    int[] _ =
        jdbc.batchUpdate(
            "INSERT INTO MPILOCK_WORK_RUN (WORK_KEY, RUN, ATTEMPT, ITEMS, COMPLETE, FIRST_BYTE, END_BYTE) VALUES (?, ?, ?, 0, 0, ?, ?)",
            rows);
  }

  private void insertStart(Work work, int number, @Nullable String plan) {
    int _ =
        jdbc.update(
            "INSERT INTO MPILOCK_WORK (WORK_KEY, START_NUMBER, ATTEMPT, WORK_NAME, PLAN) VALUES (?, ?, ?, ?, ?)",
            work.key(),
            number,
            work.attempt(),
            work.name(),
            plan);
  }

  /** From its commit on nobody else can note anything. */
  private void startAgain(Work work, int number) {
    insertStart(work, number, null);
    int _ =
        jdbc.update(
            "UPDATE MPILOCK_WORK_RUN SET ATTEMPT = ? WHERE WORK_KEY = ? AND COMPLETE = 0",
            work.attempt(),
            work.key());
  }

  private WorkPlan plan(Work work, List<Start> starts) {
    String last = "";
    for (Start start : starts) {
      last = start.plan == null ? last : start.plan;
    }
    WorkPlan plan = WorkPlan.decode(last);
    List<Long> bytes = new ArrayList<>();
    jdbc.query(
        "SELECT FIRST_BYTE, END_BYTE FROM MPILOCK_WORK_RUN WHERE WORK_KEY = ? AND END_BYTE IS NOT NULL ORDER BY RUN",
        row -> {
          if (bytes.isEmpty()) {
            bytes.add(row.getLong(1));
          }
          bytes.add(row.getLong(2));
        },
        work.key());
    return new WorkPlan(plan.input(), plan.ranks(), plan.smallest(), plan.schedule(), bytes);
  }

  /**
   * The runs that were open when this start began have its number, also those that are complete
   * since.
   */
  private List<Progress> open(Work work) {
    return jdbc.query(
        "SELECT RUN, ITEMS FROM MPILOCK_WORK_RUN WHERE WORK_KEY = ? AND ATTEMPT = ? ORDER BY RUN",
        (row, index) -> new Progress(row.getInt(1), row.getLong(2), false),
        work.key(),
        work.attempt());
  }

  @Override
  void check(Work work) {
    // A transaction manager of something else leaves a connection that commits each statement.
    if (Boolean.TRUE.equals(
        jdbc.execute((ConnectionCallback<Boolean>) Connection::getAutoCommit))) {
      throw new IllegalStateException(
          "The transaction of the step does not take part in the data source of the journal of the work '%s', so what it writes and what the journal says would not be committed together. Give the step the transaction manager of this data source."
              .formatted(work.name()));
    }
  }

  @Override
  void record(Work work, List<Progress> runs) {
    check(work);
    for (Progress run : runs) {
      int changed =
          jdbc.update(
              "UPDATE MPILOCK_WORK_RUN SET ITEMS = ?, COMPLETE = ? WHERE WORK_KEY = ? AND RUN = ? AND ATTEMPT = ?",
              run.position(),
              run.complete() ? 1 : 0,
              work.key(),
              run.run(),
              work.attempt());
      if (changed == 0) {
        throw overtaken(work);
      }
    }
  }
}

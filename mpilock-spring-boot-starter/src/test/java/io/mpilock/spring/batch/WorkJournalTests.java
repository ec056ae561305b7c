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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.batch.infrastructure.item.Chunk;
import org.springframework.batch.infrastructure.item.ItemWriter;
import org.springframework.batch.infrastructure.support.transaction.ResourcelessTransactionManager;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** What both journals promise, and what each does by itself. */
class WorkJournalTests {
  private static final List<Long> BYTES = List.of(3L, 10L, 17L, 20L, 25L, 31L);
  private static final WorkPlan PLAN =
      new WorkPlan(
          new Input("lines", 0, 5, "31 bytes"), 1, 1, WorkSchedule.GUIDED, BYTES.subList(0, 2));
  private static final WorkPlan LONG_PLAN =
      new WorkPlan(new Input("lines", 0, 10, "31 bytes"), 4, 2, WorkSchedule.GUIDED, BYTES);

  private final LockTemplate locks = LockTemplate.withoutLocks(0, 1, ControllerOptions.defaults());
  private final DataSource database =
      new DriverManagerDataSource(
          "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", "sa", "");
  private final TransactionTemplate transaction =
      new TransactionTemplate(new JdbcTransactionManager(database));

  @TempDir private Path folder;

  private static Work work(long attempt) {
    return new Work("job/step", "key", attempt);
  }

  private WorkJournal journal(String kind) {
    if (kind.equals("file")) {
      FileWorkJournal file = new FileWorkJournal(folder.resolve("journal"), locks);
      file.writer("none", WorkOutput.lines(folder.resolve("none"), String::valueOf));
      return file;
    }
    if (new JdbcTemplate(database)
        .queryForList("SELECT 1 FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'MPILOCK_WORK'")
        .isEmpty()) {
      new ResourceDatabasePopulator(new ClassPathResource("schema-work.sql", RankWork.class))
          .execute(database);
    }
    return new JdbcWorkJournal(database, locks);
  }

  private void record(WorkJournal journal, long attempt, Progress... runs) {
    transaction.executeWithoutResult(status -> journal.record(work(attempt), List.of(runs)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "database"})
  void aLaterStartGoesOnWithWhatIsLeft(String kind) throws IOException {
    WorkJournal first = journal(kind);
    assertThat(first.begin(work(1), () -> LONG_PLAN).plan()).isEqualTo(LONG_PLAN);
    record(first, 1, new Progress(0, 3, true), new Progress(2, 1, false));
    record(first, 1, new Progress(2, 2, false));

    WorkJournal second = journal(kind);
    WorkJournal.Begun again = second.begin(work(2), () -> PLAN);
    assertThat(again.plan()).isEqualTo(LONG_PLAN);
    assertThat(again.open())
        .containsExactly(
            new Progress(1, 0, false),
            new Progress(2, 2, false),
            new Progress(3, 0, false),
            new Progress(4, 0, false));
  }

  /** Whoever joins late has the same runs under the same numbers. */
  @ParameterizedTest
  @ValueSource(strings = {"file", "database"})
  void whoJoinsLateHasTheSameRuns(String kind) throws IOException {
    WorkJournal first = journal(kind);
    WorkJournal.Begun begun = first.begin(work(1), () -> LONG_PLAN);
    record(first, 1, new Progress(0, 3, true));
    assertThat(journal(kind).begin(work(1), () -> PLAN).open())
        .extracting(Progress::run)
        .isEqualTo(begun.open().stream().map(Progress::run).toList())
        .containsExactly(0, 1, 2, 3, 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "database"})
  void aProcessOfAnEarlierStartCanKeepNothing(String kind) throws IOException {
    WorkJournal early = journal(kind);
    WorkJournal.Begun _ = early.begin(work(1), () -> LONG_PLAN);
    record(early, 1, new Progress(0, 1, false));
    WorkJournal late = journal(kind);
    WorkJournal.Begun _ = late.begin(work(2), () -> LONG_PLAN);

    assertThatThrownBy(() -> record(early, 1, new Progress(0, 2, false)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Another start of the job has begun the work 'job/step' since");
    assertThatThrownBy(() -> early.begin(work(1), () -> LONG_PLAN))
        .hasMessageContaining("Another start of the job has begun");
    record(late, 2, new Progress(0, 3, true));
    assertThat(journal(kind).begin(work(3), () -> LONG_PLAN).open()).hasSize(4);
  }

  @Test
  void whatIsRolledBackIsNotKeptInTheDatabase() throws IOException {
    WorkJournal journal = journal("database");
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    transaction.executeWithoutResult(status -> {
      journal.record(work(1), List.of(new Progress(0, 3, true)));
      status.setRollbackOnly();
    });
    assertThat(journal.begin(work(2), () -> LONG_PLAN).open()).hasSize(5);
  }

  @Test
  void anotherTransactionThanThatOfTheDatabaseIsRefused() throws IOException {
    WorkJournal journal = journal("database");
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    TransactionTemplate other =
        new TransactionTemplate(
            new JdbcTransactionManager(
                new DriverManagerDataSource("jdbc:h2:mem:" + UUID.randomUUID(), "sa", "")));
    assertThatThrownBy(() ->
            other.executeWithoutResult(
                status -> journal.record(work(1), List.of(new Progress(0, 3, true)))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Give the step the transaction manager of this data source");
  }

  @Test
  void itemsThatNobodyKeepsAreRefused() {
    FileWorkJournal journal = (FileWorkJournal) journal("file");
    ItemWriter<String> writer =
        journal.writer("out", WorkOutput.lines(folder.resolve("out"), String::toString));
    assertThatThrownBy(() -> writer.write(Chunk.of("a")))
        .hasMessageContaining("was called outside of a transaction");
    assertThatThrownBy(() -> transaction.executeWithoutResult(status -> write(writer, "a")))
        .hasMessageContaining("no reader of RankWork takes part in the step");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  private static void write(ItemWriter<String> writer, String item) {
    write(writer, Chunk.of(item));
  }

  private static void write(ItemWriter<String> writer, Chunk<String> chunk) {
    try {
      writer.write(chunk);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Where another writer of the step has failed, Spring Batch may write the same chunk again. */
  @Test
  void aChunkThatIsWrittenAgainInItsTransactionCountsOnce() throws Exception {
    FileWorkJournal journal = (FileWorkJournal) journal("file");
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    ItemWriter<String> writer =
        journal.writer("out", WorkOutput.lines(folder.resolve("out"), String::toString));
    Chunk<String> chunk = Chunk.of("a", "b");
    transaction.executeWithoutResult(status -> {
      write(writer, "first");
      write(writer, chunk);
      write(writer, chunk);
      write(writer, Chunk.of("a", "b"));
      journal.record(work(1), List.of(new Progress(0, 1, false)));
    });
    assertThat(folder.resolve("out")).hasContent("first\na\nb\na\nb\n");
  }

  /** The first rank that came had another input, say. */
  @ParameterizedTest
  @ValueSource(strings = {"file", "database"})
  void aPlanOnWhichNothingDependsIsMadeAnew(String kind) throws IOException {
    WorkJournal.Begun _ = journal(kind).begin(work(1), () -> PLAN);
    assertThat(journal(kind).begin(work(1), () -> LONG_PLAN).plan()).isEqualTo(PLAN);
    WorkJournal second = journal(kind);
    assertThat(second.begin(work(2), () -> LONG_PLAN).plan()).isEqualTo(LONG_PLAN);
    record(second, 2, new Progress(0, 1, false));
    assertThat(journal(kind).begin(work(3), () -> PLAN).plan()).isEqualTo(LONG_PLAN);
  }

  /** A process of an earlier start, while the next one plans anew. */
  @Test
  void whatIsNotedWhileThePlanIsMadeAnewStays() throws IOException {
    WorkJournal early = journal("database");
    WorkJournal.Begun _ = early.begin(work(1), () -> LONG_PLAN);
    WorkJournal late = journal("database");
    WorkJournal.Begun begun =
        late.begin(
            work(2),
            () -> {
              record(early, 1, new Progress(0, 2, false));
              return PLAN;
            });
    assertThat(begun.plan()).isEqualTo(LONG_PLAN);
    assertThat(begun.open()).hasSize(5).contains(new Progress(0, 2, false));
    assertThatThrownBy(() -> record(early, 1, new Progress(0, 3, true)))
        .hasMessageContaining("Another start of the job has begun");
  }

  @Test
  void withoutAWriterOfTheJournalNothingIsKept() throws IOException {
    FileWorkJournal journal = new FileWorkJournal(folder.resolve("journal"), locks);
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    assertThatThrownBy(() -> record(journal, 1, new Progress(0, 1, false)))
        .hasMessageContaining("nothing is written by a writer of that journal");
  }

  /** A statement outside of a transaction would be committed by itself. */
  @Test
  void aTransactionOfNothingIsRefusedByTheDatabase() throws IOException {
    WorkJournal journal = journal("database");
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    TransactionTemplate nothing = new TransactionTemplate(new ResourcelessTransactionManager());
    assertThatThrownBy(() ->
            nothing.executeWithoutResult(status -> {
              int _ = new JdbcTemplate(database).update("DELETE FROM MPILOCK_WORK WHERE 1 = 0");
              journal.record(work(1), List.of(new Progress(0, 3, true)));
            }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Give the step the transaction manager of this data source");
  }

  /** A write that was rolled back leaves nothing for the next one. */
  @Test
  void itemsOfATransactionThatIsRolledBackAreDropped() throws IOException {
    FileWorkJournal journal = (FileWorkJournal) journal("file");
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    ItemWriter<String> writer =
        journal.writer("out", WorkOutput.lines(folder.resolve("out"), String::toString));
    transaction.executeWithoutResult(status -> {
      write(writer, "a");
      status.setRollbackOnly();
    });
    transaction.executeWithoutResult(status -> {
      write(writer, "b");
      journal.record(work(1), List.of(new Progress(0, 1, false)));
    });
    assertThat(folder.resolve("out")).hasContent("b\n");
  }

  /** Killed behind the output and before the journal, in a longer write than the next one. */
  @Test
  void theNextWriterCutsOffWhatTheJournalDoesNotHave() throws IOException {
    FileWorkJournal journal = (FileWorkJournal) journal("file");
    WorkJournal.Begun _ = journal.begin(work(1), () -> LONG_PLAN);
    Path out = folder.resolve("out");
    ItemWriter<String> writer = journal.writer("out", WorkOutput.lines(out, String::toString));
    transaction.executeWithoutResult(status -> {
      write(writer, "first");
      journal.record(work(1), List.of(new Progress(0, 1, false)));
    });
    Files.writeString(out, "first\nlost and quite long\n");
    transaction.executeWithoutResult(status -> {
      write(writer, "2nd");
      journal.record(work(1), List.of(new Progress(0, 2, false)));
    });
    assertThat(out).hasContent("first\n2nd\n");
  }
}

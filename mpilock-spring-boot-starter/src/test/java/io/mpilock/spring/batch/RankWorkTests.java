/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.progress.SharedWork;
import io.mpilock.spring.progress.WorkListener;
import io.mpilock.spring.progress.WorkProgress;
import io.mpilock.spring.progress.WorkStatus;
import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.spring.test.TestRank;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.configuration.annotation.StepScope;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.FatalStepExecutionException;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.core.step.skip.SkipPolicy;
import org.springframework.batch.infrastructure.item.ItemProcessor;
import org.springframework.batch.infrastructure.item.ItemStreamReader;
import org.springframework.batch.infrastructure.item.ItemWriter;
import org.springframework.batch.infrastructure.item.database.builder.JdbcBatchItemWriterBuilder;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.batch.infrastructure.item.file.builder.MultiResourceItemReaderBuilder;
import org.springframework.batch.infrastructure.item.file.mapping.PassThroughLineMapper;
import org.springframework.batch.infrastructure.item.support.ListItemReader;
import org.springframework.batch.infrastructure.item.support.SingleItemPeekableItemReader;
import org.springframework.batch.infrastructure.support.transaction.ResourcelessTransactionManager;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.core.io.ClassPathResource;
import org.springframework.dao.TransientDataAccessResourceException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.transaction.PlatformTransactionManager;

/** Jobs whose ranks take their units as they get free. */
@Timeout(120)
class RankWorkTests {
  private final Faults faults = new Faults();
  private final RankContextRunner runner =
      new RankContextRunner()
          .withRanks(3)
          .withConfiguration(SharedRepository.AUTO_CONFIGURATIONS)
          .withPropertyValues(SharedRepository.inMemory())
          .withPropertyValues("mpilock.batch.combine-outcomes=true", "chunk=3")
          .withBean(Faults.class, () -> faults)
          .withUserConfiguration(Copying.class);

  @TempDir private Path folder;

  /** What goes wrong, and what went wrong. */
  static final class Faults {
    /** Items that cannot be processed, with the rank that may not; or any if it is -1. */
    private final Map<String, Integer> refused = new ConcurrentHashMap<>();

    /** Items whose chunk cannot be written, and that are skipped then. */
    private final Set<String> unwritable = ConcurrentHashMap.newKeySet();

    /** How many reads there were; that of number 0 fails. */
    private final AtomicInteger reads = new AtomicInteger();

    private volatile OnItem onItem = item -> {};

    private interface OnItem {
      void accept(String item) throws IOException;
    }

    /** An item that ends the step when it is written by itself. */
    private volatile String fatal = "";

    private final Map<Integer, JobExecution> jobs = new ConcurrentHashMap<>();
    private final Map<Integer, Set<String>> processed = new ConcurrentHashMap<>();
    private final AtomicInteger count = new AtomicInteger();

    String process(int rank, Object item) throws IOException {
      String text = String.valueOf(item);
      onItem.accept(text);
      count.incrementAndGet();
      if (refused.containsKey(text)) {
        throw new IllegalStateException("cannot process " + text);
      }
      processed.computeIfAbsent(rank, key -> ConcurrentHashMap.newKeySet()).add(text);
      return text;
    }

    String failures() {
      return jobs.values().stream()
          .flatMap(job -> job.getAllFailureExceptions().stream())
          .map(RankWorkTests::rootMessage)
          .distinct()
          .sorted()
          .collect(Collectors.joining("\n"));
    }
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  @Configuration(proxyBeanMethods = false)
  static class Copying {
    @Bean
    @SuppressWarnings("removal") // of Spring Batch's step of before 6.0
    Job copy(
        JobRepository repository,
        PlatformTransactionManager transactions,
        ItemStreamReader<String> reader,
        ItemWriter<String> writer,
        Faults faults,
        @Value("${chunk}") int chunk,
        @Value("${mpilock.rank}") int rank,
        @Value("${skips:0}") int skips,
        @Value("${legacy:false}") boolean legacy,
        @Value("${again:true}") boolean again,
        @Value("${stream:true}") boolean stream,
        @Value("${resourceless:false}") boolean resourceless) {
      ItemProcessor<String, String> processor = item -> faults.process(rank, item);
      SkipPolicy policy =
          (failure, count) -> count < skips && !(failure instanceof FatalStepExecutionException);
      if (legacy) {
        return new JobBuilder("copy", repository)
            .start(
                new StepBuilder("work", repository)
                    .<String, String>chunk(chunk, transactions)
                    .reader(reader)
                    .writer(writer)
                    .build())
            .build();
      }
      return new JobBuilder("copy", repository)
          .start(
              new StepBuilder("work", repository)
                  .<String, String>chunk(chunk)
                  .transactionManager(
                      resourceless ? new ResourcelessTransactionManager() : transactions)
                  .reader(stream ? reader : () -> reader.read())
                  .processor(processor)
                  .writer(writer)
                  .faultTolerant()
                  .skipPolicy(policy)
                  .allowStartIfComplete(again)
                  .build())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class IntoAFile {
    @Bean
    FileWorkJournal journal(@Value("${output}") Path output, LockTemplate locks) {
      return new FileWorkJournal(output.resolveSibling("journal"), locks);
    }

    @Bean
    ItemWriter<String> writer(FileWorkJournal journal, @Value("${output}") Path output) {
      return journal.writer("copy", WorkOutput.lines(output, String::toString));
    }
  }

  /** The writer's file is a parameter of the job, so it is made at the first write. */
  @Configuration(proxyBeanMethods = false)
  static class IntoAFileOfTheStep {
    @Bean
    FileWorkJournal journal(@Value("${output}") Path output, LockTemplate locks) {
      return new FileWorkJournal(output.resolveSibling("journal"), locks);
    }

    @Bean
    @StepScope
    ItemWriter<String> writer(
        FileWorkJournal journal,
        @Value("${output}") Path output,
        @Value("#{jobParameters['p']}") String parameter) {
      return journal.writer("copy", WorkOutput.lines(output, item -> item + " of " + parameter));
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class IntoATable {
    @Bean
    JdbcWorkJournal journal(DataSource dataSource, LockTemplate locks) {
      return new JdbcWorkJournal(dataSource, locks);
    }

    @Bean
    ItemWriter<String> writer(DataSource dataSource) {
      return new JdbcBatchItemWriterBuilder<String>()
          .dataSource(dataSource)
          .sql("INSERT INTO COPIED (ITEM) VALUES (?)")
          .itemPreparedStatementSetter((item, statement) -> statement.setString(1, item))
          .build();
    }
  }

  /** Around the writer of the job. */
  @Configuration(proxyBeanMethods = false)
  static class Unwritable {
    @Bean
    @Primary
    ItemWriter<String> failing(@Qualifier("writer") ItemWriter<String> writer, Faults faults) {
      return chunk -> {
        if (chunk.size() == 1 && chunk.getItems().getFirst().equals(faults.fatal)) {
          throw new FatalStepExecutionException("fatal", new IllegalStateException(faults.fatal));
        }
        if (chunk.getItems().stream().anyMatch(faults.unwritable::contains)) {
          throw new IllegalStateException("cannot write " + chunk.getItems());
        }
        writer.write(chunk);
      };
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Lines {
    @Bean
    @StepScope
    ItemStreamReader<String> reader(
        RankWork work, @Value("${input}") Path input, @Value("${peek:false}") boolean peek) {
      ItemStreamReader<String> units =
          work.lines(
              input,
              1,
              lines ->
                  new FlatFileItemReaderBuilder<String>()
                      .name("lines")
                      .resource(lines)
                      .lineMapper(new PassThroughLineMapper())
                      .build());
      return peek ? new Peeking(units) : units;
    }
  }

  /** Looks at the next item before it gives one, as a reader that groups items does. */
  static final class Peeking extends SingleItemPeekableItemReader<String>
      implements ItemStreamReader<String> {
    Peeking(ItemStreamReader<String> units) {
      super(units);
    }

    @Override
    public @Nullable String read() throws Exception {
      String item = super.read();
      String _ = peek();
      return item;
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Ids {
    @Bean
    @StepScope
    ItemStreamReader<String> reader(RankWork work, @Value("${max}") long max) {
      return work.by(WorkSchedule.GUIDED)
          .inRunsOfAtLeast(2)
          .ids(
              1001,
              max,
              run ->
                  new ListItemReader<>(
                      LongStream.rangeClosed(run.first(), run.last())
                          .filter(id -> id % 7 != 0)
                          .mapToObj(String::valueOf)
                          .toList()));
    }
  }

  /** A read that fails gives no item; the next one gives the end. */
  @Configuration(proxyBeanMethods = false)
  static class Unsteady {
    @Bean
    @StepScope
    ItemStreamReader<String> reader(RankWork work, Faults faults) {
      return work.items(
          100,
          run -> {
            ListItemReader<String> items =
                new ListItemReader<>(
                    LongStream.range(run.first(), run.end()).mapToObj(i -> "line " + i).toList());
            AtomicBoolean failed = new AtomicBoolean();
            return () -> {
              if (faults.reads.getAndIncrement() == 0) {
                failed.set(true);
                throw new TransientDataAccessResourceException("the database is away");
              }
              return failed.get() ? null : items.read();
            };
          });
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class FilesOfADirectory {
    @Bean
    @StepScope
    ItemStreamReader<String> reader(RankWork work, @Value("${input}") Path input)
        throws IOException {
      return work.files(
          input,
          "*.txt",
          files ->
              new MultiResourceItemReaderBuilder<String>()
                  .name("files")
                  .resources(files)
                  .delegate(
                      new FlatFileItemReaderBuilder<String>()
                          .name("file")
                          .lineMapper(new PassThroughLineMapper())
                          .build())
                  .build());
    }
  }

  /** What is told of the progress. */
  static final class Told implements WorkListener {
    private final List<SharedWork> begun = new CopyOnWriteArrayList<>();
    private final List<WorkStatus> last = new CopyOnWriteArrayList<>();

    @Override
    public void begins(SharedWork work) {
      begun.add(work);
    }

    @Override
    public void ended(SharedWork work) {
      last.add(work.status());
    }

    long doneHere() {
      return begun.stream().mapToLong(SharedWork::doneHere).sum();
    }
  }

  @Test
  void allRanksSeeHowFarAllAre() throws IOException {
    Told first = new Told();
    faults.refused.put("line 60", -1);
    lines(100)
        .withBean(WorkListener.class, () -> first)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    int written = written().size();
    assertThat(first.doneHere()).isEqualTo(written);
    assertThat(first.last).hasSize(3).anyMatch(status -> status.done() == written);
    faults.refused.clear();
    Told second = new Told();
    lines(100)
        .withRanks(2)
        .withBean(WorkListener.class, () -> second)
        .run(rank -> {
          assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED);
          assertThat(rank.context().getBean(WorkProgress.class).current()).isEmpty();
        });
    assertThat(second.begun)
        .hasSize(2)
        .allSatisfy(work -> assertThat(work.name()).isEqualTo("copy/work"));
    assertThat(second.last)
        .allSatisfy(status -> assertThat(status.units()).isEqualTo(100))
        .anyMatch(status -> status.done() == 100 && Duration.ZERO.equals(status.left()));
  }

  private BatchStatus start(TestRank rank) throws Exception {
    return start(rank, "");
  }

  private BatchStatus start(TestRank rank, String parameter) throws Exception {
    JobExecution job =
        rank.context()
            .getBean(JobOperator.class)
            .start(
                rank.context().getBean(Job.class),
                new JobParametersBuilder().addString("p", parameter + "x").toJobParameters());
    faults.jobs.put(rank.rank(), job);
    return job.getStatus();
  }

  private RankContextRunner lines(int count) throws IOException {
    return lines(count, IntoAFile.class);
  }

  private RankContextRunner lines(int count, Class<?> into) throws IOException {
    Files.writeString(
        folder.resolve("in"),
        "header\n" + names(count).stream().map(name -> name + "\n").collect(Collectors.joining()));
    return runner
        .withUserConfiguration(Lines.class, into)
        .withPropertyValues("input=" + folder.resolve("in"), "output=" + folder.resolve("out"));
  }

  private static List<String> names(int count) {
    return IntStream.range(0, count).mapToObj(i -> "line " + i).toList();
  }

  private List<String> written() throws IOException {
    return Files.readAllLines(folder.resolve("out"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void theLinesOfAFileAreReadOnceEach(int ranks) throws IOException {
    lines(200)
        .withRanks(ranks)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(200));
    assertThat(faults.count).hasValue(200);
  }

  @Test
  void overSeveralNodesToo() throws IOException {
    lines(200)
        .withNodes(2, 2)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(200));
  }

  @Test
  void theOutputMayBeAParameterOfTheJob() throws IOException {
    lines(50, IntoAFileOfTheStep.class)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written())
        .containsExactlyInAnyOrderElementsOf(
            names(50).stream().map(name -> name + " of x").toList());
  }

  /** What was looked at, and not written, is not taken for done. */
  @Test
  void aReaderThatReadsAheadIsRefused() throws IOException {
    lines(50)
        .withPropertyValues("peek=true")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("something reads ahead of it");
    lines(50).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(50));
  }

  /** Spring Batch ends the step there as if there were no more items. */
  @Test
  void anInterruptedStepIsNotComplete() throws IOException {
    faults.onItem =
        item -> {
          if (item.equals("line 20")) {
            Thread.currentThread().interrupt();
          }
        };
    lines(50, IntoATable.class)
        .withRanks(1)
        .run(rank -> {
          new JdbcTemplate(rank.context().getBean(DataSource.class))
              .execute("CREATE TABLE COPIED (ITEM VARCHAR(20))");
          new ResourceDatabasePopulator(new ClassPathResource("schema-work.sql", RankWork.class))
              .execute(rank.context().getBean(DataSource.class));
          assertThat(start(rank)).isEqualTo(BatchStatus.STOPPED);
          boolean _ = Thread.interrupted();
        });
  }

  @Test
  void withoutABeginningOrLines() throws IOException {
    lines(0).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(folder.resolve("out")).doesNotExist();
  }

  /** What is there already stays. */
  @Test
  void anOutputThatIsThereGrows() throws IOException {
    Files.writeString(folder.resolve("out"), "before\n");
    lines(10).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).hasSize(11).startsWith("before");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aJobThatFailedGoesOnWithAnyNumberOfRanks(int later) throws IOException {
    faults.refused.put("line 7", -1);
    faults.refused.put("line 120", -1);
    lines(200).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(written()).doesNotHaveDuplicates().hasSizeLessThan(200);
    faults.refused.clear();
    lines(200)
        .withRanks(later)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(200));
  }

  @Test
  void withATransactionManagerThatHasNoResource() throws IOException {
    faults.refused.put("line 50", -1);
    RankContextRunner job = lines(100).withPropertyValues("resourceless=true");
    job.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    faults.refused.clear();
    job.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(100));
  }

  /**
   * Spring Batch writes the items of a chunk one by one then, each in a transaction; the rest of
   * the chunk is not done when it ends in the middle.
   */
  @Test
  void aChunkThatIsWrittenOneByOneIsDoneAsFarAsItCame() throws IOException {
    RankContextRunner job =
        lines(60).withPropertyValues("chunk=10", "skips=5").withUserConfiguration(Unwritable.class);
    faults.unwritable.addAll(List.of("line 24", "line 29", "line 40"));
    faults.fatal = "line 27";
    job.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(written()).contains("line 25", "line 26").doesNotContain("line 27", "line 28");
    faults.fatal = "";
    faults.unwritable.remove("line 29");
    job.withRanks(2).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    List<String> expected = new ArrayList<>(names(60));
    expected.removeAll(List.of("line 24", "line 40"));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(expected);
  }

  /** A rank that was killed between the output and the journal. */
  @Test
  void whatTheJournalDoesNotHaveIsCutOff() throws IOException {
    faults.refused.put("line 60", -1);
    lines(100).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    faults.refused.clear();
    Files.writeString(folder.resolve("out"), "line 99\nline 9", StandardOpenOption.APPEND);
    Files.writeString(folder.resolve("journal"), "1234", StandardOpenOption.APPEND);
    lines(100).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(100));
  }

  @Test
  void anOutputThatIsGoneIsTold() throws IOException {
    faults.refused.put("line 60", -1);
    lines(100).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    faults.refused.clear();
    Files.writeString(folder.resolve("out"), "");
    lines(100).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("when the journal was written last");
  }

  @Test
  void anotherInputInALaterStartIsTold() throws IOException {
    faults.refused.put("line 60", -1);
    lines(100).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    faults.refused.clear();
    lines(101).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("but the work 'copy/work' was begun with");
  }

  @Test
  void otherParametersOnARankAreTold() throws IOException {
    lines(10)
        .run(rank ->
            assertThat(start(rank, rank.rank() == 1 ? "other" : "")).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures())
        .contains("Rank 1 runs 'copy/work' with other identifying parameters than the master");
  }

  /** Its steps of before 6.0 do not say which items of a chunk are done. */
  @Test
  void aStepOfAnotherKindIsRefused() throws IOException {
    lines(10)
        .withRanks(1)
        .withPropertyValues("legacy=true")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures())
        .contains("It must be a chunk-oriented step as Spring Batch has them");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  /** Whatever is skipped: otherwise its units would be left out, or count as done. */
  @Test
  void aRunWhoseReaderCannotBeOpenedFailsTheStep() throws IOException {
    RankContextRunner job = lines(100).withPropertyValues("skips=1000");
    Path input = folder.resolve("in");
    Path away = folder.resolve("away");
    faults.onItem =
        item -> {
          if (item.equals("line 3") && Files.exists(input)) {
            Files.move(input, away);
          }
        };
    job.withRanks(1).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("in");
    assertThat(written()).hasSizeLessThan(100);
    faults.onItem = item -> {};
    Files.move(away, input);
    job.withRanks(2).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(100));
  }

  /** A reader of a database that has failed gives no item, and then perhaps the end. */
  @Test
  void aReadThatFailsForTheDatabaseFailsTheStep() throws IOException {
    RankContextRunner job =
        runner
            .withUserConfiguration(Unsteady.class, IntoAFile.class)
            .withPropertyValues("output=" + folder.resolve("out"), "skips=1000");
    faults.reads.set(-20);
    job.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("the database is away");
    assertThat(written()).hasSizeLessThan(100);
    faults.reads.set(-120); // in a read of what is done, or of what is left
    job.withRanks(2).run(rank -> start(rank));
    faults.reads.set(Integer.MIN_VALUE);
    job.withRanks(1).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(100));
  }

  /** Its bean is declared as an ItemReader, say, which is no stream. */
  @Test
  void aReaderThatIsNoStreamOfTheStepIsTold() throws IOException {
    lines(10)
        .withPropertyValues("skips=1000", "stream=false")
        .run(rank -> assertThat(start(rank)).isNotEqualTo(BatchStatus.COMPLETED));
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void aStepThatIsLeftOutWhereItIsCompleteIsRefused() throws IOException {
    lines(10)
        .withPropertyValues("again=false")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("Set allowStartIfComplete(true)");
  }

  @Test
  void withoutOutcomesTheRanksAreToldWhatIsMissing() throws IOException {
    lines(10)
        .withPropertyValues("mpilock.batch.combine-outcomes=false")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(faults.failures()).contains("Set mpilock.batch.combine-outcomes=true");
  }

  @Test
  void idsAreSharedWithTheirTransaction() {
    RankContextRunner job =
        runner.withUserConfiguration(Ids.class, IntoATable.class).withPropertyValues("max=1300");
    List<String> ids =
        LongStream.rangeClosed(1001, 1300)
            .filter(id -> id % 7 != 0)
            .mapToObj(String::valueOf)
            .toList();
    String url = SharedRepository.inMemory()[0];
    RankContextRunner shared = job.withPropertyValues(url);
    DataSource database = dataSource(url);
    new ResourceDatabasePopulator(new ClassPathResource("schema-work.sql", RankWork.class))
        .execute(database);
    JdbcTemplate jdbc = new JdbcTemplate(database);
    jdbc.execute("CREATE TABLE COPIED (ITEM VARCHAR(20) PRIMARY KEY)");
    faults.refused.put("1200", -1);
    shared.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(jdbc.queryForList("SELECT ITEM FROM COPIED", String.class))
        .isNotEmpty()
        .hasSizeLessThan(ids.size());
    faults.refused.clear();
    shared.withRanks(2).run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(jdbc.queryForList("SELECT ITEM FROM COPIED", String.class))
        .containsExactlyInAnyOrderElementsOf(ids);
  }

  private static DataSource dataSource(String property) {
    return new DriverManagerDataSource(property.substring(property.indexOf('=') + 1), "sa", "");
  }

  @Test
  void aFileIsAUnit() throws IOException {
    for (int i = 0; i < 12; i++) {
      Files.writeString(folder.resolve(i + ".txt"), "line " + 2 * i + "\nline " + (2 * i + 1));
    }
    runner
        .withUserConfiguration(FilesOfADirectory.class, IntoAFile.class)
        .withPropertyValues("input=" + folder, "output=" + folder.resolve("out"))
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(written()).containsExactlyInAnyOrderElementsOf(names(24));
  }
}

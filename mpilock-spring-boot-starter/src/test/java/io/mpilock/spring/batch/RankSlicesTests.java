/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.spring.test.TestRank;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
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
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.item.ItemReader;
import org.springframework.batch.infrastructure.item.file.FlatFileItemReader;
import org.springframework.batch.infrastructure.item.file.MultiResourceItemReader;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.batch.infrastructure.item.file.builder.MultiResourceItemReaderBuilder;
import org.springframework.batch.infrastructure.item.file.mapping.PassThroughLineMapper;
import org.springframework.batch.infrastructure.item.support.ListItemReader;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Jobs whose ranks read a slice each. */
@Timeout(60)
class RankSlicesTests {
  private final Read read = new Read();
  private final RankContextRunner runner =
      new RankContextRunner()
          .withRanks(3)
          .withConfiguration(SharedRepository.AUTO_CONFIGURATIONS)
          .withPropertyValues(SharedRepository.inMemory())
          .withBean(Read.class, () -> read)
          .withUserConfiguration(Copying.class);

  @TempDir private Path folder;

  /** What each rank read. */
  static final class Read {
    private final Map<Integer, List<Object>> byRank = new ConcurrentHashMap<>();
    private final Map<Integer, JobExecution> jobs = new ConcurrentHashMap<>();
    private volatile String refused = "";

    void add(int rank, List<?> items) {
      if (items.contains(refused)) {
        throw new IllegalStateException("cannot write " + refused);
      }
      byRank
          .computeIfAbsent(rank, key -> Collections.synchronizedList(new ArrayList<>()))
          .addAll(items);
    }

    List<Object> of(int rank) {
      return byRank.getOrDefault(rank, List.of());
    }

    List<Object> all() {
      return IntStream.range(0, 64).boxed().flatMap(rank -> of(rank).stream()).toList();
    }

    /** The reasons of all ranks, each once for each rank. */
    String failures() {
      return jobs.values().stream()
          .flatMap(job ->
              job.getAllFailureExceptions().stream()
                  .map(RankSlicesTests::rootMessage)
                  .filter(message -> !message.startsWith("Failed to close"))
                  .distinct())
          .collect(Collectors.joining("\n"));
    }
  }

  /** A job that reads what one of the readers below gives. */
  @Configuration(proxyBeanMethods = false)
  static class Copying {
    @Bean
    Job copy(
        JobRepository repository,
        ItemReader<?> reader,
        Read read,
        @Value("${mpilock.rank}") int rank) {
      return new JobBuilder("copy", repository)
          .start(
              new StepBuilder("read", repository)
                  .<Object, Object>chunk(2)
                  .reader(reader)
                  .writer(chunk -> read.add(rank, chunk.getItems()))
                  .build())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Lines {
    @Bean
    @StepScope
    FlatFileItemReader<String> reader(RankSlices slices, @Value("${input}") Path input)
        throws IOException {
      return new FlatFileItemReaderBuilder<String>()
          .name("lines")
          .resource(slices.lines(input, 1))
          .lineMapper(new PassThroughLineMapper())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class FilesOfADirectory {
    @Bean
    @StepScope
    MultiResourceItemReader<String> reader(RankSlices slices, @Value("${input}") Path input)
        throws IOException {
      return new MultiResourceItemReaderBuilder<String>()
          .name("files")
          .resources(slices.files(input, "*.txt"))
          .delegate(
              new FlatFileItemReaderBuilder<String>()
                  .name("file")
                  .lineMapper(new PassThroughLineMapper())
                  .build())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Ids {
    @Bean
    @StepScope
    ListItemReader<Long> reader(RankSlices slices, @Value("${max}") long max) {
      RankSlice slice = slices.ids(1001, max);
      return new ListItemReader<>(
          LongStream.rangeClosed(slice.first(), slice.last()).boxed().toList());
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Elements {
    @Bean
    @StepScope
    ListItemReader<String> reader(RankSlices slices, @Value("${ids}") String[] ids) {
      return new ListItemReader<>(slices.elements(List.of(ids)));
    }
  }

  private BatchStatus start(TestRank rank) throws Exception {
    JobExecution job =
        rank.context()
            .getBean(JobOperator.class)
            .start(rank.context().getBean(Job.class), new JobParameters());
    read.jobs.put(rank.rank(), job);
    return job.getStatus();
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7})
  void theLinesOfAFileAreReadOnceEachOnTheRankThatTheirNumberTells(int ranks) throws IOException {
    List<String> lines = IntStream.range(0, 20).mapToObj(i -> "line " + i).toList();
    Path file = Files.writeString(folder.resolve("in"), "header\n" + String.join("\n", lines));
    runner
        .withRanks(ranks)
        .withUserConfiguration(Lines.class)
        .withPropertyValues("input=" + file)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    for (int rank = 0; rank < ranks; rank++) {
      RankSlice slice = RankSlice.of(rank, ranks, 20);
      assertThat(read.of(rank)).isEqualTo(lines.subList((int) slice.first(), (int) slice.end()));
    }
  }

  @Test
  void moreRanksThanLinesLeaveSomeWithoutAny() throws IOException {
    Path file = Files.writeString(folder.resolve("in"), "header\na\n");
    runner
        .withUserConfiguration(Lines.class)
        .withPropertyValues("input=" + file)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all()).containsExactly("a");
  }

  @Test
  void ranksThatSeeDifferentFilesAllFailAndNameWhoDiffers() throws IOException {
    Path file = Files.writeString(folder.resolve("in-0"), "header\na\nb\nc\n");
    Files.copy(file, folder.resolve("in-1"));
    Files.writeString(folder.resolve("in-2"), "header\na\nb\n");
    runner
        .withUserConfiguration(Lines.class)
        .withPropertyValues("input=" + folder + "/in-${mpilock.rank}")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    String reason =
        "The ranks see different input in step 'read': rank 2 sees 11 bytes instead of 13 bytes.";
    assertThat(read.failures()).isEqualTo(String.join("\n", reason, reason, reason));
    assertThat(read.all()).isEmpty();
  }

  @Test
  void aFileThatOneRankCannotReadFailsAll() throws IOException {
    Files.writeString(folder.resolve("in-0"), "header\na\nb\nc\n");
    Files.copy(folder.resolve("in-0"), folder.resolve("in-1"));
    runner
        .withUserConfiguration(Lines.class)
        .withPropertyValues("input=" + folder + "/in-${mpilock.rank}")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.failures().lines())
        .hasSize(3)
        .allMatch(line -> line.contains("rank 2 sees no such file"));
  }

  @Test
  void aFileThatTheMasterCannotReadFailsAll() {
    runner
        .withUserConfiguration(Lines.class)
        .withPropertyValues("input=" + folder.resolve("none"))
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.failures()).contains("NoSuchFileException");
  }

  @Test
  void theFilesOfADirectoryAreSharedOutByName() throws IOException {
    for (String name : List.of("b.txt", "a.txt", "d.txt", "c.txt", "e.csv")) {
      Files.writeString(folder.resolve(name), name + " 1\n" + name + " 2\n");
    }
    Files.createDirectory(folder.resolve("f.txt"));
    runner
        .withUserConfiguration(FilesOfADirectory.class)
        .withPropertyValues("input=" + folder)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.of(0)).containsExactly("a.txt 1", "a.txt 2", "b.txt 1", "b.txt 2");
    assertThat(read.of(1)).containsExactly("c.txt 1", "c.txt 2");
    assertThat(read.of(2)).containsExactly("d.txt 1", "d.txt 2");
  }

  /** Spring Batch keeps the names in one column, of 65,535 bytes on MySQL. */
  @Test
  void namesOfManyFilesAreKeptInFewBytesAndFoundAgain() throws IOException {
    String longName = "a name of a file that is as long as names of files may be ".repeat(3);
    for (int i = 100; i < 700; i++) {
      Files.writeString(folder.resolve(longName + i + ".txt"), "");
    }
    Files.writeString(folder.resolve(longName + "099.txt"), "good");
    Files.writeString(folder.resolve(longName + "399.txt"), "bad");
    RankContextRunner failing =
        runner
            .withRanks(2)
            .withUserConfiguration(FilesOfADirectory.class)
            .withPropertyValues("input=" + folder, "mpilock.batch.combine-outcomes=true");
    read.refused = "bad";
    failing.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.jobs.values())
        .hasSize(2)
        .allSatisfy(job ->
            assertThat(job.getStepExecutions().iterator().next().getExecutionContext().toMap())
                .allSatisfy(
                    (key, value) -> assertThat(String.valueOf(value)).hasSizeLessThan(1_000)));

    read.refused = "";
    Files.writeString(folder.resolve("0 new.txt"), "of another time"); // before the first
    failing.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all()).containsExactlyInAnyOrder("good", "bad");
  }

  @Test
  void manyFilesThatAreOthersAtTheRestartAreToldClearly() throws IOException {
    String longName = "a name of a file that is as long as names of files may be ".repeat(3);
    for (int i = 100; i < 400; i++) {
      Files.writeString(folder.resolve(longName + i + ".txt"), i == 100 ? "bad" : "");
    }
    RankContextRunner failing =
        runner
            .withRanks(1)
            .withUserConfiguration(FilesOfADirectory.class)
            .withPropertyValues("input=" + folder);
    read.refused = "bad";
    failing.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    Files.delete(folder.resolve(longName + "200.txt"));
    failing.run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.failures())
        .contains("with different input: rank 0 finds other files than the first time");
  }

  /** The others fail in the first run since one is missing, and have executions then. */
  @Test
  void aRankThatHasNoExecutionYetGoesOnWithTheOthersThatHave() {
    RankContextRunner ids = runner.withUserConfiguration(Ids.class).withPropertyValues("max=1009");
    ids.run(rank -> {
      if (rank.rank() != 2) {
        assertThat(start(rank)).isEqualTo(BatchStatus.FAILED);
      }
    });
    assertThat(read.all()).isEmpty();
    ids.withPropertyValues("mpilock.batch.combine-outcomes=true")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all())
        .containsExactlyInAnyOrderElementsOf(LongStream.rangeClosed(1001, 1009).boxed().toList());
  }

  @Test
  void aDirectoryWithoutFilesIsRead() {
    runner
        .withUserConfiguration(FilesOfADirectory.class)
        .withPropertyValues("input=" + folder)
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all()).isEmpty();
  }

  @Test
  void theFilesAreThoseThatTheMasterLists() throws IOException {
    Path masters = Files.createDirectory(folder.resolve("in-0"));
    for (int rank = 1; rank < 3; rank++) {
      Files.writeString(
          Files.createDirectory(folder.resolve("in-" + rank)).resolve("other.txt"), "other");
    }
    Files.writeString(masters.resolve("a.txt"), "a");
    Files.writeString(masters.resolve("b.txt"), "b");
    runner
        .withUserConfiguration(FilesOfADirectory.class)
        .withPropertyValues("input=" + folder + "/in-${mpilock.rank}")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.failures().lines())
        .hasSize(3)
        .allMatch(line -> line.matches(".*: rank 1 cannot read .*in-1/b.txt\\."));
  }

  @Test
  void aRangeOfIdsIsSharedOut() {
    runner
        .withUserConfiguration(Ids.class)
        .withPropertyValues("max=1010")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.of(0)).containsExactly(1001L, 1002L, 1003L, 1004L);
    assertThat(read.of(1)).containsExactly(1005L, 1006L, 1007L);
    assertThat(read.of(2)).containsExactly(1008L, 1009L, 1010L);
  }

  @Test
  void withoutIdsThereIsNothingToRead() {
    runner
        .withUserConfiguration(Ids.class)
        .withPropertyValues("max=1000")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all()).isEmpty();
  }

  @Test
  void ranksThatSeeDifferentIdsAllFail() {
    runner
        .withUserConfiguration(Ids.class)
        .withPropertyValues("max=101${mpilock.rank}")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.failures())
        .contains(
            "rank 1 sees 1001 to 1011 instead of 1001 to 1010; rank 2 sees 1001 to 1012 instead of");
  }

  @Test
  void aListIsSharedOut() {
    runner
        .withUserConfiguration(Elements.class)
        .withPropertyValues("ids=x,y,z,u,v")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all()).containsExactly("x", "y", "z", "u", "v");
  }

  @Test
  void ranksThatSeeDifferentListsAllFail() {
    runner
        .withUserConfiguration(Elements.class)
        .withPropertyValues("ids=x,y,z${mpilock.rank}")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.FAILED));
    assertThat(read.failures()).contains("rank 1 sees 3 elements with the hash");
  }

  @Test
  void ranksOnSeveralNodesAgreeToo() {
    runner
        .withNodes(2, 1)
        .withUserConfiguration(Ids.class)
        .withPropertyValues("max=1010")
        .run(rank -> assertThat(start(rank)).isEqualTo(BatchStatus.COMPLETED));
    assertThat(read.all()).hasSize(10).doesNotHaveDuplicates();
  }
}

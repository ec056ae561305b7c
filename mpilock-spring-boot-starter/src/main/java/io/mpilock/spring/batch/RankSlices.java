/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.LockedAction;
import io.mpilock.spring.LockTemplate;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.infrastructure.item.ExecutionContext;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;

/**
 * Gives the readers of a step this rank's slice of the input: a bean of step scope, for the beans
 * of step scope that configure Spring Batch's own readers.
 *
 * <pre>{@code
 * @Bean
 * @StepScope
 * FlatFileItemReader<Order> orders(RankSlices slices, @Value("#{jobParameters['input']}") Path file)
 *     throws IOException {
 *   return new FlatFileItemReaderBuilder<Order>().name("orders").resource(slices.lines(file, 1))...
 * }
 * }</pre>
 *
 * <p>Each method is collective when a job instance runs for the first time: every rank calls it, in
 * the same order as its other collective calls, so not in steps that run at the same time on one
 * rank. The master looks at the input, and all ranks fail, naming those that differ, if one sees
 * another. The slice is kept in the execution context of the step.
 *
 * <p>In an instance that is started again the methods are not collective, since some ranks may be
 * done with the step: a rank has the slice that it had, and if the first run did not come so far,
 * it looks at the input by itself. It fails if the number of ranks or the input are others than
 * then. Whether it is started again is decided by all ranks together if the job has {@link
 * RankOutcomes}; otherwise by each for itself, and one that has no execution yet, because an
 * earlier run ended before, waits for the others in vain. For one thread.
 *
 * @since 0.1.0
 */
public final class RankSlices {
  private static final String RESOURCE = "mpilock.batch";
  private static final String KEY = "mpilock.slice.";
  private static final String SEPARATOR = "\n";

  private final LockTemplate locks;
  private final StepExecution step;
  private final JobRepository repository;
  private int slices;
  private @Nullable Exception failure;

  /** Compares what the master saw, and where this rank's part is, with what this rank sees. */
  private interface Look {
    /**
     * Looks.
     *
     * @return what is wrong, as the end of "rank 2 ...", or null
     */
    @Nullable String at(List<String> part);
  }

  /**
   * Makes the slices of a step.
   *
   * @param locks by which the ranks agree
   * @param step the step's execution on this rank
   * @param repository tells whether the job instance is started again
   */
  public RankSlices(LockTemplate locks, StepExecution step, JobRepository repository) {
    this.locks = locks.on(RESOURCE);
    this.step = step;
    this.repository = repository;
  }

  /**
   * Gives this rank's part of items that are counted from 0.
   *
   * @param items their number, the same on all ranks
   * @return the part, as {@link RankSlice#of}
   * @throws IllegalStateException if the ranks do not agree, or on a restart that does not fit
   */
  public RankSlice items(long items) {
    return numbered("items", items, 0, List.of(String.valueOf(items)));
  }

  /**
   * Gives this rank's part of a range of ids, for a query {@code WHERE id BETWEEN first AND last}.
   *
   * @param min the smallest id
   * @param max the largest id, less than {@link Long#MAX_VALUE}; below {@code min} if there is none
   * @return the part, by {@link RankSlice#first} and {@link RankSlice#last}
   * @throws IllegalStateException if the ranks do not agree, or on a restart that does not fit
   */
  public RankSlice ids(long min, long max) {
    long count = max < min ? 0 : Math.addExact(Math.subtractExact(max, min), 1);
    return numbered("ids", count, min, List.of(min + " to " + max));
  }

  /**
   * Gives this rank's part of a list, such as one of ids. Lists are compared by their size and
   * {@linkplain List#hashCode() hash code}, so that of the elements must be the same in all
   * processes, as it is of numbers and texts.
   *
   * @param <T> the type of the elements
   * @param elements equal on all ranks
   * @return the part, a view of the list
   * @throws IllegalStateException if the ranks do not agree, or on a restart that does not fit
   */
  public <T> List<T> elements(List<T> elements) {
    String seen = "%d elements with the hash %08x".formatted(elements.size(), elements.hashCode());
    RankSlice slice = numbered("elements", elements.size(), 0, List.of(seen));
    return elements.subList((int) slice.first(), (int) slice.end());
  }

  /**
   * Gives this rank's run of the lines of a text file, as a resource for a {@code
   * FlatFileItemReader} without {@code linesToSkip}; nothing else of the file is read, except by
   * the master, which counts the lines. A restart goes on where the reader was.
   *
   * <p>A line ends by a line feed, a carriage return, or both, wherever these are: records of
   * several lines, such as CSV with line ends in quotes, are out of its scope, and so are encodings
   * like UTF-16. Empty lines count.
   *
   * @param file the file, with the same content on all ranks
   * @param header how many header lines there are at the beginning
   * @return this rank's lines
   * @throws IOException on the master or on a restart, if the file cannot be read
   * @throws IllegalStateException if the ranks do not agree, or on a restart that does not fit
   */
  public Resource lines(Path file, int header) throws IOException {
    if (header < 0) {
      throw new IllegalArgumentException("The number of header lines is negative: " + header);
    }
    List<String> part =
        part(
            "lines",
            () -> {
              LineRuns.Run[] runs = LineRuns.find(file, header, locks.size());
              String bytes = String.valueOf(Files.size(file));
              return parts(rank -> lineRun(bytes, runs[rank]));
            },
            master -> differs(sizeOf(file), master.getFirst() + " bytes"));
    RankSlice bytes = new RankSlice(Long.parseLong(part.get(1)), Long.parseLong(part.get(2)));
    return new FileRange(file, bytes, "%s of %s".formatted(part.get(3), file));
  }

  private static List<String> lineRun(String fileBytes, LineRuns.Run run) {
    RankSlice lines = run.lines();
    return List.of(
        fileBytes,
        String.valueOf(run.bytes().first()),
        String.valueOf(run.bytes().end()),
        lines.count() == 0
            ? "no lines"
            : "lines %d to %d after the header".formatted(lines.first() + 1, lines.end()));
  }

  private static String sizeOf(Path file) {
    try {
      return Files.size(file) + " bytes";
    } catch (IOException e) {
      return "no such file (" + e + ")";
    }
  }

  /**
   * Gives this rank's part of the files of a directory, sorted by name, for a {@code
   * MultiResourceItemReader}. Only the master lists the directory, so it does not matter that it
   * changes; unless the names are so many that they do not fit into the step's execution context on
   * every database (30,000 bytes). Then a restart finds them in the directory, and fails if between
   * the first and the last there are others than before.
   *
   * @param directory the directory, where all ranks can read the files
   * @param glob which names, as in {@link Files#newDirectoryStream(Path, String)}: {@code *.csv}
   * @return the files; none if there are less files than ranks
   * @throws IOException on the master or on a restart, if the directory cannot be read
   * @throws IllegalStateException if a rank cannot read its files, or on a restart that does not
   *     fit
   */
  public Resource[] files(Path directory, String glob) throws IOException {
    LockedAction<List<List<String>>, IOException> make =
        () -> {
          List<String> all = list(directory, glob);
          return parts(rank -> {
            RankSlice slice = RankSlice.of(rank, locks.size(), all.size());
            return all.subList((int) slice.first(), (int) slice.end());
          });
        };
    Look look =
        mine ->
            mine.stream()
                .filter(name -> !Files.isReadable(directory.resolve(name)))
                .findFirst()
                .map(name -> "cannot read " + directory.resolve(name))
                .orElse(null);
    List<String> names = part("files", make, look, new KeptNames(() -> list(directory, glob)));
    return names.stream()
        .map(name -> new FileSystemResource(directory.resolve(name)))
        .toArray(Resource[]::new);
  }

  static List<String> list(Path directory, String glob) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, glob)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        if (name.contains(SEPARATOR)) {
          throw new IOException("The name of a file has a line end: " + file);
        }
        if (Files.isRegularFile(file)) {
          names.add(name);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    names.sort(null);
    return names;
  }

  private RankSlice numbered(String kind, long count, long first, List<String> seen) {
    try {
      List<String> _ =
          part(
              kind,
              () -> parts(rank -> seen),
              master -> differs(seen.getFirst(), master.getFirst()));
    } catch (IOException e) {
      throw new IllegalStateException(e); // there is no input or output
    }
    return RankSlice.of(locks.rank(), locks.size(), count).plus(first);
  }

  private static @Nullable String differs(String mine, String masters) {
    return mine.equals(masters) ? null : "sees %s instead of %s".formatted(mine, masters);
  }

  private List<List<String>> parts(IntFunction<List<String>> ofRank) {
    return IntStream.range(0, locks.size()).mapToObj(ofRank).toList();
  }

  /**
   * Finds this rank's part.
   *
   * @param kind tells slices of different kinds apart
   * @param make makes the parts of all ranks
   * @param look is asked on each rank about its part
   */
  private List<String> part(
      String kind, LockedAction<List<List<String>>, IOException> make, Look look)
      throws IOException {
    return part(kind, make, look, KeptPart.AS_IT_IS);
  }

  private List<String> part(
      String kind, LockedAction<List<List<String>>, IOException> make, Look look, KeptPart form)
      throws IOException {
    String key = KEY + slices++;
    ExecutionContext context = step.getExecutionContext();
    List<String> head = List.of(kind, String.valueOf(locks.size()));
    if (context.containsKey(key)) {
      List<String> kept = List.of(context.getString(key).split(SEPARATOR, -1));
      checkRestart(head, kept);
      List<String> part = form.restore(kept.subList(head.size(), kept.size()));
      if (part == null) {
        throw anotherInput("finds other files than the first time");
      }
      String problem = look.at(part);
      if (problem != null) {
        throw anotherInput(problem);
      }
      return part;
    }
    List<String> part =
        JobBeginning.isAgain(step.getJobExecution(), repository)
            ? make.run().get(locks.rank())
            : agreed(make, look);
    String kept =
        Stream.concat(head.stream(), form.keep(part).stream())
            .collect(Collectors.joining(SEPARATOR));
    context.putString(key, kept);
    return part;
  }

  private void checkRestart(List<String> head, List<String> kept) {
    String size = kept.get(1);
    if (!size.equals(head.get(1))) {
      throw new IllegalStateException(
          ("Step '%s' began on %s rank(s) and is started again on %s, where the"
                  + " slices would differ: start it again on %s, or with other parameters.")
              .formatted(step.getStepName(), size, head.get(1), size));
    }
    if (!kept.getFirst().equals(head.getFirst())) {
      throw anotherInput(
          "takes a slice of %s instead of %s".formatted(head.getFirst(), kept.getFirst()));
    }
  }

  private IllegalStateException anotherInput(String problem) {
    return new IllegalStateException(
        "Step '%s' is started again with different input: rank %d %s."
            .formatted(step.getStepName(), locks.rank(), problem));
  }

  /**
   * Agrees with the others. Not again after it failed: Spring Batch makes the beans of a step once
   * more to close them, and the others need not be there.
   */
  private List<String> agreed(LockedAction<List<List<String>>, IOException> make, Look look)
      throws IOException {
    if (failure != null) {
      throw new IllegalStateException("There are no slices, because it failed before", failure);
    }
    try {
      ArrayList<ArrayList<String>> all =
          Objects.requireNonNull(
              locks.singleWrite(() ->
                  make.run().stream()
                      .map(ArrayList::new)
                      .collect(Collectors.toCollection(ArrayList::new))));
      List<String> part = all.get(locks.rank());
      compare(look.at(part));
      return part;
    } catch (IOException | RuntimeException e) {
      failure = e;
      throw e;
    }
  }

  private void compare(@Nullable String problem) {
    String problems =
        locks.allGather(problem == null ? "" : "rank " + locks.rank() + " " + problem).stream()
            .filter(found -> !found.isEmpty())
            .collect(Collectors.joining("; "));
    if (!problems.isEmpty()) {
      throw new IllegalStateException(
          "The ranks see different input in step '%s': %s."
              .formatted(step.getStepName(), problems));
    }
  }
}

package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * The files in the output directory. Everything is written beside its place and moved there at the
 * very end, so that a run that fails leaves what was there before. Only the master touches them,
 * apart from writing rows.
 */
final class OutputFiles implements AutoCloseable {
  private final Path directory;
  private final String job;

  /**
   * Names the files.
   *
   * @param directory where they are to be
   * @param job tells them from those of another job, the same on all ranks that write them
   */
  OutputFiles(Path directory, String job) {
    this.directory = directory;
    this.job = job;
  }

  private Path flights() {
    return directory.resolve("flights.h5");
  }

  private Path csv() {
    return directory.resolve("report.csv");
  }

  private Path html() {
    return directory.resolve("report.html");
  }

  private List<Path> results() {
    return List.of(csv(), html(), flights()); // the flights last: they are what the job is for
  }

  Path partialFlights() {
    return partial(flights());
  }

  Path partialCsv() {
    return partial(csv());
  }

  Path partialHtml() {
    return partial(html());
  }

  Path board() {
    return directory.resolve("progress." + job + ".partial");
  }

  private Path partial(Path result) {
    return directory.resolve(result.getFileName() + "." + job + ".partial");
  }

  /** Makes the directory, and checks that the results can go there. */
  void prepare() {
    try {
      Files.createDirectories(directory);
    } catch (FileAlreadyExistsException e) {
      throw new DemoException("The output " + directory + " is not a directory.", e);
    } catch (IOException e) {
      throw new DemoException(
          "The output directory " + directory + " cannot be made: " + DemoException.reason(e), e);
    }
    if (!Files.isWritable(directory)) {
      throw new DemoException("The output directory " + directory + " cannot be written.");
    }
    for (Path result : results()) {
      if (Files.isDirectory(result)) {
        throw new DemoException("The result " + result + " cannot be written: it is a directory.");
      }
    }
  }

  /** Moves all results to their places. */
  void publish() throws IOException {
    for (Path result : results()) {
      try {
        Files.move(partial(result), result, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(partial(result), result, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    Files.deleteIfExists(board());
  }

  /** Deletes what was not published. Does nothing after {@link #publish}. */
  @Override
  public void close() {
    Stream.concat(results().stream().map(this::partial), Stream.of(board()))
        .forEach(file -> {
          try {
            Files.deleteIfExists(file);
          } catch (IOException e) {
            // it stays; its name says what it is
          }
        });
  }
}

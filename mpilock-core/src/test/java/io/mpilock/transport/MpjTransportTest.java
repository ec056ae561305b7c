package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.RankSuite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The transport mpj as ranks of real jobs. */
final class MpjTransportTest {
  @TempDir Path directory;
  private List<Path> before = List.of();

  @BeforeEach
  void look() throws IOException {
    before = windows();
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertThat(windows()).isSubsetOf(before);
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).isEmpty();
    }
  }

  /** A window has a name only while the ranks map it. */
  private static List<Path> windows() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
      return files.filter(file -> file.getFileName().toString().startsWith("mpilock-mpj")).toList();
    }
  }

  private MpiRun under(MpiRun.Launcher launcher) throws IOException {
    return MpiRun.under(launcher)
        .withoutNativeAccess()
        .env("MPILOCK_MPJ_DIRECTORY", directory.toString());
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI,1", "OPEN_MPI,2", "OPEN_MPI,4", "MPICH,1", "MPICH,2", "MPICH,4"})
  void itKeepsTheContract(MpiRun.Launcher launcher, int ranks) throws IOException {
    under(launcher)
        .ranks(ranks)
        .run(RankSuite.class, MpjNodeWindowSuite.class.getName())
        .succeeded();
  }
}

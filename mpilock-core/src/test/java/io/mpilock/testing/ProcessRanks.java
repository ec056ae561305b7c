/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.WindowController;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This process as one rank of a job under {@code mpirun}. A body that fails ends this process, and
 * so the job: the other ranks would wait for it.
 */
public final class ProcessRanks implements Ranks {

  /** The system property that names the folder which all ranks share. */
  public static final String FOLDER = "mpilock.test.folder";

  /** The system property that names the transport; {@code auto} if it is not there. */
  public static final String TRANSPORT = "mpilock.test.transport";

  /** The system property that names the MPI library; the launcher's if it is not there. */
  public static final String LIBRARY = "mpilock.test.library";

  /**
   * The system property that names the hosts that the ranks must be on, as {@code node0:2,node1:2};
   * any if it is not there.
   */
  public static final String HOSTS = "mpilock.test.hosts";

  private static @Nullable ProcessRanks world;

  private final Communicator communicator;
  private final Path folder;

  private ProcessRanks(Communicator communicator, Path folder) {
    this.communicator = communicator;
    this.folder = folder;
  }

  /** Opened once in a process, since MPI is; stays open until {@link #end}. */
  public static synchronized ProcessRanks world() {
    ProcessRanks known = world;
    if (known == null) {
      Launcher launcher = Launcher.detect(System.getenv()).orElseThrow();
      checkHost(launcher.rank());
      known =
          new ProcessRanks(
              Transports.open(
                  System.getProperty(TRANSPORT, "auto"),
                  new TransportSettings(
                      launcher, System.getProperty(LIBRARY), Duration.ofSeconds(30))),
              Path.of(System.getProperty(FOLDER)));
      if (known.size() != launcher.size()) {
        throw new AssertionError("alone, instead of one of " + launcher.size());
      }
      world = known;
    }
    return known;
  }

  /** A launcher may put all ranks on one host; then a test over several would show nothing. */
  private static void checkHost(int rank) {
    List<String> expected = new ArrayList<>();
    for (String host : System.getProperty(HOSTS, "").split(",", -1)) {
      String[] parts = host.split(":", 2);
      if (parts.length == 2) {
        expected.addAll(Collections.nCopies(Integer.parseInt(parts[1]), parts[0]));
      }
    }
    if (expected.isEmpty()) {
      return;
    }
    try {
      String here = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
      if (!here.equals(expected.get(rank))) {
        throw new AssertionError(
            "rank " + rank + " is on " + here + " instead of " + expected.get(rank));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends MPI, if it was used. */
  public static synchronized void end() {
    if (world != null) {
      world.communicator.close();
    }
  }

  @Override
  public int size() {
    return communicator.size();
  }

  @Override
  public Path folder() {
    return folder;
  }

  @Override
  public void run(ControllerOptions options, LocalRanks.RankBody body) throws Exception {
    runBare(bare -> {
      try (WindowController controller = WindowController.sync(bare, options)) {
        body.run(controller);
      }
    });
  }

  @Override
  @SuppressWarnings("SystemExitOutsideMain") // the others wait for this rank: end the job
  public void runBare(BareBody body) {
    try {
      body.run(communicator);
    } catch (Throwable e) {
      System.err.println("rank " + communicator.rank() + " failed");
      e.printStackTrace();
      System.err.flush();
      Runtime.getRuntime().halt(3);
    }
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Hosts on this machine, made and removed by {@code config/hosts.sh}: MPI takes ranks on different
 * ones for ranks of different nodes, and they reach each other over TCP. {@link MpiRun#on} starts
 * jobs there. The file system and the process ids are the machine's. Needs root.
 */
public final class SimulatedHosts implements AutoCloseable {
  private static final long GRACE_SECONDS = 20;

  private final String script;
  private final Process holder;
  private final String id;
  private final List<String> names;

  private SimulatedHosts(String script, Process holder, String id, int number) {
    this.script = script;
    this.holder = holder;
    this.id = id;
    names = IntStream.range(0, number).mapToObj(i -> "node" + i).toList();
  }

  /**
   * Makes hosts. They are removed if this JVM dies, too.
   *
   * @param number how many, 1 to 99
   * @return the hosts, to be closed
   * @throws AssertionError if hosts cannot be made here, with the reason
   */
  public static SimulatedHosts create(int number) {
    String script = script().toString();
    List<String> command = List.of(script, "hold", "--hosts", Integer.toString(number));
    try {
      Process holder = new ProcessBuilder(command).start();
      @Nullable String id = reader(holder).readLine();
      if (id == null) {
        throw new AssertionError(
            "No simulated hosts, and these tests are not skipped: " + errors(holder));
      }
      return new SimulatedHosts(script, holder, id, number);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The hosts' names.
   *
   * @return {@code node0}, {@code node1} ...
   */
  public List<String> names() {
    return names;
  }

  /**
   * Cuts a host off from the others, as if its cable were pulled.
   *
   * @param host its name
   */
  public void down(String host) {
    run("down", id, host);
  }

  /**
   * Connects a host again.
   *
   * @param host its name
   */
  public void up(String host) {
    run("up", id, host);
  }

  /** How to start a launcher on the first host; its arguments follow. */
  List<String> launch(MpiRun.Launcher launcher) {
    String mpi = launcher.name().toLowerCase(Locale.ROOT).replace("_", "");
    return List.of(script, "launch", id, "--mpi", mpi, "--");
  }

  /** Ends what still runs on the hosts, and removes them. */
  @Override
  public void close() {
    try {
      holder.getOutputStream().close(); // which is what the script waits for
      if (!holder.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("hosts " + id + " were not removed in time");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private void run(String... arguments) {
    List<String> command = new ArrayList<>(List.of(script));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).start();
      String errors = errors(process);
      if (process.waitFor() != 0) {
        throw new AssertionError(command + " failed: " + errors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private static BufferedReader reader(Process process) {
    return process.inputReader(StandardCharsets.UTF_8);
  }

  private static String errors(Process process) throws IOException {
    return new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  /** Tests run in their module's folder, the benchmark in the one above. */
  private static Path script() {
    Path folder = Path.of("").toAbsolutePath();
    for (Path at = folder; at != null; at = at.getParent()) {
      Path script = at.resolve("config").resolve("hosts.sh");
      if (Files.isExecutable(script)) {
        return script;
      }
    }
    throw new AssertionError("no config/hosts.sh above " + folder);
  }
}

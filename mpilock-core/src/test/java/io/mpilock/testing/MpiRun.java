/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Starts a main class as the ranks of an MPI job, in JVMs like this one, with this one's class
 * path. Immutable; each method that sets something gives a new one.
 */
public final class MpiRun {

  /** The launchers that tests run under. */
  public enum Launcher {
    /** Open MPI's {@code mpirun}. */
    OPEN_MPI("Open MPI", "open mpi|openrte"),
    /** MPICH's {@code mpiexec}. */
    MPICH("MPICH", "hydra");

    private final String label;
    private final String mark;

    Launcher(String label, String mark) {
      this.label = label;
      this.mark = mark;
    }

    private List<String> commands() {
      return switch (this) {
        case OPEN_MPI -> List.of("mpirun.openmpi", "mpirun", "mpiexec");
        case MPICH -> List.of("mpirun.mpich", "mpiexec", "mpirun");
      };
    }

    @Override
    public String toString() {
      return label;
    }
  }

  /**
   * What became of a job.
   *
   * @param status the launcher's exit status
   * @param output what all ranks and the launcher wrote to both streams
   */
  public record Result(int status, String output) {

    /**
     * Fails unless the job ended well.
     *
     * @return this
     */
    public Result succeeded() {
      if (status != 0) {
        throw new AssertionError("The job ended with status " + status + ":\n" + output);
      }
      return this;
    }

    /**
     * Fails if the job ended well.
     *
     * @return this
     */
    public Result failed() {
      if (status == 0) {
        throw new AssertionError("The job ended with status 0, but should have failed:\n" + output);
      }
      return this;
    }
  }

  private static final Set<String> BINDING = Set.of("--bind-to", "--map-by");
  private static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(2);

  private final Launcher launcher;
  private final @Nullable SimulatedHosts hosts;
  private final List<Integer> ranks;
  private final Duration timeout;
  private final List<String> launcherArgs;
  private final List<String> jvmArgs;
  private final Map<String, String> environment;
  private final List<String> around;
  private final List<String> aroundRank;

  private MpiRun(
      Launcher launcher,
      @Nullable SimulatedHosts hosts,
      List<Integer> ranks,
      Duration timeout,
      List<String> launcherArgs,
      List<String> jvmArgs,
      Map<String, String> environment,
      List<String> around,
      List<String> aroundRank) {
    this.launcher = launcher;
    this.hosts = hosts;
    this.ranks = ranks;
    this.timeout = timeout;
    this.launcherArgs = launcherArgs;
    this.jvmArgs = jvmArgs;
    this.environment = environment;
    this.around = around;
    this.aroundRank = aroundRank;
  }

  /**
   * A job of one rank under a launcher.
   *
   * @param launcher which one
   * @return the job
   */
  public static MpiRun under(Launcher launcher) {
    return new MpiRun(
        launcher,
        null,
        List.of(1),
        DEFAULT_TIMEOUT,
        List.of(),
        List.of("--enable-native-access=ALL-UNNAMED", "-Xmx256m"),
        Map.of(),
        List.of(),
        List.of());
  }

  /**
   * A job of one rank under Open MPI.
   *
   * @return the job
   */
  public static MpiRun openMpi() {
    return under(Launcher.OPEN_MPI);
  }

  /**
   * A job of one rank under MPICH.
   *
   * @return the job
   */
  public static MpiRun mpich() {
    return under(Launcher.MPICH);
  }

  /**
   * Sets the number of ranks, on this machine without simulated hosts.
   *
   * @param number how many, at least 1
   * @return the changed job
   */
  public MpiRun ranks(int number) {
    return new MpiRun(
        launcher,
        null,
        List.of(number),
        timeout,
        launcherArgs,
        jvmArgs,
        environment,
        around,
        aroundRank);
  }

  /**
   * Spreads the ranks over simulated hosts, in their order.
   *
   * @param where the hosts, which outlive the job
   * @param ranksPerHost how many ranks on the first host, on the second, and so on
   * @return the changed job
   */
  public MpiRun on(SimulatedHosts where, int... ranksPerHost) {
    if (ranksPerHost.length < 1 || ranksPerHost.length > where.names().size()) {
      throw new IllegalArgumentException("ranks for 1 to " + where.names().size() + " hosts");
    }
    List<Integer> numbers = IntStream.of(ranksPerHost).boxed().toList();
    return new MpiRun(
        launcher, where, numbers, timeout, launcherArgs, jvmArgs, environment, around, aroundRank);
  }

  /**
   * Sets how long {@link #run} waits before it ends the launcher and fails.
   *
   * @param longest how long
   * @return the changed job
   */
  public MpiRun timeout(Duration longest) {
    return new MpiRun(
        launcher, hosts, ranks, longest, launcherArgs, jvmArgs, environment, around, aroundRank);
  }

  /**
   * Adds arguments of the launcher.
   *
   * @param more they
   * @return the changed job
   */
  public MpiRun launcherArgs(String... more) {
    return new MpiRun(
        launcher,
        hosts,
        ranks,
        timeout,
        joined(launcherArgs, more),
        jvmArgs,
        environment,
        around,
        aroundRank);
  }

  /**
   * Adds arguments of the ranks' JVMs.
   *
   * @param more they
   * @return the changed job
   */
  public MpiRun jvmArgs(String... more) {
    return new MpiRun(
        launcher,
        hosts,
        ranks,
        timeout,
        launcherArgs,
        joined(jvmArgs, more),
        environment,
        around,
        aroundRank);
  }

  /**
   * Takes native access from the ranks' JVMs.
   *
   * @return the changed job
   */
  public MpiRun withoutNativeAccess() {
    List<String> rest = new ArrayList<>(jvmArgs);
    rest.removeIf(argument -> argument.startsWith("--enable-native-access"));
    rest.add("--illegal-native-access=deny");
    return new MpiRun(
        launcher,
        hosts,
        ranks,
        timeout,
        launcherArgs,
        List.copyOf(rest),
        environment,
        around,
        aroundRank);
  }

  /**
   * Sets a variable of the launcher's and the ranks' environment.
   *
   * @param name its name
   * @param value its value
   * @return the changed job
   */
  public MpiRun env(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(environment);
    more.put(name, value);
    return new MpiRun(
        launcher,
        hosts,
        ranks,
        timeout,
        launcherArgs,
        jvmArgs,
        Map.copyOf(more),
        around,
        aroundRank);
  }

  /**
   * Puts commands around: each is given the rest of its command line as arguments.
   *
   * @param launcher before the launcher
   * @param rank before each rank's JVM
   * @return the changed job
   */
  public MpiRun through(List<String> launcher, List<String> rank) {
    return new MpiRun(
        this.launcher,
        hosts,
        ranks,
        timeout,
        launcherArgs,
        jvmArgs,
        environment,
        List.copyOf(launcher),
        List.copyOf(rank));
  }

  /**
   * Runs a job to its end.
   *
   * @param main the class with the main method
   * @param args its arguments, the same on each rank
   * @return what became of it
   * @throws AssertionError if there is no such launcher, or the job takes too long
   */
  public Result run(Class<?> main, String... args) {
    try (MpiJob job = start(main, args)) {
      return job.await(timeout);
    }
  }

  /**
   * Starts a job.
   *
   * @param main the class with the main method
   * @param args its arguments, the same on each rank
   * @return the running job, to be closed
   * @throws AssertionError if there is no such launcher
   */
  public MpiJob start(Class<?> main, String... args) {
    List<String> command = new ArrayList<>(around);
    command.addAll(hosts == null ? List.of(find(launcher)) : hosts.launch(launcher));
    if (launcher == Launcher.OPEN_MPI) {
      if (launcherArgs.contains("--map-by")) {
        command.add("--oversubscribe");
      } else { // with the other, Open MPI 5.0 may put all ranks on the first host
        command.addAll(List.of("--map-by", "slot:OVERSUBSCRIBE"));
      }
      if (launcherArgs.stream().noneMatch(BINDING::contains)) {
        command.addAll(List.of("--bind-to", "none")); // else one or two ranks get a core each
      }
      if (System.getProperty("user.name", "").equals("root")) {
        command.add("--allow-run-as-root");
      }
    }
    command.addAll(launcherArgs);
    if (hosts != null) {
      command.add(launcher == Launcher.OPEN_MPI ? "--host" : "-hosts");
      command.add(places(hosts, ranks));
    }
    int all = ranks.stream().mapToInt(Integer::intValue).sum();
    command.addAll(List.of("-n", Integer.toString(all)));
    command.addAll(aroundRank);
    command.addAll(Jvm.command());
    command.addAll(jvmArgs);
    if (hosts != null) {
      command.add("-D" + ProcessRanks.HOSTS + "=" + places(hosts, ranks));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(args));
    return MpiJob.start(command, environment);
  }

  /**
   * What lets the other ranks live when one dies, and MPI with them: Open MPI 5 and 6 abort the
   * survivors on other hosts with {@code --enable-recovery}.
   *
   * @return arguments of Open MPI's launcher, as it is installed here
   */
  public static String[] survival() {
    Matcher version =
        Pattern.compile("Open MPI\\) (\\d+)").matcher(versionOf(find(Launcher.OPEN_MPI)));
    boolean ulfm = version.find() && Integer.parseInt(version.group(1)) >= 5;
    return ulfm ? new String[] {"--with-ft", "ulfm"} : new String[] {"--enable-recovery"};
  }

  private static String places(SimulatedHosts hosts, List<Integer> ranks) {
    return IntStream.range(0, ranks.size())
        .mapToObj(i -> hosts.names().get(i) + ":" + ranks.get(i))
        .collect(Collectors.joining(","));
  }

  private static String find(Launcher launcher) {
    List<String> seen = new ArrayList<>();
    for (String command : launcher.commands()) {
      String version = versionOf(command);
      if (Pattern.compile(launcher.mark).matcher(version.toLowerCase(Locale.ROOT)).find()) {
        return command;
      }
      seen.add(command + (version.isEmpty() ? " (not there)" : " (another one)"));
    }
    throw new AssertionError(
        "No launcher of "
            + launcher
            + " on the PATH: "
            + String.join(", ", seen)
            + ". Install it (Debian: openmpi-bin, mpich); these tests are not skipped.");
  }

  private static String versionOf(String command) {
    try {
      Path output = Files.createTempFile("mpirun-version", ".txt");
      try {
        Process process =
            new ProcessBuilder(command, "--version")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
        return new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
      } finally {
        Files.delete(output);
      }
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  private static List<String> joined(List<String> list, String... more) {
    List<String> all = new ArrayList<>(list);
    all.addAll(List.of(more));
    return List.copyOf(all);
  }
}

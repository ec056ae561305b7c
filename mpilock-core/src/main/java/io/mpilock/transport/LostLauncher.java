/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A launcher whose variables did not reach the process that it started, as with {@code mpirun -n 4
 * env -i java}: each rank would believe to be the only one. It shows in the process's ancestors,
 * where a system has /proc; where they are not to be seen, as from a container, nothing is known.
 */
final class LostLauncher {
  private static final Path PROC = Path.of("/proc");

  /** More generations than any wrapper makes. */
  private static final int GENERATIONS = 64;

  /** What a user starts. */
  private static final Pattern FRONT_END =
      Pattern.compile("(mpirun|mpiexec|orterun|prterun)([._-].*)?");

  /** What that starts on each host, and the parents of ranks. The kernel cuts names after 15. */
  private static final Pattern DAEMON =
      Pattern.compile(
          "orted|prted|prte|hydra_pmi_proxy|hydra_bstrap_pr.*|pmi_proxy|mpispawn|flux-shell");

  private static final String SLURM = "slurmstepd";

  /** Slurm's helper names its step so. Only a step with a number has tasks: ranks. */
  private static final Pattern STEP_OF_TASKS = Pattern.compile("\\[\\d+[^.\\]]*\\.\\d");

  /** Options of front ends that take no value. */
  private static final Set<String> FLAGS =
      Set.of("--allow-run-as-root", "--oversubscribe", "-oversubscribe", "--enable-recovery", "-l");

  /** And those that take one, which is known not to be a number of ranks. */
  private static final Set<String> WITH_VALUE =
      Set.of("--bind-to", "-bind-to", "--map-by", "-map-by");

  private static final Set<String> NUMBER_OF_RANKS = Set.of("-n", "-np", "--n", "--np", "-c");

  private final Path proc;

  LostLauncher(Path proc) {
    this.proc = proc;
  }

  /**
   * Looks at this process, in whose environment no launcher is.
   *
   * @throws StartupException if a launcher's process is among its ancestors, unless that started
   *     one rank
   */
  static void check() {
    new LostLauncher(PROC).checkSelf();
  }

  /** Whether a process of this name, as the kernel cuts it, starts ranks. */
  static boolean isLauncher(String name) {
    return FRONT_END.matcher(name).matches()
        || DAEMON.matcher(name).matches()
        || name.equals(SLURM);
  }

  void checkSelf() {
    List<Relative> line = line();
    Relative launcher = line.isEmpty() ? null : line.getLast();
    if (launcher == null || !launcher.startsRanks() || startsOne(line)) {
      return;
    }
    throw new StartupException(
        Problem.LAUNCHER_LOST,
        "This process was started by a launcher, %s, but its environment has none of the launcher's variables (such as OMPI_COMM_WORLD_RANK, PMI_RANK or SLURM_PROCID). Every rank would be alone, and no lock would exclude another rank. From this process upwards: %s."
            .formatted(
                launcher, line.stream().map(Relative::toString).collect(Collectors.joining(" < "))),
        "Start java so that the launcher's variables reach it (without env -i,"
            + " --cleanenv or a sudo that clears them: sudo --preserve-env). If this"
            + " process should be alone, set mpilock.transport=local or"
            + " mpilock.expected-ranks=1 (or the variable MPILOCK_EXPECTED_RANKS=1).");
  }

  /** A process, itself or an ancestor. */
  private record Relative(long pid, String comm, String program, Path folder) {
    boolean is(Pattern names) {
      return names.matcher(comm).matches() || names.matcher(program).matches();
    }

    boolean isLauncher() {
      return LostLauncher.isLauncher(comm) || LostLauncher.isLauncher(program);
    }

    private boolean isSlurm() {
      return comm.equals(SLURM) || program.equals(SLURM);
    }

    /** A batch script, or a shell of an allocation, is not a rank. */
    boolean startsRanks() {
      return isSlurm()
          ? STEP_OF_TASKS.matcher(String.join(" ", words("cmdline"))).find()
          : isLauncher();
    }

    /** The words of a file that separates them by zeroes; none if it cannot be read. */
    List<String> words(String file) {
      try {
        String text =
            new String(Files.readAllBytes(folder.resolve(file)), StandardCharsets.ISO_8859_1);
        return List.of(text.split("\0", -1));
      } catch (IOException e) {
        return List.of();
      }
    }

    @Override
    public String toString() {
      return comm + " (pid " + pid + ")";
    }
  }

  /** This process and its ancestors up to the first launcher; none if there is no launcher. */
  private List<Relative> line() {
    List<Relative> line = new ArrayList<>();
    Path folder = proc.resolve("self");
    for (int generation = 0; generation < GENERATIONS; generation++) {
      String[] stat = stat(folder);
      if (stat.length < 2) {
        return List.of();
      }
      Relative relative = new Relative(pid(stat), comm(stat), program(folder), folder);
      line.add(relative);
      // This process itself may be an application whose name is a launcher's.
      if (generation > 0 && relative.isLauncher()) {
        return line;
      }
      long parent = parent(stat);
      if (parent <= 0) {
        return List.of();
      }
      folder = proc.resolve(Long.toString(parent));
    }
    return List.of();
  }

  /**
   * Whether the launcher says that it started one rank: in the environment of a process between it
   * and this one, or on its own command line.
   */
  private boolean startsOne(List<Relative> line) {
    for (Relative between : line.subList(1, line.size() - 1)) {
      Launcher seen = launcherIn(between.words("environ"));
      if (seen != null) {
        return !seen.mayHavePeers();
      }
    }
    Relative launcher = line.getLast();
    if (!launcher.is(FRONT_END)) {
      String[] stat = stat(launcher.folder);
      Path folder = proc.resolve(Long.toString(stat.length < 2 ? 0 : parent(stat)));
      String[] parent = stat(folder);
      if (parent.length < 2) {
        return false;
      }
      launcher = new Relative(pid(parent), comm(parent), program(folder), folder);
    }
    return launcher.is(FRONT_END) && asksForOne(launcher.words("cmdline"));
  }

  private static @Nullable Launcher launcherIn(List<String> environment) {
    Map<String, String> variables = new HashMap<>();
    for (String line : environment) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        variables.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    try {
      return Launcher.detect(variables).orElse(null);
    } catch (StartupException inconsistent) {
      return null;
    }
  }

  /** Only where nothing can be mistaken: an unknown option may be followed by its value. */
  private static boolean asksForOne(List<String> command) {
    int at = 1;
    while (at < command.size()) {
      String option = command.get(at);
      if (WITH_VALUE.contains(option)) {
        at += 2;
      } else if (FLAGS.contains(option)) {
        at++;
      } else {
        break;
      }
    }
    return at + 1 < command.size()
        && NUMBER_OF_RANKS.contains(command.get(at))
        && command.get(at + 1).equals("1")
        && !command.contains(":"); // more ranks, of another program
  }

  /** Before the name, the name, and the fields behind it; none if there is no such process. */
  private static String[] stat(Path folder) {
    try {
      String line =
          new String(Files.readAllBytes(folder.resolve("stat")), StandardCharsets.ISO_8859_1);
      // The name is in parentheses and may itself have spaces and parentheses.
      int open = line.indexOf('(');
      int close = line.lastIndexOf(')');
      return open < 1 || close < open
          ? new String[0]
          : new String[] {
            line.substring(0, open).strip(),
            line.substring(open + 1, close),
            line.substring(close + 1).strip()
          };
    } catch (IOException e) {
      return new String[0];
    }
  }

  private static long pid(String[] stat) {
    return number(stat[0]);
  }

  private static String comm(String[] stat) {
    return stat[1];
  }

  /** The second field behind the name; the first is the state. */
  private static long parent(String[] stat) {
    String[] fields = stat[2].split(" ", 3);
    return fields.length < 2 ? 0 : number(fields[1]);
  }

  private static long number(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /** The name of the program's file, as far as this user may see it. */
  private static String program(Path folder) {
    try {
      Path file = Files.readSymbolicLink(folder.resolve("exe")).getFileName();
      return file == null ? "" : file.toString();
    } catch (IOException e) {
      return "";
    }
  }
}

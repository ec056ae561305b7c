/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which of the host's processors (hardware threads, by number) this process may use, and who says
 * so: its own affinity, that of its launcher, and its control group. From what Linux shows under
 * /proc and /sys; elsewhere nothing is known.
 */
final class Processors {
  /** More generations than any wrapper makes. */
  private static final int GENERATIONS = 64;

  private static final Pattern RANGE = Pattern.compile("(\\d{1,6})(?:-(\\d{1,6}))?");

  private final Path proc;
  private final Path sys;

  Processors(Path proc, Path sys) {
    this.proc = proc;
    this.sys = sys;
  }

  /** Those that this process was started with. Its threads may have fewer. */
  Optional<BitSet> ofThisProcess() {
    return field("self", "Cpus_allowed_list").flatMap(Processors::parse);
  }

  /** Those of the first launcher among this process's ancestors; empty if none is to be seen. */
  Optional<BitSet> ofLauncher() {
    String process = "self";
    for (int generation = 0; generation < GENERATIONS; generation++) {
      Optional<String> parent = field(process, "PPid");
      if (parent.isEmpty() || parent.get().equals("0")) {
        return Optional.empty();
      }
      process = parent.get();
      if (field(process, "Name").filter(LostLauncher::isLauncher).isPresent()) {
        return field(process, "Cpus_allowed_list").flatMap(Processors::parse);
      }
    }
    return Optional.empty();
  }

  /** Those that are switched on. */
  Optional<BitSet> online() {
    return line(sys.resolve("devices/system/cpu/online")).flatMap(Processors::parse);
  }

  /** Those of the core that a processor is of. */
  BitSet core(int processor) {
    Path siblings =
        sys.resolve("devices/system/cpu/cpu" + processor + "/topology/thread_siblings_list");
    return line(siblings)
        .flatMap(Processors::parse)
        .orElseGet(() -> {
          BitSet alone = new BitSet();
          alone.set(processor);
          return alone;
        });
  }

  /** Those that this process's control group, a container's say, has. */
  Optional<BitSet> ofGroup() {
    return Stream.concat(
            groups("cpuset").map(group -> group.resolve("cpuset.effective_cpus")),
            groups("").map(group -> group.resolve("cpuset.cpus.effective")))
        .flatMap(file -> line(file).flatMap(Processors::parse).stream())
        .findFirst(); // the innermost
  }

  /** For how many processors' time the control group is good; infinite without a limit. */
  double quota() {
    double old =
        groups("cpu")
            .mapToDouble(group ->
                share(
                    line(group.resolve("cpu.cfs_quota_us")).orElse(""),
                    line(group.resolve("cpu.cfs_period_us")).orElse("")))
            .min()
            .orElse(Double.POSITIVE_INFINITY);
    double unified =
        groups("")
            .map(group -> line(group.resolve("cpu.max")).orElse("").split(" ", -1))
            .mapToDouble(words -> words.length == 2 ? share(words[0], words[1]) : share("", ""))
            .min()
            .orElse(Double.POSITIVE_INFINITY);
    return Math.min(old, unified);
  }

  private static double share(String quota, String period) {
    try {
      double share = (double) Long.parseLong(quota) / Long.parseLong(period);
      return share > 0 ? share : Double.POSITIVE_INFINITY; // -1 is none
    } catch (NumberFormatException none) {
      return Double.POSITIVE_INFINITY;
    }
  }

  /**
   * This process's control group and those that it is in, from inside to outside.
   *
   * @param controller of the hierarchy (version 1), or empty for the unified one (version 2)
   */
  private Stream<Path> groups(String controller) {
    Path root = sys.resolve("fs/cgroup").resolve(controller);
    for (String line : lines(proc.resolve("self/cgroup"))) {
      String[] parts = line.split(":", 3); // number, controllers, path
      if (parts.length == 3 && List.of(parts[1].split(",", -1)).contains(controller)) {
        Path group = root.resolve(parts[2].replaceFirst("^/+", "")).normalize();
        if (group.startsWith(root)) { // not outside of what a container sees
          return Stream.<Path>iterate(group, at -> at.startsWith(root), at -> parent(at));
        }
      }
    }
    return Stream.of(root);
  }

  private static Path parent(Path path) {
    Path parent = path.getParent();
    return parent == null ? Path.of("") : parent;
  }

  /** A list as the kernel writes it: 0-3,8. Empty if it is none, or has nothing. */
  static Optional<BitSet> parse(String list) {
    BitSet set = new BitSet();
    for (String part : list.split(",", -1)) {
      var range = RANGE.matcher(part.strip());
      if (!range.matches()) {
        return Optional.empty();
      }
      int first = Integer.parseInt(range.group(1));
      @Nullable String end = range.group(2);
      int last = end == null ? first : Integer.parseInt(end);
      if (last < first) {
        return Optional.empty();
      }
      set.set(first, last + 1);
    }
    return Optional.of(set);
  }

  private Optional<String> field(String process, String name) {
    return lines(proc.resolve(process).resolve("status")).stream()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst();
  }

  private static Optional<String> line(Path file) {
    return lines(file).stream().findFirst().map(String::strip);
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    } catch (IOException | RuntimeException e) {
      return List.of();
    }
  }
}

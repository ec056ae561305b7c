/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/**
 * What this process takes of the machine.
 *
 * @param threads the kernel's threads, those of the JVM and of MPI too
 * @param descriptors open file descriptors
 * @param sharedMaps mappings that are shared with others, such as windows
 * @param sharedBytes how much address space those take
 * @param privateBytes resident memory that is not a file's; compared if the heap is all resident
 * @param heap live objects on the Java heap
 * @param mappings what the private memory consists of
 */
public record Footprint(
    long threads,
    long descriptors,
    long sharedMaps,
    long sharedBytes,
    long privateBytes,
    Live heap,
    Mappings mappings) {
  private static final Path SELF = Path.of("/proc/self");
  private static final long MEBIBYTE = 1L << 20;

  /** What comes and goes by chance. */
  private static final long CHANCE_BYTES = 1 << 16;

  private static final Pattern HEADER = Pattern.compile("^[0-9a-f]+-[0-9a-f]+ ");

  /** Else the heap's free part makes the resident memory grow. */
  private static final boolean HEAP_IS_RESIDENT =
      ManagementFactory.getRuntimeMXBean().getInputArguments().contains("-XX:+AlwaysPreTouch");

  private static final int MOST_COLLECTIONS = 50;

  /** Takes it, after as many collections as it needs until nothing more goes. */
  public static Footprint now() throws IOException, InterruptedException {
    Live heap = collected();
    long maps = 0;
    long bytes = 0;
    for (String line : Files.readAllLines(SELF.resolve("maps"))) {
      String[] fields = line.split(" +", 6);
      if (fields[1].endsWith("s")) {
        String[] range = fields[0].split("-", 2);
        maps++;
        bytes += Long.parseLong(range[1], 16) - Long.parseLong(range[0], 16);
      }
    }
    return new Footprint(
        entries("task"),
        entries("fd"),
        maps,
        bytes,
        status("RssAnon:") * 1024,
        heap,
        Mappings.now());
  }

  /**
   * What a weak reference led to goes in steps: a collection clears the reference, the JVM's own
   * thread queues it, another of ours takes it from there and lets go of more. On a busy machine
   * those threads come late, so each round waits until a reference of its own was queued, and only
   * rounds that freed nothing end it.
   */
  private static Live collected() throws InterruptedException {
    ReferenceQueue<Object> queue = new ReferenceQueue<>();
    @Nullable Live least = null;
    int same = 0;
    for (int i = 0; least == null || (i < MOST_COLLECTIONS && same < 3); i++) {
      WeakReference<Object> last = new WeakReference<>(new Object(), queue);
      System.gc();
      Reference<?> queued = queue.remove(10_000);
      assertThat(queued).as("a reference to nothing, 10 s after a collection").isSameAs(last);
      Live now = Live.now();
      same = least != null && now.bytes() > least.bytes() - CHANCE_BYTES ? same + 1 : 0;
      least = least == null || now.bytes() < least.bytes() ? now : least;
    }
    return least;
  }

  private static long entries(String directory) throws IOException {
    try (Stream<Path> files = Files.list(SELF.resolve(directory))) {
      return files.count();
    }
  }

  private static long status(String key) throws IOException {
    List<String> lines = Files.readAllLines(SELF.resolve("status"));
    String line = lines.stream().filter(l -> l.startsWith(key)).findFirst().orElseThrow();
    return Long.parseLong(line.replaceAll("\\D", ""));
  }

  /**
   * Fails if something grew since then. What the JVM takes for itself (compiled code, a thread of
   * its own) may grow a little, whatever the work was.
   *
   * @param then taken when all was warm
   * @param work how many times something was done since, that may have left something each time
   */
  public void hasNotGrownSince(Footprint then, long work) {
    String what = "%d times%nbefore: %s%nafter:  %s".formatted(work, then, this);
    assertThat(threads).as(what).isLessThan(then.threads + Math.min(8, work / 10));
    assertThat(descriptors).as(what).isLessThan(then.descriptors + Math.min(8, work / 10));
    assertThat(sharedMaps).as(what).isEqualTo(then.sharedMaps);
    assertThat(sharedBytes).as(what).isEqualTo(then.sharedBytes);
    assertThat(heap.bytes())
        .as(() -> what + "\n" + heap.grownSince(then.heap))
        .isLessThan(then.heap.bytes() + 2 * MEBIBYTE);
    if (HEAP_IS_RESIDENT) {
      assertThat(privateBytes)
          .as(() -> what + "\n" + mappings.grownSince(then.mappings))
          .isLessThan(then.privateBytes + 24 * MEBIBYTE);
    }
  }

  /**
   * The live objects, as the JVM counts them one by one. The memory that the heap has in use is
   * another number: G1 counts a part of a region for each thread that has allocated since the
   * collection.
   *
   * @param classes the bytes of each class's objects
   */
  public record Live(Map<String, Long> classes) {
    private static final Pattern LINE = Pattern.compile(" *\\d+: +\\d+ +(\\d+)  (.+)");

    /** Counts them, after a collection of its own. */
    static Live now() {
      try {
        String histogram =
            (String)
                ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                        new ObjectName("com.sun.management:type=DiagnosticCommand"),
                        "gcClassHistogram",
                        new Object[] {new String[0]},
                        new String[] {String[].class.getName()});
        Map<String, Long> classes = new HashMap<>();
        histogram
            .lines()
            .map(LINE::matcher)
            .filter(Matcher::matches)
            .forEach(line -> classes.merge(line.group(2), Long.valueOf(line.group(1)), Long::sum));
        assertThat(classes).as(histogram).isNotEmpty();
        return new Live(classes);
      } catch (JMException e) {
        throw new IllegalStateException(e);
      }
    }

    long bytes() {
      return classes.values().stream().mapToLong(Long::longValue).sum();
    }

    String grownSince(Live then) {
      return classes.entrySet().stream()
          .map(e -> Map.entry(e.getKey(), e.getValue() - then.classes.getOrDefault(e.getKey(), 0L)))
          .filter(e -> e.getValue() >= CHANCE_BYTES)
          .map(e -> "%+d bytes in %s".formatted(e.getValue(), e.getKey()))
          .collect(Collectors.joining("\n"));
    }

    @Override
    public String toString() {
      return bytes() + " bytes";
    }
  }

  /**
   * The private memory of each mapping, so that a failure tells whose memory grew: a mapping with a
   * name is a library's data or a stack, one of 64 MiB without a name is malloc's.
   *
   * @param resident by the mapping's line in {@code /proc/self/smaps}, bytes
   */
  public record Mappings(Map<String, Long> resident) {
    static Mappings now() throws IOException {
      Map<String, Long> resident = new LinkedHashMap<>();
      String mapping = "";
      for (String line : Files.readAllLines(SELF.resolve("smaps"))) {
        if (HEADER.matcher(line).find()) {
          mapping = line;
        } else if (line.startsWith("Anonymous:")) {
          resident.put(mapping, Long.parseLong(line.replaceAll("\\D", "")) * 1024);
        }
      }
      return new Mappings(resident);
    }

    String grownSince(Mappings then) {
      return resident.entrySet().stream()
          .map(e -> Map.entry(e.getKey(), e.getValue() - then.before(e.getKey())))
          .filter(e -> Math.abs(e.getValue()) >= MEBIBYTE / 2)
          .map(e -> "%+d KiB in %s".formatted(e.getValue() / 1024, e.getKey()))
          .collect(Collectors.joining("\n"));
    }

    private long before(String mapping) {
      // A mapping may have grown at its end, so only its start is looked at.
      String start = mapping.substring(0, mapping.indexOf('-') + 1);
      return resident.entrySet().stream()
          .filter(e -> e.getKey().startsWith(start))
          .mapToLong(Map.Entry::getValue)
          .sum();
    }

    @Override
    public String toString() {
      return resident.size() + " mappings";
    }
  }
}

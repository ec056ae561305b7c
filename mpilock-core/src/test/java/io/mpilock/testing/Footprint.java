package io.mpilock.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What this process takes of the machine.
 *
 * @param threads the kernel's threads, those of the JVM and of MPI too
 * @param descriptors open file descriptors
 * @param sharedMaps mappings that are shared with others, such as windows
 * @param sharedBytes how much address space those take
 * @param privateBytes resident memory that is not a file's; compared if the heap is all resident
 * @param heapBytes live objects on the Java heap
 */
public record Footprint(
    long threads,
    long descriptors,
    long sharedMaps,
    long sharedBytes,
    long privateBytes,
    long heapBytes) {
  private static final Path SELF = Path.of("/proc/self");
  private static final long MEBIBYTE = 1L << 20;

  /** Else the heap's free part makes the resident memory grow. */
  private static final boolean HEAP_IS_RESIDENT =
      ManagementFactory.getRuntimeMXBean().getInputArguments().contains("-XX:+AlwaysPreTouch");

  /** Takes it, after a collection. */
  public static Footprint now() throws IOException {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
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
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
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
    assertThat(heapBytes).as(what).isLessThan(then.heapBytes + 2 * MEBIBYTE);
    if (HEAP_IS_RESIDENT) {
      assertThat(privateBytes).as(what).isLessThan(then.privateBytes + 24 * MEBIBYTE);
    }
  }
}

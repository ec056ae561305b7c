package io.mpilock.transport.ffm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.regex.Pattern;

/**
 * Tells whether a process lives, by its id and start time: an id alone may have been given to
 * another process since.
 */
final class Processes {
  private static final Path PROC = Path.of("/proc");
  private static final boolean HAS_PROC = Files.isReadable(PROC.resolve("self/stat"));
  private static final Pattern SPACE = Pattern.compile(" ");

  // Fields of /proc/PID/stat, counted from the one behind the command's name.
  private static final int STATE = 0;
  private static final int THREADS = 17;
  private static final int START = 19;

  private Processes() {}

  /** When a process started, in a unit of the system's; 0 if there is no such process. */
  static long startTime(long pid) {
    if (HAS_PROC) {
      String[] fields = stat(pid);
      return fields.length > START ? Long.parseLong(fields[START]) : 0;
    }
    return startByHandle(pid);
  }

  /** The process id space of this process: ids of another one mean nothing here. */
  static long idSpace() {
    try {
      Path name = Files.readSymbolicLink(PROC.resolve("self/ns/pid"));
      return name.toString().hashCode();
    } catch (IOException | UnsupportedOperationException e) {
      return 0;
    }
  }

  static boolean isAlive(long pid, long startTime) {
    if (!HAS_PROC) {
      return startByHandle(pid) == startTime;
    }
    String[] fields = stat(pid);
    if (fields.length <= START) {
      // Unreadable for another reason, such as too many open files: a directory needs none.
      return Files.exists(PROC.resolve(Long.toString(pid)));
    }
    if (Long.parseLong(fields[START]) != startTime) {
      return false;
    }
    // A zombie is dead, unless only its first thread has ended.
    return switch (fields[STATE]) {
      case "Z" -> Long.parseLong(fields[THREADS]) > 1;
      case "X", "x" -> false;
      default -> true;
    };
  }

  /** The fields from the state on, none if there is no such process. */
  private static String[] stat(long pid) {
    try {
      byte[] bytes = Files.readAllBytes(PROC.resolve(Long.toString(pid)).resolve("stat"));
      String line = new String(bytes, StandardCharsets.ISO_8859_1);
      // The command's name stands in parentheses and may itself contain spaces and parentheses.
      return SPACE.split(line.substring(line.lastIndexOf(')') + 2).strip());
    } catch (IOException e) {
      return new String[0];
    }
  }

  private static long startByHandle(long pid) {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .map(handle -> handle.info().startInstant().map(Instant::toEpochMilli).orElse(1L))
        .orElse(0L);
  }
}

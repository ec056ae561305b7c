/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.batch.WorkJournal.Progress;
import io.mpilock.spring.batch.WorkJournal.Work;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a {@link FileWorkJournal}, and what they come to. A line is a checksum, and fields
 * between tabs. Whoever appends holds the write lock, and has caught up before: so has this rank
 * seen all lines, and the end that it knows is the file's.
 *
 * <p>The file is opened for each use: a network file system shows what others have written to who
 * opens it after they have closed it.
 */
final class JournalFile {
  private static final String MAGIC = "mpilock-work";
  private static final String VERSION = "1";
  private static final char TAB = '\t';
  private static final int CHECKSUM_CHARS = 8;

  private final Path path;
  private final Map<String, Entry> entries = new HashMap<>();
  private final Map<String, Long> marks = new HashMap<>();
  private final Map<String, String> places = new HashMap<>();
  private long end;

  JournalFile(Path path) {
    this.path = path;
  }

  /** What the journal has of a work. */
  static final class Entry {
    private final WorkPlan plan;
    private final Set<Long> attempts;
    private final Progress[] runs;
    private long attempt;
    private List<Progress> open = List.of();

    private Entry(WorkPlan plan, @Nullable Entry before) {
      this.plan = plan;
      attempts = before == null ? new HashSet<>() : before.attempts;
      runs = new Progress[plan.cut().length - 1];
      for (int run = 0; run < runs.length; run++) {
        runs[run] = new Progress(run, 0, false);
      }
    }

    WorkPlan plan() {
      return plan;
    }

    /** The last start of the job that has begun it. */
    long attempt() {
      return attempt;
    }

    boolean hasSeen(long earlier) {
      return attempts.contains(earlier);
    }

    boolean hasProgress() {
      return Arrays.stream(runs).anyMatch(run -> run.complete() || run.position() > 0);
    }

    /** The runs that were open when the last start of the job began. */
    List<Progress> open() {
      return open;
    }

    private void begin(long next) {
      attempt = next;
      attempts.add(next);
      List<Progress> left = new ArrayList<>();
      for (Progress run : runs) {
        if (!run.complete()) {
          left.add(run);
        }
      }
      open = List.copyOf(left);
    }
  }

  @Nullable Entry entry(String key) {
    return entries.get(key);
  }

  /** Where an output ended last; null if the journal does not know it. */
  @Nullable Long mark(String output) {
    return marks.get(output);
  }

  /**
   * The same, for an output at some place.
   *
   * @throws IOException if it was at another
   */
  @Nullable Long mark(String output, String place) throws IOException {
    String known = places.getOrDefault(output, place);
    if (!known.equals(place)) {
      throw new IOException(
          "The output '%s' of the journal %s was %s, and is %s now. Put it back to where it was, by the same path, or begin with another journal."
              .formatted(output, path, known, place));
    }
    return marks.get(output);
  }

  Path path() {
    return path;
  }

  /** Reads what others have appended, and cuts off what is not whole. */
  void catchUp() throws IOException {
    try (FileChannel channel = open()) {
      long size = channel.size();
      if (size < end) {
        throw new IOException(
            "The journal %s has %d bytes, but had %d: it was cut off or replaced while the job ran."
                .formatted(path, size, end));
      }
      if (size == end && end > 0) {
        return;
      }
      if (size - end > Integer.MAX_VALUE - 8) {
        throw new IOException("The journal %s is too long: %d bytes.".formatted(path, size));
      }
      byte[] bytes = new byte[(int) (size - end)];
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining() && channel.read(buffer, end + buffer.position()) >= 0) {
        // goes on
      }
      int whole = read(bytes);
      if (end == 0 && whole == 0 && !isPartOfHeader(bytes)) {
        throw foreign();
      }
      end += whole;
      if (whole < bytes.length) {
        channel.truncate(end);
      }
    }
    if (end == 0) {
      append(MAGIC, VERSION);
    }
  }

  /** A rank that was killed when it made the file left no more than a part of its first line. */
  private static boolean isPartOfHeader(byte[] bytes) {
    byte[] header = line(MAGIC, VERSION);
    return bytes.length < header.length
        && new String(header, StandardCharsets.UTF_8)
            .startsWith(new String(bytes, StandardCharsets.UTF_8));
  }

  private IOException foreign() {
    return new IOException(
        "%s is not a journal that this version of mpilock has written. Take another file, or delete it with the outputs that belong to it."
            .formatted(path));
  }

  /** Takes whole lines in, and tells how many bytes these are. */
  private int read(byte[] bytes) throws IOException {
    int from = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        String[] fields = fields(new String(bytes, from, i - from, StandardCharsets.UTF_8));
        if (fields.length == 0) {
          return from;
        }
        boolean isFirst = end == 0 && from == 0;
        if (isFirst != fields[0].equals(MAGIC) || (isFirst && !fields[1].equals(VERSION))) {
          throw foreign();
        }
        try {
          apply(fields);
        } catch (RuntimeException e) { // a checksum keeps nobody out
          throw new IOException(
              "The journal %s has a line that cannot be, %d bytes behind its beginning: %s"
                  .formatted(path, end + from, e.getMessage()),
              e);
        }
        from = i + 1;
      }
    }
    return from;
  }

  /** The fields of a line; none if it is not whole. */
  private static String[] fields(String line) {
    if (line.length() <= CHECKSUM_CHARS
        || !line.substring(0, CHECKSUM_CHARS).equals(checksum(line.substring(CHECKSUM_CHARS)))) {
      return new String[0];
    }
    String[] fields = line.substring(CHECKSUM_CHARS + 1).split(String.valueOf(TAB), -1);
    for (int i = 0; i < fields.length; i++) {
      fields[i] = fields[i].translateEscapes();
    }
    return fields;
  }

  private void apply(String[] fields) {
    switch (fields[0]) {
      case "plan" ->
          entries.put(fields[1], new Entry(WorkPlan.decode(fields[3]), entries.get(fields[1])));
      case "attempt" -> entryOf(fields).begin(Long.parseLong(fields[2]));
      case "mark" -> {
        places.put(fields[1], fields[2]);
        marks.put(fields[1], Long.valueOf(fields[3]));
      }
      case "done" -> {
        Entry entry = entryOf(fields);
        int i = 2;
        for (int runs = Integer.parseInt(fields[i++]); runs > 0; runs--) {
          int run = Integer.parseInt(fields[i++]);
          entry.runs[run] =
              new Progress(run, Long.parseLong(fields[i++]), fields[i++].equals("complete"));
        }
        while (i < fields.length) {
          marks.put(fields[i++], Long.valueOf(fields[i++]));
        }
      }
      default -> {
        // the first line
      }
    }
  }

  private Entry entryOf(String[] fields) {
    Entry entry = entries.get(fields[1]);
    if (entry == null) {
      throw new IllegalStateException(
          "The journal %s has no plan of %s".formatted(path, fields[1]));
    }
    return entry;
  }

  void appendPlan(Work work, WorkPlan plan) throws IOException {
    append("plan", work.key(), work.name(), plan.encode());
  }

  void appendAttempt(Work work) throws IOException {
    append("attempt", work.key(), String.valueOf(work.attempt()));
  }

  void appendMark(String output, String place, long mark) throws IOException {
    append("mark", output, place, String.valueOf(mark));
  }

  void appendDone(Work work, List<Progress> runs, Map<String, Long> ends) throws IOException {
    List<String> fields = new ArrayList<>(List.of("done", work.key(), String.valueOf(runs.size())));
    for (Progress run : runs) {
      fields.add(String.valueOf(run.run()));
      fields.add(String.valueOf(run.position()));
      fields.add(run.complete() ? "complete" : "open");
    }
    ends.forEach((output, mark) -> {
      fields.add(output);
      fields.add(String.valueOf(mark));
    });
    append(fields.toArray(String[]::new));
  }

  private void append(String... fields) throws IOException {
    byte[] line = line(fields);
    try (FileChannel channel = open()) {
      ByteBuffer buffer = ByteBuffer.wrap(line);
      while (buffer.hasRemaining()) {
        int _ = channel.write(buffer, end + buffer.position());
      }
      channel.force(false);
    }
    end += line.length;
    apply(fields);
  }

  private static byte[] line(String... fields) {
    StringBuilder line = new StringBuilder();
    for (String field : fields) {
      line.append(TAB).append(escape(field));
    }
    return (checksum(line.toString()) + line + '\n').getBytes(StandardCharsets.UTF_8);
  }

  private static String escape(String field) {
    return field
        .replace("\\", "\\\\")
        .replace("\t", "\\t")
        .replace("\n", "\\n")
        .replace("\r", "\\r");
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  private FileChannel open() throws IOException {
    return FileChannel.open(
        path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }
}

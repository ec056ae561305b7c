/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * The form in which a rank's figures travel: numbers and strings in a fixed order, deflated. No
 * object of the sender's choice is made on the way back, and every count is checked before anything
 * is made of that size.
 *
 * <pre>
 * version, rank, host, pid, begin, end, recorded
 * names:  count, string...                 resources and threads
 * modes:  count, (resource, use, contended, gaveUp, failed, wait, hold, waits, holds)...
 *         a distribution: count, (nanoseconds, how often)...
 * events: count, (resource, use, outcome, contended, thread, begin, wait, hold)...
 * </pre>
 */
final class RankCodec {
  private static final int VERSION = 1;
  private static final int MOST_NAMES = 1 << 20;
  private static final int MOST_MODES = 1 << 10;
  private static final int MOST_EVENTS = LockReport.MOST_EVENTS + 1000;
  private static final int MOST_VALUES = 1 << 16;

  private RankCodec() {}

  static byte[] encode(RankRecord record) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(new DeflaterOutputStream(bytes))) {
      out.writeInt(VERSION);
      out.writeInt(record.rank());
      out.writeUTF(record.host());
      out.writeLong(record.pid());
      out.writeLong(record.beginNanos());
      out.writeLong(record.endNanos());
      out.writeLong(record.recorded());
      Map<String, Integer> names = names(record);
      out.writeInt(names.size());
      for (String name : names.keySet()) {
        out.writeUTF(cut(name));
      }
      out.writeInt(record.modes().size());
      for (ModeRecord mode : record.modes()) {
        out.writeInt(names.getOrDefault(mode.resource(), -1));
        out.writeByte(mode.use().code());
        out.writeLong(mode.contended());
        out.writeLong(mode.gaveUp());
        out.writeLong(mode.failed());
        out.writeLong(mode.waitNanos());
        out.writeLong(mode.holdNanos());
        write(out, mode.waits());
        write(out, mode.holds());
      }
      out.writeInt(record.events().size());
      for (LockEvent event : record.events()) {
        out.writeInt(names.getOrDefault(event.resource(), -1));
        out.writeByte(event.use().code());
        out.writeByte(event.outcome().code());
        out.writeBoolean(event.contended());
        out.writeInt(names.getOrDefault(event.thread(), -1));
        out.writeLong(event.beginNanos());
        out.writeLong(event.waitNanos());
        out.writeLong(event.holdNanos());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // not to memory
    }
    return bytes.toByteArray();
  }

  static RankRecord decode(byte[] bytes) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new InflaterInputStream(new ByteArrayInputStream(bytes)))) {
      int version = in.readInt();
      if (version != VERSION) {
        throw new IOException("version " + version + " instead of " + VERSION);
      }
      int rank = in.readInt();
      String host = in.readUTF();
      long pid = in.readLong();
      long begin = in.readLong();
      long end = in.readLong();
      long recorded = in.readLong();
      String[] names = new String[count(in, MOST_NAMES, "names")];
      for (int i = 0; i < names.length; i++) {
        names[i] = in.readUTF();
      }
      List<ModeRecord> modes = new ArrayList<>();
      for (int left = count(in, MOST_MODES, "modes"); left > 0; left--) {
        modes.add(
            new ModeRecord(
                oneOf(names, in.readInt()),
                oneOf(LockUse.values(), in.readByte()),
                notNegative(in.readLong()),
                notNegative(in.readLong()),
                notNegative(in.readLong()),
                notNegative(in.readLong()),
                notNegative(in.readLong()),
                readHistogram(in),
                readHistogram(in)));
      }
      List<LockEvent> events = new ArrayList<>();
      for (int left = count(in, MOST_EVENTS, "events"); left > 0; left--) {
        events.add(
            new LockEvent(
                oneOf(names, in.readInt()),
                oneOf(LockUse.values(), in.readByte()),
                oneOf(LockOutcome.values(), in.readByte()),
                in.readBoolean(),
                oneOf(names, in.readInt()),
                in.readLong(),
                notNegative(in.readLong()),
                notNegative(in.readLong())));
      }
      return new RankRecord(rank, host, pid, begin, end, recorded, modes, events);
    }
  }

  /** Every name with its number, in the order of the numbers. */
  private static Map<String, Integer> names(RankRecord record) {
    Map<String, Integer> names = new LinkedHashMap<>();
    record.modes().forEach(mode -> names.putIfAbsent(mode.resource(), names.size()));
    record
        .events()
        .forEach(event -> {
          names.putIfAbsent(event.resource(), names.size());
          names.putIfAbsent(event.thread(), names.size());
        });
    return names;
  }

  /** A thread's name may be of any length, a string of DataOutput may not. */
  private static String cut(String name) {
    return name.length() <= 255 ? name : name.substring(0, 255);
  }

  private static void write(DataOutputStream out, Histogram histogram) throws IOException {
    List<long[]> values = new ArrayList<>();
    for (HistogramIterationValue value : histogram.recordedValues()) {
      values.add(new long[] {value.getValueIteratedTo(), value.getCountAtValueIteratedTo()});
    }
    out.writeInt(values.size());
    for (long[] value : values) {
      out.writeLong(value[0]);
      out.writeLong(value[1]);
    }
  }

  private static Histogram readHistogram(DataInputStream in) throws IOException {
    Histogram histogram = Histograms.plain();
    for (int left = count(in, MOST_VALUES, "values"); left > 0; left--) {
      Histograms.record(histogram, notNegative(in.readLong()), notNegative(in.readLong()));
    }
    return histogram;
  }

  private static int count(DataInputStream in, int most, String what) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > most) {
      throw new IOException(count + " " + what);
    }
    return count;
  }

  private static long notNegative(long value) throws IOException {
    if (value < 0) {
      throw new IOException("a count or a time of " + value);
    }
    return value;
  }

  private static <T> T oneOf(T[] values, int index) throws IOException {
    if (index < 0 || index >= values.length) {
      throw new IOException("no such value: " + index);
    }
    return values[index];
  }
}

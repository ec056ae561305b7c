/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * What travels over a lifeline. Ranks are those of the job.
 *
 * <pre>
 *   rank to hub       Meet, CutShort, Abort, Bye
 *   hub to rank       Met, Missed, Stop; CutShort, Died, Left, Abort to all
 * </pre>
 */
@SuppressWarnings("ArrayRecordComponent") // messages are not compared
sealed interface LifelineMessage {
  /** Above this a message is none: the largest carries a few hundred bytes for each rank. */
  int LONGEST = 64 << 20;

  /** In characters; each takes at most 3 of the 65535 bytes that {@code writeUTF} takes. */
  int LONGEST_REASON = 20_000;

  /** The sender is at a meeting of the members, and brings something. */
  record Meet(String meeting, int[] members, byte[] brought) implements LifelineMessage {}

  /** All were there; what each brought, in the order of the members. */
  record Met(String meeting, byte[][] brought) implements LifelineMessage {}

  /** A member will never be there. */
  record Missed(String meeting, int rank) implements LifelineMessage {}

  /** The job cannot begin. */
  record Stop(String reason) implements LifelineMessage {}

  /** A rank's process has ended without a farewell. */
  record Died(int rank) implements LifelineMessage {}

  /** A rank has said farewell. */
  record Left(int rank) implements LifelineMessage {}

  /** Every rank is to end with this status. */
  record Abort(int status, int by) implements LifelineMessage {}

  /** The sender says farewell. */
  record Bye() implements LifelineMessage {}

  /**
   * A rank comes to no meeting of a group any more, nor of those made of it from a call on.
   *
   * @param group the group's name
   * @param from the number of that call
   * @param rank who does not come, by its place in the group
   * @param reason why
   */
  record CutShort(String group, int from, int rank, String reason) implements LifelineMessage {
    /** Whether a meeting, by its name, is one of these. */
    boolean covers(String meeting) {
      String its = meeting.substring(0, Math.max(0, meeting.lastIndexOf('/')));
      if (its.equals(group)) {
        return true;
      }
      if (!its.startsWith(group + "/")) {
        return false;
      }
      int number = 0;
      for (int i = group.length() + 1; i < its.length() && its.charAt(i) != '/'; i++) {
        char next = its.charAt(i);
        if (next == '.') {
          break; // a part of a split
        }
        number = Character.isDigit(next) ? number * 10 + (next - '0') : number;
      }
      return number >= from;
    }
  }

  /** Encodes the message. */
  default ByteBuffer encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      switch (this) {
        case Meet(String meeting, int[] members, byte[] brought) -> {
          out.writeByte(1);
          out.writeUTF(meeting);
          out.writeInt(members.length);
          for (int member : members) {
            out.writeInt(member);
          }
          write(out, brought);
        }
        case Met(String meeting, byte[][] brought) -> {
          out.writeByte(2);
          out.writeUTF(meeting);
          out.writeInt(brought.length);
          for (byte[] each : brought) {
            write(out, each);
          }
        }
        case Missed(String meeting, int rank) -> {
          out.writeByte(3);
          out.writeUTF(meeting);
          out.writeInt(rank);
        }
        case Stop(String reason) -> {
          out.writeByte(4);
          out.writeUTF(reason.substring(0, Math.min(reason.length(), LONGEST_REASON)));
        }
        case Died(int rank) -> {
          out.writeByte(5);
          out.writeInt(rank);
        }
        case Left(int rank) -> {
          out.writeByte(6);
          out.writeInt(rank);
        }
        case Abort(int status, int by) -> {
          out.writeByte(7);
          out.writeInt(status);
          out.writeInt(by);
        }
        case Bye() -> out.writeByte(8);
        case CutShort(String group, int from, int rank, String reason) -> {
          out.writeByte(9);
          out.writeUTF(group);
          out.writeInt(from);
          out.writeInt(rank);
          out.writeUTF(reason.substring(0, Math.min(reason.length(), LONGEST_REASON)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return ByteBuffer.wrap(bytes.toByteArray());
  }

  /**
   * Decodes what a rank of the job sent.
   *
   * @throws IOException if it is no message
   */
  static LifelineMessage decode(ByteBuffer buffer) throws IOException {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    int kind = in.readByte();
    LifelineMessage message =
        switch (kind) {
          case 1 -> {
            String meeting = in.readUTF();
            int[] members = new int[length(in)];
            for (int i = 0; i < members.length; i++) {
              members[i] = in.readInt();
            }
            yield new Meet(meeting, members, read(in));
          }
          case 2 -> {
            String meeting = in.readUTF();
            byte[][] brought = new byte[length(in)][];
            for (int i = 0; i < brought.length; i++) {
              brought[i] = read(in);
            }
            yield new Met(meeting, brought);
          }
          case 3 -> new Missed(in.readUTF(), in.readInt());
          case 4 -> new Stop(in.readUTF());
          case 5 -> new Died(in.readInt());
          case 6 -> new Left(in.readInt());
          case 7 -> new Abort(in.readInt(), in.readInt());
          case 8 -> new Bye();
          case 9 -> new CutShort(in.readUTF(), in.readInt(), in.readInt(), in.readUTF());
          default -> throw new IOException("there is no message of kind " + kind);
        };
    if (in.available() > 0) {
      throw new IOException(in.available() + " bytes too many in a message of kind " + kind);
    }
    return message;
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static byte[] read(DataInputStream in) throws IOException {
    byte[] bytes = new byte[length(in)];
    in.readFully(bytes);
    return bytes;
  }

  /** A length that what is left can fill. */
  private static int length(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > in.available()) {
      throw new IOException("a message says that " + length + " more follow");
    }
    return length;
  }
}

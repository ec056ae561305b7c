/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import io.mpilock.internal.job.Message.MalformedException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The parts of a frame. What is read came from another process. */
final class Frames {
  private Frames() {}

  static byte code(Permission permission) {
    return switch (permission) {
      case NONE -> 0;
      case SHARED -> 1;
      case EXCLUSIVE -> 2;
    };
  }

  static byte code(boolean flag) {
    return (byte) (flag ? 1 : 0);
  }

  static ByteBuffer put(ByteBuffer frame, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, Message.LONGEST_TEXT);
    while (length < bytes.length && (bytes[length] & 0xC0) == 0x80) {
      length--; // the next byte goes on with a character: that is left out whole
    }
    return frame.putShort((short) length).put(bytes, 0, length);
  }

  /** How many bytes a text takes, behind its length; or a few more if it is cut. */
  static int bytes(String text) {
    return Math.min(Message.LONGEST_TEXT, text.getBytes(StandardCharsets.UTF_8).length);
  }

  static Permission permission(ByteBuffer frame) throws MalformedException {
    return switch (frame.get()) {
      case 0 -> Permission.NONE;
      case 1 -> Permission.SHARED;
      case 2 -> Permission.EXCLUSIVE;
      default -> throw new MalformedException("there is no such permission");
    };
  }

  static boolean flag(ByteBuffer frame) throws MalformedException {
    return switch (frame.get()) {
      case 0 -> false;
      case 1 -> true;
      default -> throw new MalformedException("there is no such flag");
    };
  }

  static String text(ByteBuffer frame) throws MalformedException {
    int length = frame.getShort();
    if (length < 0 || length > Message.LONGEST_TEXT) {
      throw new MalformedException("a text of " + length + " bytes");
    }
    byte[] bytes = new byte[length]; // bounded above
    frame.get(bytes);
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (!Arrays.equals(bytes, text.getBytes(StandardCharsets.UTF_8))) { // what is not is replaced
      throw new MalformedException("a text is not UTF-8");
    }
    return text;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports for servers that tests start, and that must be told beforehand where to listen. They are
 * below those that a system gives to whoever asks for any: one of these may go to another test
 * between the look and the use.
 */
public final class FreePorts {
  private static final int FIRST = 10_000;
  private static final int END = 30_000; // Linux gives those from 32,768 on

  private FreePorts() {}

  /**
   * Finds a port.
   *
   * @return one that nobody listened at a moment ago
   */
  public static int one() {
    return inARow(1);
  }

  /**
   * Finds ports in a row.
   *
   * @param count how many
   * @return the first of them; nobody listened at any of them a moment ago
   */
  public static int inARow(int count) {
    while (true) {
      int first = ThreadLocalRandom.current().nextInt(FIRST, END);
      List<ServerSocket> taken = new ArrayList<>();
      try {
        for (int port = first; port < first + count; port++) {
          taken.add(new ServerSocket(port, 1, InetAddress.getLoopbackAddress()));
        }
        return first;
      } catch (IOException e) {
        // One of them is in use.
      } finally {
        taken.forEach(FreePorts::close);
      }
    }
  }

  private static void close(ServerSocket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

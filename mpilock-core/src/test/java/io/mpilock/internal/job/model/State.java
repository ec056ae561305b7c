/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import io.mpilock.internal.job.Permission;
import java.util.Arrays;

/**
 * A state of the whole model, in bytes: two states are the same if their bytes are. It holds all
 * that the future depends on, and what the properties have to remember.
 *
 * <pre>
 *   each node     gate | flags | token | holder, two bytes | name of its tries
 *                 | each rank: phase, rounds to come and whether a question covers its try
 *   home          each node: holding and plea, name of its tries, whom its answer counts for
 *                 | writers in order | readers in order | token | poisoned, and who was told
 *   remembered    token of the last write | flags | writers in the order in which home saw them
 *   each channel  length | messages, two bytes each, the oldest first
 * </pre>
 *
 * There are two channels for each node but the home's: to the home, and from it.
 */
final class State {
  /** Ranks of a node, at most. */
  static final int RANKS = 2;

  // What the agent is in its node's words: NodeGate's states. CLAIMED is ASKING after the owner
  // gave the lock to the agent, which has not taken note yet.
  static final int OPEN = 0;
  static final int ASKING = 1;
  static final int CLAIMED = 2;
  static final int DRAINING = 3;
  static final int CLOSED = 4;
  static final int READABLE = 5;

  // A node's flags.
  /** The resource is in the agent's inbox. */
  static final int TOLD = 1;

  /** A rank has asked since the node's holder is new. */
  static final int USED = 2;

  /** The node's words say that a writer died. */
  static final int POISONED = 4;

  /** The node's window says BROKEN. */
  static final int BROKEN = 8;

  /** The agent has noticed that a rank of its node died. */
  static final int NOTICED = 16;

  /** The agent and all ranks have vanished. */
  static final int DOWN = 32;

  /** A rank there has given free what was poisoned: once is enough. */
  static final int FREED = 64;

  // What a rank is at.
  static final int IDLE = 0;
  static final int WAITS_TO_READ = 1;
  static final int READS = 2;
  static final int WAITS_TO_WRITE = 3;

  /** Owns the node's lock and waits for readers to leave. */
  static final int OWNS = 4;

  static final int WRITES = 5;
  static final int THROUGH = 6;

  // Beside that, in the same byte.
  static final int KIND = 7;
  static final int TRIES = 8;

  /** A try that saw REFUSALS change. */
  static final int REFUSED = 16;

  /** It died, and its node's words still say what it did. */
  static final int DEAD = 32;

  /** A request to write that is not the first of its node. */
  static final int SECOND = 64;

  /** A try that met somebody. */
  static final int MET = 128;

  /** In the byte of the rounds to come: a question covers its try. */
  static final int COVERED = 64;

  static final int ROUNDS = 15;

  /** How the name of a node's newest tries is kept. */
  static final int LAST_TRIES = 128;

  /** How all older names are: they only differ from the newest. */
  static final int OLD_TRIES = 64;

  /** A node is to settle; beside that bits for whose tries its answer counts. */
  static final int SETTLES = 128;

  // What is remembered.
  static final int CRASHED = 1;
  static final int WRITER_DIED = 2;

  /** How the token of the last write is kept. */
  static final int LAST_TOKEN = 128;

  private static final int NODE_BYTES = 6 + 2 * RANKS;

  final int nodes;
  final int home;
  final int remembered;
  final int channels;
  private final int capacity;
  private final int channelBytes;
  byte[] bytes;

  /**
   * Makes the room for a state.
   *
   * @param nodes how many there are
   * @param capacity messages in a channel, at most; more would be a message loop
   */
  State(int nodes, int capacity) {
    this.nodes = nodes;
    this.capacity = capacity;
    channelBytes = 1 + 2 * capacity;
    home = nodes * NODE_BYTES;
    remembered = home + 5 * nodes + 2;
    channels = remembered + 2 + nodes;
    int length = channels + 2 * (nodes - 1) * channelBytes;
    bytes = new byte[(length + 7) / 8 * 8]; // whole longs, for the hash
  }

  /** A permission in two bits. */
  static int number(Permission permission) {
    return switch (permission) {
      case NONE -> 0;
      case SHARED -> 1;
      case EXCLUSIVE -> 2;
    };
  }

  static Permission permission(int number) {
    return switch (number) {
      case 0 -> Permission.NONE;
      case 1 -> Permission.SHARED;
      case 2 -> Permission.EXCLUSIVE;
      default -> throw new AssertionError(number);
    };
  }

  int get(int index) {
    return bytes[index] & 0xFF;
  }

  void set(int index, int value) {
    bytes[index] = (byte) value;
  }

  int gate(int node) {
    return bytes[node * NODE_BYTES];
  }

  void gate(int node, int state) {
    set(node * NODE_BYTES, state);
  }

  boolean is(int node, int flag) {
    return (bytes[node * NODE_BYTES + 1] & flag) != 0;
  }

  void set(int node, int flag, boolean on) {
    int index = node * NODE_BYTES + 1;
    set(index, on ? get(index) | flag : get(index) & ~flag);
  }

  int token(int node) {
    return get(node * NODE_BYTES + 2);
  }

  void token(int node, int token) {
    set(node * NODE_BYTES + 2, token);
  }

  /** Where the holder of a node stands. */
  static int holder(int node) {
    return node * NODE_BYTES + 3;
  }

  /** Where what a rank is at stands; the rounds that it has to come stand behind. */
  static int rank(int node, int rank) {
    return node * NODE_BYTES + 6 + 2 * rank;
  }

  /** What a node calls its newest tries; while something happens. */
  int tries(int node) {
    return get(node * NODE_BYTES + 5);
  }

  void tries(int node, int name) {
    set(node * NODE_BYTES + 5, name);
  }

  int kind(int node, int rank) {
    return bytes[rank(node, rank)] & KIND;
  }

  /** Where the channel to or from the home stands. */
  int channel(int node, boolean toHome) {
    return channels + (2 * (node - 1) + (toHome ? 0 : 1)) * channelBytes;
  }

  boolean push(int channel, int message) {
    int length = bytes[channel];
    if (length == capacity) {
      return false;
    }
    set(channel + 1 + 2 * length, message);
    set(channel + 2 + 2 * length, message >>> 8);
    set(channel, length + 1);
    return true;
  }

  int pop(int channel) {
    int message = get(channel + 1) | (get(channel + 2) << 8);
    int length = bytes[channel] - 1;
    System.arraycopy(bytes, channel + 3, bytes, channel + 1, 2 * length);
    cut(channel, length);
    return message;
  }

  int message(int channel, int place) {
    return get(channel + 1 + 2 * place) | (get(channel + 2 + 2 * place) << 8);
  }

  /** Keeps only the oldest messages. */
  void cut(int channel, int length) {
    Arrays.fill(bytes, channel + 1 + 2 * length, channel + channelBytes, (byte) 0);
    set(channel, length);
  }

  /**
   * Of the states that differ only in the names of ranks of a node, and of nodes other than the
   * home's, and in how many writes there were before, gives always the same one. No rule of the
   * protocol looks at a name, and tokens are only compared and counted on.
   */
  byte[] canonical() {
    shiftTokens();
    shiftTries();
    for (int node = 0; node < nodes; node++) {
      sortRanks(node);
    }
    if (nodes < 3) {
      return bytes.clone();
    }
    int order =
        Arrays.compare(bytes, NODE_BYTES, 2 * NODE_BYTES, bytes, 2 * NODE_BYTES, 3 * NODE_BYTES);
    if (order < 0) {
      return bytes.clone();
    }
    byte[] swapped = swapLastNodes();
    if (order > 0) {
      return swapped;
    }
    return Arrays.compare(bytes, swapped) <= 0 ? bytes.clone() : swapped;
  }

  /** The token of the last write becomes {@link #LAST_TOKEN}, the others keep their distance. */
  private void shiftTokens() {
    int shift = LAST_TOKEN - get(remembered);
    set(remembered, LAST_TOKEN);
    set(home + 5 * nodes, get(home + 5 * nodes) + shift);
    for (int node = 0; node < nodes; node++) {
      boolean has = (get(holder(node)) & 3) != 0;
      token(node, has ? token(node) + shift : 0); // a grant sets it before anybody looks
    }
    for (int channel = channels; channel < channels + 2 * (nodes - 1) * channelBytes; ) {
      for (int place = 0; place < get(channel); place++) {
        int index = channel + 1 + 2 * place;
        if (Wire.hasToken(get(index))) {
          set(index + 1, get(index + 1) + shift);
        }
      }
      channel += channelBytes;
    }
  }

  /** What a node calls its newest tries becomes {@link #LAST_TRIES}. */
  private void shiftTries() {
    for (int node = 0; node < nodes; node++) {
      int last = tries(node);
      tries(node, LAST_TRIES);
      set(home + 3 * node + 1, shifted(get(home + 3 * node + 1), last));
      for (boolean toHome : node == 0 ? new boolean[0] : new boolean[] {true, false}) {
        int channel = channel(node, toHome);
        for (int place = 0; place < get(channel); place++) {
          int index = channel + 1 + 2 * place;
          if (Wire.namesTries(get(index))) {
            set(index + 1, shifted(get(index + 1), last));
          }
        }
      }
    }
  }

  private static int shifted(int name, int last) {
    return name == 0 ? 0 : name == last ? LAST_TRIES : OLD_TRIES;
  }

  private void sortRanks(int node) {
    int first = rank(node, 0);
    int second = rank(node, 1);
    int one = (get(first) << 8) | get(first + 1);
    int other = (get(second) << 8) | get(second + 1);
    if (one > other) {
      set(first, other >>> 8);
      set(first + 1, other);
      set(second, one >>> 8);
      set(second + 1, one);
    }
  }

  /** With three nodes, the second and the third change places. */
  private byte[] swapLastNodes() {
    byte[] swapped = bytes.clone();
    swap(swapped, NODE_BYTES, NODE_BYTES);
    swap(swapped, home + 3, 3);
    for (int node = 0; node < nodes; node++) {
      int settles = swapped[home + 3 * node + 2];
      if (((settles >> 1) & 1) != ((settles >> 2) & 1)) {
        swapped[home + 3 * node + 2] = (byte) (settles ^ 6);
      }
    }
    for (int queue : new int[] {home + 3 * nodes, home + 4 * nodes, remembered + 2}) {
      for (int place = queue; place < queue + nodes; place++) {
        int entry = swapped[place];
        if ((entry & 15) >= 2) { // node 1 is told as 2, node 2 as 3
          swapped[place] = (byte) (entry ^ 1);
        }
      }
    }
    swap(swapped, channels, 2 * channelBytes);
    int poison = home + 5 * nodes + 1;
    int told = swapped[poison]; // is it poisoned, a bit for each node, and the writer's node
    if (((told >> 2) & 1) != ((told >> 3) & 1)) {
      swapped[poison] ^= 12;
    }
    if (told >> 4 != 0) {
      swapped[poison] ^= 48; // 1 is told as 2, 2 as 1
    }
    return swapped;
  }

  private void swap(byte[] to, int first, int length) {
    System.arraycopy(bytes, first, to, first + length, length);
    System.arraycopy(bytes, first + length, to, first, length);
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the protocol is told by the layer above.
 *
 * @param master the rank that single writes go to unless told otherwise
 * @param phaseFair whether waiting readers go before the next writer
 * @param otherwiseFair the names of the resources of which the contrary is so
 * @param handoverLimit how often one rank's threads may pass a write among themselves
 * @param releaseOnDeath whether a resource whose writer died goes on to the next
 * @param failOnDeadlock whether the latest request of a cycle of waits is given up
 * @param stallWarning after how long a wait is reported
 * @param shutdownTimeout how long close waits
 * @param heartbeatTimeout how long a node may be silent before it counts as dead
 * @param windowWords what each rank adds to the window, in words; 0 for what suits the room that
 *     its node has, from {@link #LEAST_WINDOW_WORDS} to {@link #MOST_WINDOW_WORDS}
 * @param encoder writes shared objects
 * @param decoder reads shared objects
 * @param stallListener is told of each stall, beside the log
 */
public record CoreSettings(
    int master,
    boolean phaseFair,
    Set<String> otherwiseFair,
    int handoverLimit,
    boolean releaseOnDeath,
    boolean failOnDeadlock,
    Duration stallWarning,
    Duration shutdownTimeout,
    Duration heartbeatTimeout,
    long windowWords,
    Encoder encoder,
    Decoder decoder,
    StallListener stallListener) {

  /** The resource of the calls without a name; its home is the master's node. */
  public static final String DEFAULT_RESOURCE = "default";

  /** What each rank adds to the window of a node with little room. */
  public static final long LEAST_WINDOW_WORDS = (1 << 20) / Long.BYTES;

  /** What each rank adds to the window of a node with enough room. */
  public static final long MOST_WINDOW_WORDS = (32 << 20) / Long.BYTES;

  /**
   * Tells whether waiting readers of a resource go before its next writer. All ranks of all nodes
   * have equal settings, so they agree on it without a word. Those of a counter always do: who asks
   * what it stands at must not wait until nobody counts.
   *
   * @param resource its name
   * @return whether they do
   */
  public boolean phaseFair(String resource) {
    return CallNames.isCounter(resource) || phaseFair != otherwiseFair.contains(resource);
  }

  /**
   * Tells whether a resource whose writer died goes on to the next. That of a counter always does:
   * what it guards is one word, which is changed in one step.
   *
   * @param resource its name
   * @return whether it does; else it is poisoned
   */
  public boolean releaseOnDeath(String resource) {
    return releaseOnDeath || CallNames.isCounter(resource);
  }

  /** Writes a shared object. */
  @FunctionalInterface
  public interface Encoder {
    /**
     * Writes an object.
     *
     * @param value the object, or null
     * @param out where its bytes go
     * @throws IOException if it cannot be encoded
     */
    void encode(@Nullable Object value, OutputStream out) throws IOException;
  }

  /** Reads a shared object. */
  @FunctionalInterface
  public interface Decoder {
    /**
     * Reads an object.
     *
     * @param in its bytes
     * @return the object, or null
     * @throws IOException if the bytes are not an object's
     * @throws ClassNotFoundException if its class is not here
     */
    @Nullable Object decode(InputStream in) throws IOException, ClassNotFoundException;
  }

  /** Is told of stalls, and of what else goes wrong. */
  @FunctionalInterface
  public interface StallListener {
    /**
     * A wait has lasted.
     *
     * @param resource the resource's name
     * @param report who holds it and who waits
     */
    void stalled(String resource, String report);

    /**
     * A rank is dead, or as good as that. Told whenever somebody finds out.
     *
     * @param rank the rank
     * @param report what is known
     */
    default void rankFailed(int rank, String report) {}

    /**
     * Nobody gets a resource any more. Told whenever somebody finds out.
     *
     * @param resource the resource's name
     * @param rank who died while it wrote
     */
    default void poisoned(String resource, int rank) {}

    /**
     * A request of this rank is given up, since it is the latest in a cycle of waits.
     *
     * @param resource the resource's name
     * @param report who is in the cycle
     */
    default void deadlocked(String resource, String report) {}
  }
}

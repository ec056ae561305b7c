/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The MPJ Express worlds that this rank has with others, one with each rank that it exchanges
 * frames with, from the first messenger that needs it to the end of the job. Each messenger is a
 * channel in them.
 */
final class Pairs {
  private final Map<Integer, Pair> pairs = new ConcurrentHashMap<>();
  private final Map<Long, MpjMessenger> messengers = new ConcurrentHashMap<>();

  Pairs(Lifeline lifeline) {
    lifeline.onDeath(this::died);
  }

  /** Ends the world with a rank that is dead, if there is one. Does not wait. */
  void died(int worldRank) {
    Pair pair = pairs.get(worldRank);
    if (pair != null) {
      // Closing may wait a little for who is inside MPJ Express.
      Thread.ofPlatform().daemon().name("mpilock-mpj-end").start(pair::end);
    }
  }

  /** The same number on all ranks for the same collective call; that two have one is no danger. */
  static long channel(String call) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(call.getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(digest).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Frames of this channel go to this messenger; before any can come. */
  void open(long channel, MpjMessenger messenger) {
    messengers.put(channel, messenger);
  }

  /** Frames of this channel are dropped. */
  void close(long channel) {
    messengers.remove(channel);
  }

  @Nullable Pair get(int worldRank) {
    return pairs.get(worldRank);
  }

  void add(int worldRank, MpjWorld world, String name) {
    pairs.put(
        worldRank,
        new Pair(
            name,
            world,
            (channel, frame) -> {
              MpjMessenger messenger = messengers.get(channel);
              if (messenger != null) {
                messenger.deliver(worldRank, frame);
              }
            }));
  }

  /** Ends all worlds, each when its other end has ended it too. Waits for nobody. */
  void end() {
    pairs.values().forEach(Pair::close);
  }
}

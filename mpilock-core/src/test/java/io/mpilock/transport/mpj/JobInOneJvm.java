/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.MpjSettings;
import io.mpilock.transport.TransportSettings;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Ranks of a job as threads of this JVM, which is possible because nothing of theirs is static. */
final class JobInOneJvm {
  static final String SECRET = "0123456789abcdef0123456789abcdef";

  private JobInOneJvm() {}

  static MpjSettings settings(int port, Duration timeout) {
    return new MpjSettings(null, "127.0.0.1:" + port, SECRET, null, timeout);
  }

  static TransportSettings rank(int rank, int size, MpjSettings settings) {
    return new TransportSettings(
        new Launcher(Launcher.Kind.BY_HAND, rank, size, -1),
        null,
        Duration.ofSeconds(30),
        settings);
  }

  /** Starts a rank on a thread of its own. */
  static CompletableFuture<Communicator> start(TransportSettings settings) {
    return start(
        settings,
        status -> {
          throw new AssertionError("aborted with " + status);
        });
  }

  static CompletableFuture<Communicator> start(TransportSettings settings, IntConsumer halt) {
    Launcher launcher = settings.launcher();
    return supply(
        "rank-" + (launcher == null ? 0 : launcher.rank()),
        () -> MpjRuntime.start(settings, new JobEnvironment(Map.of()), halt).open(settings));
  }

  static <T extends @Nullable Object> CompletableFuture<T> supply(
      String name, java.util.function.Supplier<T> task) {
    return CompletableFuture.supplyAsync(
        task, command -> Thread.ofPlatform().daemon().name(name).start(command));
  }
}

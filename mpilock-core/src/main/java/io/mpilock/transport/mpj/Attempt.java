/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What came of work with files, of which all ranks are to hear.
 *
 * @param result what was made, or null
 * @param failure why it was not, or null
 */
record Attempt<T>(@Nullable T result, @Nullable IOException failure) {
  private static final char MADE = '+';
  private static final char FAILED = '-';

  interface Work<T> {
    T run() throws IOException;
  }

  /** On a thread of its own: an interrupt of the caller's would close the file. */
  static <T> Attempt<T> of(Work<T> work) {
    CompletableFuture<Attempt<T>> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("mpilock-mpj-files")
        .start(() -> {
          try {
            done.complete(new Attempt<>(work.run(), null));
          } catch (IOException e) {
            done.complete(new Attempt<>(null, e));
          } catch (Throwable e) {
            done.complete(new Attempt<>(null, new IOException(e)));
          }
        });
    try {
      return UninterruptedWait.uninterrupted(done);
    } catch (ExecutionException e) {
      throw new IllegalStateException("completed normally above", e);
    }
  }

  String say(Function<T, Object> word) {
    if (failure != null) {
      return FAILED + failure.toString();
    }
    return result == null ? "" : MADE + word.apply(result).toString();
  }

  static boolean isFailure(String said) {
    return !said.isEmpty() && said.charAt(0) == FAILED;
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Launcher;
import io.mpilock.transport.Launcher.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How a process ends that initialised MPI and cannot finalise it, since some rank failed. Its own
 * status may be 0, and so would the job's be under Hydra, which then kills the others. So it never
 * ends with 0.
 *
 * <p>An abort is the only thing that always tells Hydra. It is called where it kills nobody that
 * would have lived: only under Hydra, which ends the job anyway when a rank leaves without
 * MPI_Finalize, and not if Hydra was told to let the others live. On another node than Hydra's own
 * that cannot be seen, so on several nodes the status alone tells.
 */
final class UnfinishedEnd {

  /** As long as the starter gives a rank to say what went wrong before another ends the job. */
  private static final long OTHERS_WORDS_NANOS = 2_000_000_000;

  /** The launcher reads what ranks print in its own time. */
  private static final long LAST_WORDS_NANOS = 200_000_000;

  private static final int FAILURE = 1;

  private static final String LETS_OTHERS_LIVE = "-disable-auto-cleanup";

  private final IntConsumer abort;
  private final AtomicBoolean noted = new AtomicBoolean();
  private volatile boolean aborts;
  private volatile boolean missesAnother;

  /**
   * Prepares for such an end.
   *
   * @param launcher who started this process, if anybody did
   * @param abort ends the job with a status, and does not return
   */
  UnfinishedEnd(@Nullable Launcher launcher, IntConsumer abort) {
    this.abort = abort;
    aborts = launcher != null && launcher.name() == Kind.HYDRA;
  }

  /** Says that the job is on several nodes. */
  void onSeveralNodes() {
    aborts = false;
  }

  /**
   * Says that this process will not finalise MPI: from now on it ends with a failure. While the JVM
   * shuts down already, whoever closed has to call {@link #end} behind all that is left to do.
   *
   * @param another whether that is for the sake of another rank, which has the reason to tell
   */
  void note(boolean another) {
    missesAnother = another;
    if (noted.compareAndSet(false, true)) {
      try {
        Runtime.getRuntime()
            .addShutdownHook(new Thread(null, () -> end(FAILURE), "mpilock-end", 0, false));
      } catch (IllegalStateException shuttingDown) {
        // see above
      }
    }
  }

  /** Ends this process with a failure, if it will not finalise MPI; else it does nothing. */
  void end(int status) {
    if (!noted.get()) {
      return;
    }
    LockSupport.parkNanos(missesAnother ? OTHERS_WORDS_NANOS : LAST_WORDS_NANOS);
    if (aborts && !letsOthersLive()) {
      abort.accept(status);
    }
    Runtime.getRuntime().halt(status);
  }

  /** What Hydra was told: only its command line has it. */
  private static boolean letsOthersLive() {
    Optional<ProcessHandle> ancestor = ProcessHandle.current().parent();
    while (ancestor.isPresent()) {
      if (words(ancestor.get().pid()).stream()
          .anyMatch(word -> word.equals(LETS_OTHERS_LIVE) || word.equals("-" + LETS_OTHERS_LIVE))) {
        return true;
      }
      ancestor = ancestor.get().parent();
    }
    return false;
  }

  private static List<String> words(long pid) {
    try {
      byte[] line = Files.readAllBytes(Path.of("/proc", Long.toString(pid), "cmdline"));
      return List.of(new String(line, StandardCharsets.ISO_8859_1).split("\0", -1));
    } catch (IOException e) {
      return List.of();
    }
  }
}

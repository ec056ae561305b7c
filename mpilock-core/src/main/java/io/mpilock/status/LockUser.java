/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.status;

import io.mpilock.transport.Member;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Threads of one rank that hold a resource, or wait for it, in the same mode.
 *
 * @param member the rank, with its host and process
 * @param mode how
 * @param threads how many threads
 * @param thread the start of the name of one of them: of those who read the last that began, of
 *     those who wait the one that has waited longest; or null if it is not known, as it is not in
 *     the first quarter of a second that a thread waits to read
 * @param threadId that thread's id in its process, or 0
 * @param elapsed for how long at least that thread has held or waited, or null if it is not known.
 *     No clock is read when a lock is granted at once, so for a hold that no thread waits for it is
 *     not, nor of a read with {@code phase-fair}, or if only other nodes wait
 * @param kept for what that thread still holds a write whose body has ended, and since when, in
 *     words; or null if it is in the body
 * @param ended whether that thread has ended while it held, so that it gives nothing back. It is
 *     seen by its own rank, if a thread there waits for the resource too, or asks for the status
 * @since 0.1.0
 */
public record LockUser(
    Member member,
    Mode mode,
    int threads,
    @Nullable String thread,
    long threadId,
    @Nullable Duration elapsed,
    @Nullable String kept,
    boolean ended) {

  /** How a resource is used. */
  public enum Mode {
    /** Shared with other readers. */
    READ,
    /** Alone. */
    WRITE
  }

  /** Checks the parts. */
  public LockUser {
    Objects.requireNonNull(member, "member");
    Objects.requireNonNull(mode, "mode");
  }
}

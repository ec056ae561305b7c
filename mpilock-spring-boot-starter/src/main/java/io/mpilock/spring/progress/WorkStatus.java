/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.progress;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How far a work is on all ranks together.
 *
 * @param name the job's name and the step's, with a slash between
 * @param units how many units there are
 * @param done how many of them are done, by this start of the job and by earlier ones
 * @param elapsed since this rank began it, in this start of the job
 * @param perSecond how many were done in a second, on average of this start; 0 at the beginning
 * @param left how long it goes on at this rate; null while that is not known
 * @since 0.1.0
 */
public record WorkStatus(
    String name,
    long units,
    long done,
    Duration elapsed,
    double perSecond,
    @Nullable Duration left) {}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Readers-writer locks and single-write sections over the ranks of an MPI job.
 *
 * <p>Start at {@link io.mpilock.WindowController#sync()}.
 */
@NullMarked
package io.mpilock;

import org.jspecify.annotations.NullMarked;

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** An exhaustive check of the job level's state machines. */
@NullMarked
package io.mpilock.internal.job.model;

import org.jspecify.annotations.NullMarked;

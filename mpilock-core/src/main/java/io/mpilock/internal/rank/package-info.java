/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The threads of one rank: what they hold and wait for, deadlocks among them, and the names of
 * resources. Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal.rank;

import org.jspecify.annotations.NullMarked;

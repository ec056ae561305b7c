/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The calls that all ranks make together: single writes, the stream of what is shared, and close.
 * Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal.call;

import org.jspecify.annotations.NullMarked;

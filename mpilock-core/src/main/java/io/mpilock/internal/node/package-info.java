/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The lock of a resource among the ranks of a node, on the words of its window, and the recovery of
 * what dead ranks left. Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal.node;

import org.jspecify.annotations.NullMarked;

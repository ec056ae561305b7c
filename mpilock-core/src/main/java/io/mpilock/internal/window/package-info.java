/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The words that the ranks of a node share, how to wait for a change of one, and the context of a
 * rank. Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal.window;

import org.jspecify.annotations.NullMarked;

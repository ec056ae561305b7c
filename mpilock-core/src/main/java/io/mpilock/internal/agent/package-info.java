/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The one thread that speaks for a node to the other nodes, in a job of several. Internal:
 * applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal.agent;

import org.jspecify.annotations.NullMarked;

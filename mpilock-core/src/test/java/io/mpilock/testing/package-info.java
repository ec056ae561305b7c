/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Runs test programs as the ranks of real MPI jobs. */
@NullMarked
package io.mpilock.testing;

import org.jspecify.annotations.NullMarked;

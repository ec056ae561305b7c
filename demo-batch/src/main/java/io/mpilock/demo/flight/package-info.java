/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** The input: flights as lines of a CSV file, and each rank's slice of them. */
@NullMarked
package io.mpilock.demo.flight;

import org.jspecify.annotations.NullMarked;

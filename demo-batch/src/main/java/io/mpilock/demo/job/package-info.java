/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** The Spring Batch job; begin with {@code FlightJobConfiguration}. */
@NullMarked
package io.mpilock.demo.job;

import org.jspecify.annotations.NullMarked;

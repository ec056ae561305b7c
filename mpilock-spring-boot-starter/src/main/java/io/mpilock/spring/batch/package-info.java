/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Spring Batch on the ranks of a job: each rank runs the same job over a slice of the input, and
 * they end alike. Needs Spring Batch on the class path.
 */
@NullMarked
package io.mpilock.spring.batch;

import org.jspecify.annotations.NullMarked;

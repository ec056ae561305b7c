/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Micrometer meters of the locks; see {@link io.mpilock.spring.metrics.MpilockMetrics}. */
@NullMarked
package io.mpilock.spring.metrics;

import org.jspecify.annotations.NullMarked;

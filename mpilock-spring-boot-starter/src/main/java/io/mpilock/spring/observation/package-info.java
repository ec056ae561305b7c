/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Micrometer observations of lock requests: spans of traces, and what else listens. */
@NullMarked
package io.mpilock.spring.observation;

import org.jspecify.annotations.NullMarked;

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What can go wrong, one type per thing that a caller would treat differently. Every type is an
 * unchecked {@link io.mpilock.failure.MpilockException}; its message says what happened, to which
 * rank and resource, and what to do.
 */
@NullMarked
package io.mpilock.failure;

import org.jspecify.annotations.NullMarked;

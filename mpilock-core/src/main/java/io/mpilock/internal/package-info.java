/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What is behind the public API: a controller, over the layers {@code agent}, {@code call}, {@code
 * rank}, {@code node} and {@code window}, each of which knows those below it only, and beside them
 * the pure state machines of {@code job}. Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal;

import org.jspecify.annotations.NullMarked;

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** A long run of everything at random over a file that betrays any overlap; for config/soak.sh. */
@NullMarked
package io.mpilock.soak;

import org.jspecify.annotations.NullMarked;

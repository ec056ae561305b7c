/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Tests of the transports. */
@NullMarked
package io.mpilock.transport;

import org.jspecify.annotations.NullMarked;

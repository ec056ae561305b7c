/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Tests of the local transport from inside. */
@NullMarked
package io.mpilock.transport.local;

import org.jspecify.annotations.NullMarked;

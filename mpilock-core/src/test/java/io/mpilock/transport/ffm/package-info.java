/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Tests of the native transport that need to see its inside. */
@NullMarked
package io.mpilock.transport.ffm;

import org.jspecify.annotations.NullMarked;

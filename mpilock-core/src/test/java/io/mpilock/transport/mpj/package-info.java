/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Tests of the transport mpj from inside. */
@NullMarked
package io.mpilock.transport.mpj;

import org.jspecify.annotations.NullMarked;

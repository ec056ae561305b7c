/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** An application that knows nothing of mpilock: it is started with the starter and without. */
@NullMarked
package org.example.plain;

import org.jspecify.annotations.NullMarked;

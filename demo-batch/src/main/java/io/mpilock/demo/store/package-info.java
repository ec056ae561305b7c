/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** The HDF5 file that all ranks write. */
@NullMarked
package io.mpilock.demo.store;

import org.jspecify.annotations.NullMarked;

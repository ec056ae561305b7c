/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** A Spring Batch job whose ranks write one HDF5 file under the locks of mpilock. */
@NullMarked
package io.mpilock.demo;

import org.jspecify.annotations.NullMarked;

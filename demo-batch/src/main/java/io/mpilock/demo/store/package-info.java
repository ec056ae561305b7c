/** The HDF5 file that all ranks write. */
@NullMarked
package io.mpilock.demo.store;

import org.jspecify.annotations.NullMarked;

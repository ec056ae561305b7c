/**
 * How a lock is kept: the words in the window, the lock on them, the threads of a rank, and the
 * collective calls. Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.protocol;

import org.jspecify.annotations.NullMarked;

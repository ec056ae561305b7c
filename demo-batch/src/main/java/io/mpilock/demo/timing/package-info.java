/** When a rank waited for the lock and held it. */
@NullMarked
package io.mpilock.demo.timing;

import org.jspecify.annotations.NullMarked;

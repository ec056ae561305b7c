/** How far all ranks have come, for the master to show. */
@NullMarked
package io.mpilock.demo.progress;

import org.jspecify.annotations.NullMarked;

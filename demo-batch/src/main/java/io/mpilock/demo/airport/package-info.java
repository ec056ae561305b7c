/** The airports that the flights are joined with. */
@NullMarked
package io.mpilock.demo.airport;

import org.jspecify.annotations.NullMarked;

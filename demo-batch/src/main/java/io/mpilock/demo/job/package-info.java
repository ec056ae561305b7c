/** The Spring Batch job and what holds it together over the ranks. */
@NullMarked
package io.mpilock.demo.job;

import org.jspecify.annotations.NullMarked;

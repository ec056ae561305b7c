/** The ranks' locks for Spring Integration. */
@NullMarked
package io.mpilock.spring.integration;

import org.jspecify.annotations.NullMarked;

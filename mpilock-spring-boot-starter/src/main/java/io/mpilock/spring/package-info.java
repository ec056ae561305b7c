/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Locks over the ranks of an MPI job in Spring's idiom; start at {@link
 * io.mpilock.spring.LockTemplate}.
 */
@NullMarked
package io.mpilock.spring;

import org.jspecify.annotations.NullMarked;

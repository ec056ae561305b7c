/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Conditions on this process's rank, for beans and configurations that only some ranks have. */
@NullMarked
package io.mpilock.spring.condition;

import org.jspecify.annotations.NullMarked;

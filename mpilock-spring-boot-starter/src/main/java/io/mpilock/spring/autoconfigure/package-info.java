/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** Auto-configuration of mpilock from the {@code mpilock.*} properties. */
@NullMarked
package io.mpilock.spring.autoconfigure;

import org.jspecify.annotations.NullMarked;

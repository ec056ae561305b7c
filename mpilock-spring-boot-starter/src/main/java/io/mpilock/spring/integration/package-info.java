/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** The ranks' locks for Spring Integration. */
@NullMarked
package io.mpilock.spring.integration;

import org.jspecify.annotations.NullMarked;

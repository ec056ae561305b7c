/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Ranks as threads of one JVM: one rank where no launcher is, and any number of them, on any nodes,
 * in tests.
 */
@NullMarked
package io.mpilock.transport.local;

import org.jspecify.annotations.NullMarked;

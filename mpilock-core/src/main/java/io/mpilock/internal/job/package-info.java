/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The job level as pure state machines: no threads, no clock, no window and no network. Messages
 * and the time come in by method calls, messages go out through small interfaces.
 */
@NullMarked
package io.mpilock.internal.job;

import org.jspecify.annotations.NullMarked;

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** The locks of a rank as events of the JDK's Flight Recorder. */
@NullMarked
package io.mpilock.spring.jfr;

import org.jspecify.annotations.NullMarked;

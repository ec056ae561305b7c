/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** What goes wrong in the job, as events of the application. */
@NullMarked
package io.mpilock.spring.event;

import org.jspecify.annotations.NullMarked;

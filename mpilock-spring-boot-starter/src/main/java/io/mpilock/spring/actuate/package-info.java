/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** What Boot's actuator shows of the locks: the endpoint {@code mpilock}, and its health. */
@NullMarked
package io.mpilock.spring.actuate;

import org.jspecify.annotations.NullMarked;

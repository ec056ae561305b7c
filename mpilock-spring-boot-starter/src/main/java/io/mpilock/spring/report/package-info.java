/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** What the locks of a job came to, told at its end: a table, and files with a timeline. */
@NullMarked
package io.mpilock.spring.report;

import org.jspecify.annotations.NullMarked;

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** What the master writes at the end: figures, CSV and a page with pictures. */
@NullMarked
package io.mpilock.demo.report;

import org.jspecify.annotations.NullMarked;

/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What guards shared objects: Java serialisation behind an allow-list, with bounds on what bytes
 * can cost. Internal: applications use {@code io.mpilock}.
 */
@NullMarked
package io.mpilock.internal.share;

import org.jspecify.annotations.NullMarked;

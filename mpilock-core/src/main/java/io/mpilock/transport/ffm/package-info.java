/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The {@code native} transport: libmpi through the Foreign Function and Memory API. The only
 * package that imports {@code java.lang.foreign}.
 */
@NullMarked
package io.mpilock.transport.ffm;

import org.jspecify.annotations.NullMarked;

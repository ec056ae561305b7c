/*
 * SPDX-License-Identifier: Apache-2.0
 */
/** How far the work is that ranks share: for the endpoint, the meters, and a person who watches. */
@NullMarked
package io.mpilock.spring.progress;

import org.jspecify.annotations.NullMarked;

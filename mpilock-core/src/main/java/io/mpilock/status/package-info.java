/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What a job of ranks is at one moment: who is there, and who holds and waits for what. For people
 * and for monitoring; nothing here decides who gets a lock.
 */
@NullMarked
package io.mpilock.status;

import org.jspecify.annotations.NullMarked;

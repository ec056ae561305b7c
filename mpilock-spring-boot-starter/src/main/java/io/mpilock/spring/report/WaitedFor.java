/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/**
 * How long the threads of one rank waited while those of another held what they wanted.
 *
 * @param waiter the rank that waited
 * @param holder the rank that held; may be the same
 * @param resource the resource
 * @param nanos how long in all
 * @param times in how many waits
 */
record WaitedFor(int waiter, int holder, String resource, long nanos, long times) {}

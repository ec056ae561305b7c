/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

/**
 * The result of clearing the poison of a resource.
 *
 * @param name its name
 * @param cleared whether it was poisoned, and is free again by this call
 * @param message in words; if it is not cleared, why, and what to do
 * @since 0.1.0
 */
public record ClearedDescriptor(String name, boolean cleared, String message) {}

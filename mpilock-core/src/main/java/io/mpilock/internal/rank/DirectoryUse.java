/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

/**
 * How much of a node's window the names of resources need.
 *
 * @param names how many have an entry, of which some may be needed no more
 * @param reclaimed how often an entry was given back
 * @param usedWords what those take that are needed, in words
 * @param words what there is for them
 */
public record DirectoryUse(long names, long reclaimed, long usedWords, long words) {}

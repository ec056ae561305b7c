/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The transport SPI: what a lock needs from the world below it, and no policy.
 *
 * <p>A {@link io.mpilock.transport.Transport} makes a {@link io.mpilock.transport.Communicator}
 * (rank, size, who the members are and whether they live), and a communicator allocates a {@link
 * io.mpilock.transport.NodeWindow}: 64-bit words that all ranks of a node see.
 */
@NullMarked
package io.mpilock.transport;

import org.jspecify.annotations.NullMarked;

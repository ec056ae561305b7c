/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The transport {@code mpj}: MPJ Express 0.44 for the frames between nodes, a mapped file for the
 * words of a node, and a lifeline of our own for everything that must outlive a rank's death.
 *
 * <pre>
 *   rank 0: Hub --- Wire ------ Lifeline of rank 1      joins, meetings, deaths, abort
 *            |  \-- Wire ------ Lifeline of rank 2
 *            Lifeline of rank 0
 *
 *   a node's lowest rank: Pair ====== Pair of another node's lowest rank    frames, over MPJ Express
 * </pre>
 *
 * <p>What listens: rank 0's {@code Acceptor} until all ranks have joined, and that of a node's
 * lowest rank while its first messenger is opened. A gate lets nobody in who does not know the
 * job's token. MPJ Express' own sockets never accept anybody: see {@code MpjWorld}.
 */
@NullMarked
package io.mpilock.transport.mpj;

import org.jspecify.annotations.NullMarked;

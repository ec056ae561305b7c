package io.mpilock.transport.ffm;

/**
 * What an MPI window is made of, as this process sees it.
 *
 * @param handle the MPI_Win
 * @param node the ranks that it is shared by
 * @param address of the first word, aligned to 128 bytes
 * @param words how many there are
 */
record WindowMemory(long handle, Group node, long address, long words) {}

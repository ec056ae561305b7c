/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

/**
 * What differs between the binary interfaces of MPI implementations. Handles are kept as {@code
 * long} in Java, whatever their width.
 *
 * @param pointerHandles whether a handle is a pointer; an int otherwise
 * @param commWorld MPI_COMM_WORLD
 * @param commSelf MPI_COMM_SELF
 * @param nullCopy MPI_COMM_NULL_COPY_FN, an address
 * @param infoNull MPI_INFO_NULL
 * @param byteType MPI_BYTE
 * @param errorsReturn MPI_ERRORS_RETURN
 * @param commTypeShared MPI_COMM_TYPE_SHARED
 * @param statusIgnore MPI_STATUS_IGNORE, an address
 * @param threadSerialized MPI_THREAD_SERIALIZED
 * @param threadMultiple MPI_THREAD_MULTIPLE
 * @param anySource MPI_ANY_SOURCE
 * @param anyTag MPI_ANY_TAG
 * @param statusSource where MPI_SOURCE is in an MPI_Status, in bytes
 */
record MpiAbi(
    boolean pointerHandles,
    long commWorld,
    long commSelf,
    long nullCopy,
    long infoNull,
    long byteType,
    long errorsReturn,
    int commTypeShared,
    long statusIgnore,
    int threadSerialized,
    int threadMultiple,
    int anySource,
    int anyTag,
    long statusSource) {

  /** As much as an MPI_Status takes in any implementation, and more. */
  static final long STATUS_BYTES = 64;
}

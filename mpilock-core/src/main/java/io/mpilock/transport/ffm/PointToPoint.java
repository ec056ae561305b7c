/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * MPI's calls for messages, on any thread that holds {@link MpiLibrary#inside}. They do not wait,
 * allocate nothing, and tell an error by their result: a peer that died is no exception here. After
 * {@link #end} they fail without a call.
 */
final class PointToPoint {

  /** How far a request is. */
  enum Outcome {
    DONE,
    NOT_YET,
    FAILED
  }

  private final MpiAbi abi;
  private final MethodHandle isend;
  private final MethodHandle improbe;
  private final MethodHandle getCount;
  private final MethodHandle imrecv;
  private final MethodHandle test;

  // Used inside MPI only, so by one thread at a time.
  private final MemorySegment flag = Arena.ofAuto().allocate(JAVA_INT);
  private final MemorySegment count = Arena.ofAuto().allocate(JAVA_INT);
  private final MemorySegment message = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);
  private final MemorySegment status = Arena.ofAuto().allocate(MpiAbi.STATUS_BYTES, Long.BYTES);
  private final MemorySegment statusIgnore;
  private boolean ended;

  PointToPoint(MpiLibrary library) {
    abi = library.abi();
    isend = library.exactly(MpiFunction.MPI_Isend);
    improbe = library.exactly(MpiFunction.MPI_Improbe);
    getCount = library.exactly(MpiFunction.MPI_Get_count);
    imrecv = library.exactly(MpiFunction.MPI_Imrecv);
    test = library.exactly(MpiFunction.MPI_Test);
    statusIgnore = MemorySegment.ofAddress(abi.statusIgnore());
  }

  /** Starts to send; false if MPI refuses. Frame and request are MPI's until the test is done. */
  boolean send(FrameBuffer frame, int rank, int tag, long comm) {
    if (ended) {
      return false;
    }
    try {
      return (int)
              isend.invokeExact(
                  frame.data(), frame.length(), abi.byteType(), rank, tag, comm, frame.request())
          == 0;
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Isend", e);
    }
  }

  /**
   * Matches a message that has come; {@link #source} and {@link #length} tell of it, and {@link
   * #receive} must take it.
   */
  boolean match(int tag, long comm) {
    if (probe(tag, comm)) {
      return true;
    }
    // Both libraries look first, and take in what the network has after that.
    return probe(tag, comm);
  }

  private boolean probe(int tag, long comm) {
    if (ended) {
      return false;
    }
    try {
      int code = (int) improbe.invokeExact(abi.anySource(), tag, comm, flag, message, status);
      return code == 0 && flag.get(JAVA_INT, 0) != 0;
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Improbe", e);
    }
  }

  int source() {
    return status.get(JAVA_INT, abi.statusSource());
  }

  int length() {
    try {
      int code = (int) getCount.invokeExact(status, abi.byteType(), count);
      return code == 0 ? count.get(JAVA_INT, 0) : 0;
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Get_count", e);
    }
  }

  /** Starts to receive the matched message; false if MPI refuses. */
  boolean receive(FrameBuffer frame) {
    try {
      return (int)
              imrecv.invokeExact(
                  frame.data(), frame.length(), abi.byteType(), message, frame.request())
          == 0;
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Imrecv", e);
    }
  }

  /** Whether MPI is through with a frame: then its memory is ours again. */
  Outcome test(FrameBuffer frame) {
    if (ended) {
      return Outcome.FAILED;
    }
    try {
      int code = (int) test.invokeExact(frame.request(), flag, statusIgnore);
      if (code != 0) {
        return Outcome.FAILED;
      }
      return flag.get(JAVA_INT, 0) != 0 ? Outcome.DONE : Outcome.NOT_YET;
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Test", e);
    }
  }

  /** MPI is finalised, perhaps by the application: it must not be called any more. */
  void end() {
    ended = true;
  }

  /** The tag that matches every message. */
  int anyTag() {
    return abi.anyTag();
  }
}

/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.constant.ConstantDescs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A window's words. The first window of a process has a class of its own, a hidden one (JEP 371)
 * that is made from the class file of this one, whose segment is a constant of that class: so the
 * compiler knows where the words are and how many, and of an access's many checks it leaves two, of
 * the index and of the arena's state. Not every window has one, since code that has met more than
 * two classes of windows calls their methods instead of inlining them.
 */
final class NativeWords extends NativeWindow {

  /** The segment of the only window of this class; null if the class has any number of them. */
  private static final @Nullable MemorySegment CONSTANT = constant();

  private static final long CONSTANT_WORDS = CONSTANT == null ? 0 : words(CONSTANT);

  private final MemorySegment own;
  private final long ownWords;

  NativeWords(MpiRuntime runtime, WindowMemory memory, Arena arena, MemorySegment segment) {
    super(runtime, memory, arena);
    own = segment;
    ownWords = words(segment);
  }

  private static @Nullable MemorySegment constant() {
    try {
      return MethodHandles.classData(
          MethodHandles.lookup(), ConstantDescs.DEFAULT_NAME, MemorySegment.class);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * One fewer than the segment has. So the compiler sees that an index which was checked against
   * this passes the segment's own check, and drops that: its range of a checked index includes the
   * bound.
   */
  private static long words(MemorySegment segment) {
    return segment.byteSize() / Long.BYTES - 1;
  }

  private MemorySegment segment() {
    return CONSTANT == null ? own : CONSTANT;
  }

  @Override
  public long words() {
    return CONSTANT == null ? ownWords : CONSTANT_WORDS;
  }

  @Override
  public long get(long index) {
    return (long) WORD.getVolatile(segment(), offset(index));
  }

  @Override
  public void set(long index, long value) {
    WORD.setVolatile(segment(), offset(index), value);
  }

  @Override
  public void setRelease(long index, long value) {
    WORD.setRelease(segment(), offset(index), value);
  }

  @Override
  public long getAndAdd(long index, long delta) {
    return (long) WORD.getAndAdd(segment(), offset(index), delta);
  }

  @Override
  public boolean compareAndSet(long index, long expected, long value) {
    return WORD.compareAndSet(segment(), offset(index), expected, value);
  }

  @Override
  public void putBytes(long index, byte[] source, int offset, int length) {
    MemorySegment.copy(source, offset, segment(), JAVA_BYTE, offset(index, length), length);
  }

  @Override
  public void getBytes(long index, byte[] target, int offset, int length) {
    MemorySegment.copy(segment(), JAVA_BYTE, offset(index, length), target, offset, length);
  }

  private long offset(long index) {
    return Objects.checkIndex(index, words()) * Long.BYTES; // or a large index would wrap around
  }

  private long offset(long index, int length) {
    return Objects.checkFromIndexSize(offset(index), length, words() * Long.BYTES);
  }
}

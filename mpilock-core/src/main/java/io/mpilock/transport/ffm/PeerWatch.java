package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Whether one other process lives. Where Linux has it, through a pidfd, which stands for the
 * process and not for whoever has its id: polling it is a single cheap system call, and a zombie
 * counts as ended. Elsewhere through {@link Processes}, whose file of a JVM costs the kernel a
 * hundred times as much.
 */
final class PeerWatch {
  /** The same on all processors that have the unified numbers, as all since 2019. */
  private static final long PIDFD_OPEN = 434;

  private static final short POLLIN = 1;

  private static final boolean LINUX = System.getProperty("os.name", "").equals("Linux");

  private static final @Nullable MethodHandle SYSCALL =
      link(
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          Linker.Option.firstVariadicArg(1));
  private static final @Nullable MethodHandle POLL =
      link("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final @Nullable MethodHandle CLOSE =
      link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

  private final long pid;
  private final long startTime;

  // Guarded by this, so that nobody polls a descriptor that was closed and given to another file.
  private int descriptor = -1;
  private boolean opened;
  private boolean dead;

  PeerWatch(long pid, long startTime) {
    this.pid = pid;
    this.startTime = startTime;
  }

  long pid() {
    return pid;
  }

  /** False once the process has ended, and for ever after. */
  synchronized boolean isAlive() {
    if (!dead) {
      if (!opened) {
        opened = true;
        descriptor = open();
        // Only now: the id may have been given to another process before it was opened.
        dead = !Processes.isAlive(pid, startTime);
      } else {
        dead = descriptor >= 0 ? hasEnded(descriptor) : !Processes.isAlive(pid, startTime);
      }
    }
    return !dead;
  }

  /** Gives the descriptor back. The watch goes on working, at the higher price. */
  synchronized void close() {
    if (descriptor >= 0 && CLOSE != null) {
      try {
        int _ = (int) CLOSE.invokeExact(descriptor);
      } catch (Throwable e) {
        throw Downcalls.failed("close", e);
      }
    }
    opened = true;
    descriptor = -1;
  }

  private int open() {
    if (SYSCALL == null || POLL == null) {
      return -1;
    }
    try {
      return (int) (long) SYSCALL.invokeExact(PIDFD_OPEN, pid, 0L);
    } catch (Throwable e) {
      throw Downcalls.failed("pidfd_open", e);
    }
  }

  private static boolean hasEnded(int descriptor) {
    MethodHandle poll = POLL;
    if (poll == null) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      // struct pollfd: int fd; short events; short revents
      MemorySegment request = arena.allocate(8, 4);
      request.set(JAVA_INT, 0, descriptor);
      request.set(JAVA_SHORT, 4, POLLIN);
      return (int) poll.invokeExact(request, 1L, 0) > 0;
    } catch (Throwable e) {
      throw Downcalls.failed("poll", e);
    }
  }

  private static @Nullable MethodHandle link(
      String name, FunctionDescriptor type, Linker.Option... options) {
    if (!LINUX) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(name)
        .map(address -> linker.downcallHandle(address, type, options))
        .orElse(null);
  }
}

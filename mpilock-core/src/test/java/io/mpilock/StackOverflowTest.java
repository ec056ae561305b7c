/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.MpilockException;
import io.mpilock.testing.Jvm;
import io.mpilock.testing.Silent;
import io.mpilock.transport.local.LocalCluster;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A thread with little stack takes and gives back a lock as deep in it as it gets, and a frame less
 * deep each time. Wherever the stack ends, another rank gets the lock afterwards.
 */
@ExtendWith(Silent.class)
@Timeout(300)
class StackOverflowTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final long STACK_BYTES = 256 << 10;

  /** From the end of the stack up; but for the last, the stack was enough at each of them. */
  private static final int ENOUGH = 60;

  /** What is called often is compiled, and its frames get smaller. */
  private static final int ROUNDS = 4;

  private static final Duration CHILD = Duration.ofMinutes(5);

  /** What the thread does; what it has got it keeps in a field: a call may have no stack. */
  private interface Act {
    void run(WindowController mine) throws Exception;
  }

  private @Nullable AutoCloseable held;
  private Optional<WriteLease> tried = Optional.empty();
  private int up;
  private boolean done;
  private int overflows;

  private Act act(String name) {
    return switch (name) {
      case "read", "read in a read", "read in a write" -> mine -> held = mine.read();
      case "write", "write in a write" -> mine -> held = mine.write();
      case "tried write" -> mine -> tried = mine.tryWrite();
      case "timed write, in vain" -> mine -> held = mine.write(Duration.ofMillis(2));
      case "timed read, in vain" -> mine -> held = mine.read(Duration.ofMillis(2));
      case "optimistic read" ->
          mine -> {
            boolean _ = mine.validate(mine.tryOptimisticRead());
          };
      default -> throw new IllegalArgumentException(name);
    };
  }

  @ParameterizedTest
  @CsvSource({
    "read, false",
    "read, true",
    "write, false",
    "write, true",
    "tried write, false",
    "tried write, true",
    "'timed write, in vain', false",
    "'timed read, in vain', false",
    "read in a read, false",
    "read in a write, true",
    "write in a write, false",
    "write in a write, true",
    "optimistic read, false",
    "optimistic read, true"
  })
  void whereverTheStackEndsAnotherRankGetsTheLock(String name, boolean twoNodes) throws Exception {
    LocalCluster cluster = twoNodes ? new LocalCluster(1, 1) : new LocalCluster(2);
    ControllerOptions options = ControllerOptions.defaults().withShutdownTimeout(Duration.ZERO);
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      Future<WindowController> opened =
          other.submit(() -> WindowController.sync(cluster.world(1), options));
      WindowController mine = WindowController.sync(cluster.world(0), options);
      WindowController theirs = opened.get();
      boolean inVain = name.endsWith("in vain");
      Act act = act(name);
      int last = 0;
      for (int step = -1; step < ROUNDS * (last + ENOUGH); step++) {
        int depth = step < 0 ? -1 : step % (last + ENOUGH);
        int above = depth;
        int before = overflows;
        Future<WriteLease> lease = inVain ? other.submit(() -> theirs.write(SOON)) : null;
        if (lease != null) {
          lease.get();
        }
        onSmallStack(() -> {
          if (above < 0) { // loads all classes
            for (int i = 0; i < 20; i++) {
              finish(() -> act.run(mine));
              giveBack();
            }
            finish(() -> mine.write(Duration.ofMillis(600)).close());
            finish(() -> mine.read(Duration.ofMillis(600)).close());
          } else {
            AutoCloseable outer =
                name.endsWith("in a read")
                    ? mine.read()
                    : name.endsWith("in a write") ? mine.write() : null;
            dive(above, () -> act.run(mine));
            dive(above, this::giveBack); // gives back as deep
            finish(this::giveBack);
            if (outer != null) {
              assertThat(mine.resource(WindowController.DEFAULT_RESOURCE).isHeldByCurrentThread())
                  .isTrue();
              outer.close();
              return; // without another request
            }
            // What could not be given back for want of stack is when the thread asks again.
            mine.tryWrite().ifPresent(WriteLease::close);
          }
        });
        if (lease != null) {
          other.submit(lease.get()::close).get();
          onSmallStack(() -> mine.write(SOON).close());
        }
        other
            .submit(() -> {
              theirs.write(SOON).close();
              theirs.read(SOON).close();
            })
            .get(60, TimeUnit.SECONDS);
        last = overflows == before ? last : Math.max(last, depth);
      }
      assertThat(overflows).isGreaterThan(5);
      Future<?> closed = other.submit(theirs::close);
      mine.close();
      closed.get();
    }
  }

  /** Frames of other sizes: what was never called is the largest, and may have no stack left. */
  @ParameterizedTest
  @ValueSource(strings = {"-XX:TieredStopAtLevel=1", "-Xint"})
  void alsoWhereLittleIsCompiled(String option) throws Exception {
    Path output = Files.createTempFile("stack-overflow", ".txt");
    Process child =
        new ProcessBuilder(
                Jvm.command(
                    option,
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    StackOverflowTest.class.getName()))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      boolean ended = child.waitFor(CHILD.toSeconds(), TimeUnit.SECONDS);
      assertThat(Files.readString(output)).endsWith("done" + System.lineSeparator());
      assertThat(ended).isTrue();
    } finally {
      child.destroyForcibly();
      Files.delete(output);
    }
  }

  /** Runs all cases in this JVM. */
  public static void main(String[] args) throws Exception {
    for (Method method : StackOverflowTest.class.getDeclaredMethods()) {
      CsvSource cases = method.getAnnotation(CsvSource.class);
      if (cases != null) {
        for (String each : cases.value()) {
          int comma = each.lastIndexOf(", ");
          new StackOverflowTest()
              .whereverTheStackEndsAnotherRankGetsTheLock(
                  each.substring(0, comma).replace("'", ""),
                  Boolean.parseBoolean(each.substring(comma + 2)));
        }
      }
    }
    System.out.println("done");
  }

  private void giveBack() throws Exception {
    AutoCloseable mine = held;
    if (mine != null) {
      mine.close();
      held = null;
    }
    if (tried.isPresent()) {
      tried.get().close();
      tried = Optional.empty();
    }
  }

  /** Does what the caller has the stack for. */
  private static void finish(ThrowingRunnable task) throws Exception {
    try {
      task.run();
    } catch (LockTimeoutException inVain) {
      // as it should be
    }
  }

  private interface ThrowingRunnable {
    void run() throws Exception;
  }

  /** Runs a task so many frames above the end of the stack. */
  private void dive(int above, ThrowingRunnable task) {
    up = 0;
    done = false;
    Throwable thrown = down(above, task);
    if (thrown instanceof StackOverflowError || thrown instanceof LinkageError) {
      overflows++;
    } else if (thrown != null) {
      assertThat(thrown).isInstanceOf(MpilockException.class);
    }
  }

  /** What the task threw, if it is done. */
  @SuppressWarnings("InfiniteRecursion") // to the end of the stack
  private @Nullable Throwable down(int above, ThrowingRunnable task) {
    Throwable thrown = null;
    try {
      thrown = down(above, task);
    } catch (StackOverflowError end) {
      // Here is the end, or another frame above it.
    }
    if (!done && up++ >= above) {
      done = true;
      try {
        task.run();
      } catch (Throwable e) {
        return e;
      }
    }
    return thrown;
  }

  private static void onSmallStack(ThrowingRunnable body) throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        new Thread(
            null,
            () -> {
              try {
                body.run();
              } catch (Throwable e) {
                failure.set(e);
              }
            },
            "little stack",
            STACK_BYTES,
            false);
    thread.start();
    thread.join();
    Throwable thrown = failure.get();
    if (thrown != null) {
      throw new AssertionError(thrown);
    }
  }
}
